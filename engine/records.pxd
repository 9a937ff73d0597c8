cimport cython
from tickwright.engine.order cimport Fill, Order

@cython.final
cdef class Table:
    cdef readonly str name
    cdef readonly tuple columns
    cdef readonly Py_ssize_t width
    cdef readonly Py_ssize_t at
    cdef readonly long long total
    cdef object sink
    cdef object later
    cdef object hasher
    cdef long long[::1] rows
    cdef list texts

    cpdef flush(self)

cdef class Recorder:
    cdef readonly long long seq
    cdef readonly Table orders
    cdef readonly Table fills
    cdef readonly Table decisions
    cdef readonly Table notes
    cdef readonly Table equity

    @cython.locals(table=Table, i=cython.Py_ssize_t, bits=cython.longlong, rows=cython.longlong[::1])
    cpdef order(self, Order order, int event, long long ts)
    @cython.locals(table=Table, i=cython.Py_ssize_t, rows=cython.longlong[::1], order=Order)
    cpdef fill(self, Fill fill, int side, long long ts)
    @cython.locals(table=Table, i=cython.Py_ssize_t, j=cython.Py_ssize_t, n=cython.Py_ssize_t, rows=cython.longlong[::1])
    cpdef decision(self, Order order, int verdict, int action, long long[::1] evidence, str text, long long ts)
    @cython.locals(table=Table, i=cython.Py_ssize_t)
    cpdef note(self, int severity, str text, long long ts)
    @cython.locals(table=Table, i=cython.Py_ssize_t, rows=cython.longlong[::1])
    cpdef sample(self, int market, int strategy, long long position_lots, long long double_mark, long long ts)
