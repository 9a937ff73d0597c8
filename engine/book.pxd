cimport cython

cdef int CROSSED, LIVE, ONE_SIDED, SYNCING
cdef long long EXACT_DOUBLE, MAX_LEVELS, QUICK_NUM, QUICK_UNITS

@cython.final
cdef class Levels:
    cdef readonly Py_ssize_t n
    cdef long long[::1] keys
    cdef long long[::1] sizes

    @cython.locals(keys=cython.longlong[::1], i=cython.Py_ssize_t, near=cython.Py_ssize_t, low=cython.Py_ssize_t, middle=cython.Py_ssize_t)
    cdef Py_ssize_t find(self, long long key)
    @cython.locals(keys=cython.longlong[::1], sizes=cython.longlong[::1], i=cython.Py_ssize_t, j=cython.Py_ssize_t, n=cython.Py_ssize_t)
    cpdef bint set(self, long long key, long long size)
    @cython.locals(i=cython.Py_ssize_t)
    cpdef long long at(self, long long key)
    cdef grow(self)

cdef class Book:
    cdef readonly object instrument
    cdef readonly int index
    cdef readonly Levels bids
    cdef readonly Levels asks
    cdef readonly bint pinned
    cdef readonly int health_code
    cdef readonly str reason
    cdef readonly long long ts
    cdef long long tick_num, tick_den, lot_num, lot_den

    @cython.locals(i=cython.Py_ssize_t)
    cdef depth_lots(self, Levels levels, depth)
    cpdef bint apply(self, int side, long long ticks, long long lots)
    cpdef int settle(self, long long ts) except -1
    cdef judge_empty(self)
    cdef judge_crossed(self)
    cpdef pin(self, health, str reason)
    cpdef clear(self)
    cpdef long long bid_ticks(self)
    cpdef long long ask_ticks(self)
    cpdef long long size_at(self, int side, long long ticks)
    @cython.locals(value=cython.longlong, top=cython.longlong)
    cpdef double as_price(self, long long ticks)
    @cython.locals(value=cython.longlong, top=cython.longlong)
    cpdef double as_size(self, long long lots)
