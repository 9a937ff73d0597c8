cimport cython
from tickwright.engine.order cimport Approved, Fill, Order
from tickwright.risk.screen cimport Screen
from tickwright.risk.state cimport Bucket, Desk, Rules, VenueState

cdef long long TOKEN, NO_TIME
cdef int MARKET, PROTECT, TAKER

cdef class RiskGate(Screen):
    @cython.locals(rules=Rules, ticks=cython.longlong)
    cpdef object judge(self, Order order, long long now)
    @cython.locals(rules=Rules, counted=cython.longlong, added=cython.longlong)
    cpdef object judge_replace(self, Order order, long long lots, long long ticks, long long now)
    @cython.locals(rules=Rules, bucket=Bucket, free=bint)
    cpdef bint cancel_allowed(self, Order order, long long now) except -1
    @cython.locals(rules=Rules, desk=Desk)
    cpdef filled(self, Order order, Fill fill, long long now)
    @cython.locals(rules=Rules)
    cpdef rejected(self, Order order, long long now)
    cpdef mark(self, long long now)
    cpdef disable(self, int strategy_index, str reason, long long now)
    @cython.locals(rules=Rules, venue=VenueState, bucket=Bucket, desk=Desk)
    cpdef str asking_refusal(self, object seat, long long lots, long long now)
    cpdef alarm(self, Order order, bint halt, str code, long long now)
    cpdef object latched(self)
    cpdef let_exit(self, Order order)
    @cython.locals(bucket=Bucket, word=Approved, desk=Desk)
    cpdef Approved approve(self, Rules rules, Order order, long long ticks, long long now, int action)
    cpdef object decide(self, Rules rules, Order order, long long lots, long long added, long long ticks, long long now, int action)
