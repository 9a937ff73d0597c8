cimport cython
from tickwright.engine.order cimport Order
from tickwright.engine.ports cimport Reports, Stake, TapeVenue
from tickwright.adapters.sim.lines cimport Message, Pipe, ReportLine
from tickwright.adapters.sim.matching cimport Matcher
from tickwright.adapters.sim.tickets cimport Desk, Ticket

cdef int CANCEL, SUBMIT
cdef long long NO_TIME

cdef class SimVenue(TapeVenue):
    cdef readonly ReportLine outbox
    cdef readonly Pipe inbox
    cdef readonly Desk desk
    cdef readonly list matchers
    cdef long long expiry_due
    cdef double reject_probability
    cdef object random

    @cython.locals(ticket=Ticket)
    cdef Ticket ticket(self, Order order, long long lots)
    cpdef submit(self, Order order, long long now)
    cpdef cancel(self, Order order, long long request_id, long long now)
    @cython.locals(message=Message)
    cpdef send_order(self, Ticket ticket, int market, long long now)
    @cython.locals(message=Message)
    cpdef send_cancel(self, str client_order_id, int market, long long request_id, long long now)
    @cython.locals(due=cython.longlong)
    cpdef advance(self, long long now)
    @cython.locals(due=cython.longlong)
    cdef schedule(self)
    @cython.locals(matcher=Matcher)
    cpdef level(self, int market, int side, long long ticks, long long lots, long long ts, long long event)
    @cython.locals(matcher=Matcher)
    cpdef trade(self, int market, int taker, long long ticks, long long lots, long long ts, long long event)
    @cython.locals(matcher=Matcher)
    cpdef long long position_lots(self, int market)
    @cython.locals(stake=Stake, low=cython.longlong, high=cython.longlong, ask_low=cython.longlong, ask_high=cython.longlong)
    cdef settle(self, Matcher matcher, int market)
    @cython.locals(market=int, matcher=Matcher, ticket=Ticket)
    cdef act(self, Message message, long long ts)
    @cython.locals(matcher=Matcher)
    cdef expire(self, long long due)
