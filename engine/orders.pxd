cimport cython
from tickwright.engine.answers cimport Answers
from tickwright.engine.order cimport Approved, Fill, Order
from tickwright.engine.tracking cimport Tracker

cdef int CHANGED, CONTRADICTION, CRIT, DUP_ID, E_ACK, E_CANCEL_ACK, E_CANCEL_REQ, E_DENIED
cdef int E_EXPIRE, E_INTENT, E_REJECT, E_REJECT_DUP, E_REPLACE_REQ, E_SEND_ABORT, E_SEND_ERROR, E_SEND_START
cdef int FILL_EXPECTED, HALT, LINK_LOST, NO_CAUSE, QUERY, REFUSED, RESTARTED, SEND_CANCEL
cdef int SEND_FAILED, SEND_REPLACE, CANCELED, DENIED, EXPIRED, FAILED, FILLED, OPEN
cdef int PARTIALLY_FILLED, PENDING_CANCEL, PENDING_NEW, PENDING_REPLACE, PENDING_SEND, REJECTED, UNKNOWN

cdef bint complete(Order order) except -1

@cython.final
cdef class OrderManager(Tracker):
    cdef Answers answers
    cdef readonly dict by_id
    cdef dict by_venue_id
    cdef list fresh_ids
    cdef Py_ssize_t crowd
    cdef readonly long long gone_ts
    cdef readonly list doubles

    cpdef Order by_client_order_id(self, str client_order_id)
    @cython.locals(order=Order)
    cpdef Order by_venue_order_id(self, str venue, str venue_order_id)
    cpdef alias(self, Order order, str venue_order_id)
    @cython.locals(order=Order)
    cpdef list open_orders(self)
    @cython.locals(name=str, fill=Fill, bare=Fill, kept=dict)
    cdef int let_go(self, Order order) except -1
    cdef int admit(self, Order order, int event, int marks, long long ts) except -1
    cpdef bint forget(self, Order order) except -1
    @cython.locals(order=Order)
    cpdef Py_ssize_t tidy(self) except -1
    @cython.locals(order=Order)
    cpdef int register(self, Approved approved, long long ts) except -1
    cpdef int deny(self, Order order, object denial, long long ts) except -1
    cpdef int send_start(self, Order order, long long ts) except -1
    cpdef int send_abort(self, Order order, long long ts) except -1
    cpdef int send_error(self, Order order, long long ts) except -1
    @cython.locals(state=cython.int)
    cpdef int cancel_req(self, Order order, long long ts) except -1
    @cython.locals(code=str)
    cpdef int replace_req(self, Order order, long long lots, long long ticks, long long ts) except -1
    @cython.locals(state=cython.int)
    cpdef str replace_refusal(self, Order order, long long lots)
    @cython.locals(state=cython.int, marks=cython.int, before=cython.int, fresh=cython.bint, named=cython.bint, known=str)
    cpdef int ack(self, Order order, str venue_order_id, long long ts) except -1
    cdef int second_order(self, Order order, str venue_order_id, long long ts) except -1
    @cython.locals(state=cython.int, marks=cython.int)
    cpdef int reject(self, Order order, str reason, long long ts) except -1
    @cython.locals(state=cython.int, marks=cython.int)
    cpdef int reject_dup(self, Order order, long long ts) except -1
    cpdef int cancel_rej(self, Order order, int kind, long long stated_cum, long long request_id, long long ts) except -1
    cpdef int replaced(self, Order order, long long lots, long long ticks, long long request_id, long long ts) except -1
    cpdef int replace_rej(self, Order order, int kind, long long stated_cum, long long request_id, long long ts) except -1
    cpdef long long due(self, Order order)
    cpdef int timeout(self, Order order, long long ts) except -1
    cpdef int ack_timeout(self, Order order, long long ts) except -1
    cpdef int cancel_timeout(self, Order order, long long ts) except -1
    cpdef int replace_timeout(self, Order order, long long ts) except -1
    cpdef int fill_timeout(self, Order order, long long ts) except -1
    cpdef int disconnect(self, Order order, long long ts) except -1
    cpdef int restart(self, Order order, long long ts) except -1
    cpdef int cancel_ack(self, Order order, long long stated_cum, str reason, long long ts) except -1
    cpdef int expire(self, Order order, long long stated_cum, long long ts) except -1
    @cython.locals(state=cython.int, marks=cython.int)
    cdef int ended(self, Order order, int label, long long stated_cum, str reason, int event, long long ts) except -1
    cdef int await_fills(self, Order order, int label, long long stated_cum, long long ts) except -1
