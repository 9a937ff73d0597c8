cimport cython
from tickwright.engine.cost cimport OpenCost

cdef extern from *:
    ctypedef long long wide "__int128"

cdef long long GRID_MAX
cdef long long SMALL

cdef class Position(OpenCost):
    cdef readonly object instrument
    cdef readonly int digits
    cdef readonly long long lots
    cdef readonly long long fills
    cdef int inverse
    cdef wide flow
    cdef wide maker_value
    cdef wide taker_value
    cdef object far_flow
    cdef object far_maker
    cdef object far_taker
    cdef object cash_known
    cdef long long cash_as_of
    cdef int far
    cdef wide before_cost
    cdef object before_fine
    cdef long long before_high
    cdef long long before_low
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
    cdef object gain_atoms
    cdef object pico

    @cython.locals(after=cython.longlong, held=cython.longlong, worth=wide, signed=wide)
    cpdef int fill(self, int side, long long lots, long long ticks, int maker, object fee=*) except -1
    @cython.locals(size=cython.longlong, rest=wide, closing=wide)
    cdef int _close(self, int side, long long lots, long long ticks, wide signed) except -1
    cdef int _refuse(self, int side, long long lots, long long ticks) except -1
    @cython.locals(exact=object)
    cdef wide _inverse_worth(self, long long lots, long long ticks)
    @cython.locals(flow=object, maker=object, taker=object, cost=object, gain=object, picos=object)
    cdef int _spill(self) except -1
    cpdef object total_atoms(self, object mark2)
    @cython.locals(flow=object, maker=object, taker=object)
    cpdef object cash_atoms(self)
    @cython.locals(maker=object, taker=object)
    cpdef object fees_atoms(self)
    @cython.locals(gain=object, picos=object)
    cpdef object realized_atoms(self)
    @cython.locals(exact=object, lots=object)
    cdef object _mark_worth2(self, object mark2)
