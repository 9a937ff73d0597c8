cimport cython
from tickwright.engine.order cimport Fill, Order

cdef long long NO_TIME

cdef class Gate:
    cdef public list to_cancel
    cpdef object judge(self, Order order, long long now)
    cpdef object judge_replace(self, Order order, long long lots, long long ticks, long long now)
    cpdef bint cancel_allowed(self, Order order, long long now) except -1
    cpdef filled(self, Order order, Fill fill, long long now)
    cpdef rejected(self, Order order, long long now)
    cpdef mark(self, long long now)
    cpdef disable(self, int strategy_index, str reason, long long now)
    cpdef object latched(self)
    cpdef let_exit(self, Order order)
    cpdef str asking_refusal(self, object seat, long long lots, long long now)
    cpdef alarm(self, Order order, bint halt, str code, long long now)

cdef class Venue:
    cpdef submit(self, Order order, long long now)
    cpdef cancel(self, Order order, long long request_id, long long now)
    cpdef replace(self, Order order, long long request_id, long long lots, long long ticks, long long now)

@cython.final
cdef class Stake:
    cdef public long long bid_low
    cdef public long long bid_high
    cdef public long long ask_low
    cdef public long long ask_high

    cpdef nothing(self)
    cpdef everything(self)
    cpdef bint level(self, int side, long long ticks) except -1
    cpdef bint trade(self, int taker, long long ticks) except -1

cdef class TapeVenue(Venue):
    cdef public long long next_due
    cdef public bint instant
    cdef public list stakes
    cdef public long long event

    cpdef advance(self, long long now)
    cpdef level(self, int market, int side, long long ticks, long long lots, long long ts, long long event)
    cpdef trade(self, int market, int taker, long long ticks, long long lots, long long ts, long long event)

cdef class Reports:
    cpdef accepted(self, str client_order_id, str venue_order_id, long long ts)
    cpdef refused(self, str client_order_id, str reason, long long ts)
    cpdef executed(self, str client_order_id, str trade_id, long long lots, long long ticks, bint maker, long long cause, long long ts)
    cpdef canceled(self, str client_order_id, long long stated_cum, str reason, long long ts)
    cpdef cancel_refused(self, str client_order_id, int kind, long long stated_cum, long long request_id, long long ts)
    cpdef replaced(self, str client_order_id, long long lots, long long ticks, long long request_id, long long ts)
    cpdef replace_refused(self, str client_order_id, int kind, long long stated_cum, long long request_id, long long ts)
    cpdef expired(self, str client_order_id, long long stated_cum, long long ts)

cdef class Ledger:
    cpdef book(self, Order order, Fill fill)
    cpdef take_back(self, Order order, Fill fill)
    cpdef correct(self, Order order, long long lots, long long old_ticks, long long new_ticks)
