cimport cython

cdef long long GRID_END

@cython.final
cdef class Levels:
    cdef readonly str name
    cdef readonly Py_ssize_t n
    cdef long long[::1] keys
    cdef long long[::1] sizes

    @cython.locals(top=cython.longlong, i=cython.Py_ssize_t, near=cython.Py_ssize_t, low=cython.Py_ssize_t, middle=cython.Py_ssize_t)
    cdef Py_ssize_t find(self, long long key)
    @cython.locals(i=cython.Py_ssize_t, j=cython.Py_ssize_t, n=cython.Py_ssize_t)
    cpdef bint set(self, long long key, long long size)
    @cython.locals(i=cython.Py_ssize_t)
    cpdef long long at(self, long long key)
    cpdef list all_keys(self)
    cdef refuse(self, long long key, long long size)
    cdef grow(self)
