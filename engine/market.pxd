cimport cython
from tickwright.engine.book cimport Book
from tickwright.engine.levels cimport Levels
from tickwright.engine.order cimport Working

cdef int LIVE

@cython.final
cdef class Market:
    cdef readonly int index
    cdef readonly object instrument
    cdef readonly Book book
    cdef readonly object position
    cdef readonly Working working
    cdef public int venue_index
    cdef readonly str venue_name
    cdef readonly bint has_trade
    cdef readonly long long last_ticks
    cdef readonly long long last_ts
    cdef list watches
    cdef readonly list legs
    cdef readonly list packages

    cpdef traded(self, long long ticks, long long ts)
    @cython.locals(book=Book, bids=Levels, asks=Levels)
    cpdef long long double_reference(self)
    cpdef long long net_reference(self) except? 0
    cpdef long long gross_reference(self) except? 0
    cpdef join(self, list legs)

@cython.final
cdef class Seat:
    cdef readonly str strategy
    cdef readonly int strategy_index
    cdef readonly Market market
    cdef readonly object position
    cdef readonly Working working
    cdef public object limits
