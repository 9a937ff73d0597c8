cimport cython
from tickwright.engine.order cimport Order
from tickwright.engine.tracking cimport Tracker

cdef int ACK_LATE, CANCEL_LATE, CHANGED, CONTRADICTION, E_ACK_TIMEOUT, E_CANCEL_REJ, E_CANCEL_TIMEOUT, E_DISCONNECT
cdef int E_FILL_TIMEOUT, E_REPLACE_REJ, E_REPLACE_TIMEOUT, E_REPLACED, E_RESTART, FILL_EXPECTED, LINK_LOST, NO_CAUSE
cdef int QUERY, REPLACE_LATE, RESTARTED, RETRY_CANCEL, STALE_REPLY, T_ACK, T_CANCEL, T_FILL
cdef int T_NONE, T_REPLACE, TOO_LATE, TRANSIENT, UNKNOWN_ORDER, VENUE_UNKNOWN_ORDER, FAILED, FILLED
cdef int PENDING_CANCEL, PENDING_NEW, PENDING_REPLACE, PENDING_SEND, UNKNOWN
cdef long long NO_TIME

@cython.final
cdef class Answers:
    cdef Tracker tracker
    cdef long long ack_wait
    cdef long long cancel_wait
    cdef long long replace_wait
    cdef long long fill_wait

    @cython.locals(tracker=Tracker, marks=cython.int)
    cdef int unsent(self, Order order, int event, long long ts) except -1
    @cython.locals(tracker=Tracker, asked=cython.longlong)
    cdef int too_late(self, Order order, long long stated_cum, long long ts) except -1
    @cython.locals(tracker=Tracker, state=cython.int, marks=cython.int, was_out=cython.bint, answered=cython.bint)
    cpdef int cancel_rej(self, Order order, int kind, long long stated_cum, long long request_id, long long ts) except -1
    @cython.locals(tracker=Tracker, state=cython.int, marks=cython.int)
    cpdef int replaced(self, Order order, long long lots, long long ticks, long long request_id, long long ts) except -1
    cdef int take_terms(self, Order order, long long lots, long long ticks) except -1
    @cython.locals(tracker=Tracker, state=cython.int, marks=cython.int, had=cython.bint)
    cpdef int replace_rej(self, Order order, int kind, long long stated_cum, long long request_id, long long ts) except -1
    @cython.locals(state=cython.int)
    cdef int timer(self, Order order) except -1
    @cython.locals(timer=cython.int)
    cdef long long due(self, Order order)
    @cython.locals(timer=cython.int)
    cdef int timeout(self, Order order, long long ts) except -1
    cpdef int ack_timeout(self, Order order, long long ts) except -1
    @cython.locals(marks=cython.int)
    cpdef int cancel_timeout(self, Order order, long long ts) except -1
    cpdef int replace_timeout(self, Order order, long long ts) except -1
    cpdef int fill_timeout(self, Order order, long long ts) except -1
    @cython.locals(tracker=Tracker, state=cython.int, event=cython.int, had=cython.int, was_out=cython.bint)
    cdef int cut(self, Order order, int cause, long long ts) except -1
