cimport cython
from tickwright.engine.door cimport Door
from tickwright.engine.market cimport Seat

@cython.final
cdef class Watch:
    cdef readonly Desk desk
    cdef readonly int market
    cdef readonly int mode
    cdef readonly bint trades
    cdef readonly bint one_sided
    cdef public bint dirty
    cdef long long last_bid
    cdef long long last_ask

@cython.final
cdef class Desk:
    cdef readonly object strategy
    cdef readonly Door door
    cdef readonly str name
    cdef readonly int index
    cdef readonly object on_error
    cdef readonly object core
    cdef readonly object log
    cdef public bint enabled
    cdef public long long denied
    cdef public long long denied_since
    cdef readonly list seats
    cdef readonly object on_book
    cdef readonly object on_trade
    cdef readonly object on_order
    cdef readonly object on_fill
    cdef readonly object on_timer
