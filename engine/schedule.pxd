cimport cython

cdef long long NO_TIME

@cython.final
cdef class Schedule:
    cdef list heap
    cdef readonly long long made
    cdef readonly long long due

    cpdef add(self, long long due, object desk, str name, long long step, object watch)
    cpdef tuple pop(self)
    cpdef shift(self, long long by)
