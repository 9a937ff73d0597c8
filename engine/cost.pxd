cimport cython

cdef extern from *:
    ctypedef long long wide "__int128"

cdef wide FINE_STEP

cdef class OpenCost:
    cdef wide cost
    cdef wide gain
    cdef long long fine_high
    cdef long long fine_low
    cdef long long pico_small
    cdef object far_cost
    cdef wide picos
    cdef object gains
    cdef object gain_num
    cdef object gain_den

    @cython.locals(part=wide, high=wide, low=wide, left=wide, gained=wide, exact=wide, whole=wide)
    cdef int _close_fast(self, long long lots, long long size, wide closing) except -1
    @cython.locals(cost=object, part=object, worth=object)
    cdef int _close_far(self, long long lots, long long size, wide closing) except -1
    cdef object _fine_cost(self)
    @cython.locals(whole=object, rest=object)
    cdef int _set_cost(self, object fine) except -1
