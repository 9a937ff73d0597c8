cimport cython

cdef extern from *:
    ctypedef long long wide "__int128"

cdef long long GRID_MAX
cdef long long SMALL

cdef class Position:
    cdef readonly object instrument
    cdef readonly int digits
    cdef readonly long long lots
    cdef readonly long long fills
    cdef int inverse
    cdef int whole
    cdef wide flow
    cdef wide maker_value
    cdef wide taker_value
    cdef wide cost
    cdef wide gain
    cdef object far_flow
    cdef object far_maker
    cdef object far_taker
    cdef object fine_cost
    cdef object gains
    cdef wide before_cost
    cdef object before_fine
    cdef long long before_lots
    cdef object stated_maker
    cdef object stated_taker
    cdef object stated_fees
    cdef object adjusted
    cdef object unit_atoms
    cdef object half_atoms
    cdef object maker_atoms
    cdef object taker_atoms
    cdef object inverse_num
    cdef object inverse_den
    cdef object gain_num
    cdef object gain_den
    cdef object gain_atoms
    cdef object pico

    @cython.locals(after=cython.longlong, held=cython.longlong, worth=wide, signed=wide)
    cpdef int fill(self, int side, long long lots, long long ticks, int maker, object fee=*) except -1
    @cython.locals(size=cython.longlong, rest=wide, closing=wide, part=wide, whole_cost=object, fine_part=object)
    cdef int _close(self, int side, long long lots, long long ticks, wide signed) except -1
    cdef int _refuse(self, int side, long long lots, long long ticks) except -1
    @cython.locals(exact=object)
    cdef wide _inverse_worth(self, long long lots, long long ticks)
    @cython.locals(flow=object, maker=object, taker=object, cost=object, gain=object)
    cdef int _spill(self) except -1
    @cython.locals(flow=object, maker=object, taker=object)
    cpdef object total_atoms(self, object mark2)
    @cython.locals(exact=object, lots=object)
    cdef object _mark_worth2(self, object mark2)
