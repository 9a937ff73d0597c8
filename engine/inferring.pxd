cimport cython
from tickwright.engine.order cimport Fill, Order
from tickwright.engine.tracking cimport Tracker

cdef int CHANGED, E_FILL, QUERY, WARN

@cython.final
cdef class Inferring:
    cdef Tracker tracker

    @cython.locals(tracker=Tracker)
    cpdef int infer(self, Order order, long long cum, object average_ticks, long long as_of, long long ts) except -1
    cpdef int absorb(self, Order order, str trade_id, long long lots, long long ticks, int liquidity, long long cause, long long stated_cum, bint recovered, long long venue_ts, long long ts) except -1
    cdef int hold(self, Order order, str trade_id, long long lots, long long ticks, int liquidity, long long cause, bint recovered, long long ts) except -1
    @cython.locals(marks=cython.int)
    cpdef int release(self, Order order, long long cum, long long ts) except -1
    @cython.locals(tracker=Tracker, left=cython.longlong, fresh=cython.longlong)
    cdef int place(self, Order order, str trade_id, long long lots, long long ticks, int liquidity, long long cause, bint recovered, long long taken, long long venue_ts, long long ts) except -1
    @cython.locals(tracker=Tracker, left=cython.longlong, take=cython.longlong, old=Fill)
    cdef long long replace(self, Order order, str trade_id, long long lots, long long ticks, long long venue_ts, long long ts)
    @cython.locals(fill=Fill)
    cdef Fill piece(self, Order order, str trade_id, long long lots, long long ticks, long long venue_ts, bint inferred)
