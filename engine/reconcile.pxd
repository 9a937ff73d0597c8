cimport cython
from tickwright.engine.order cimport Order
from tickwright.engine.orders cimport OrderManager

cdef int CANCELED, CHANGED, CONTRADICTION, CRIT, E_RECON_DONE, E_RECON_LIVE, E_RECON_NOT_FOUND, FAILED
cdef int FILLED, HALT, NO_CAUSE, OPEN, PARTIALLY_FILLED, PENDING_CANCEL, PENDING_REPLACE, PENDING_SEND
cdef int QUERY, RECHECK, REJECTED, UNKNOWN

@cython.final
cdef class Reconciler:
    cdef readonly OrderManager manager
    cdef readonly dict missing
    cdef readonly bint trade_query

    cpdef bint too_fresh(self, Order order, long long asked_ts) except -1
    @cython.locals(manager=OrderManager, state=cython.int, marks=cython.int)
    cpdef int recon_live(self, Order order, object view, long long ts) except -1
    @cython.locals(manager=OrderManager, marks=cython.int)
    cdef int settle_live(self, Order order, object view, long long ts) except -1
    @cython.locals(manager=OrderManager, state=cython.int, marks=cython.int)
    cpdef int recon_done(self, Order order, int label, object view, long long ts) except -1
    @cython.locals(manager=OrderManager)
    cdef int await_trades(self, Order order, int label, long long cum, long long ts) except -1
    @cython.locals(manager=OrderManager, state=cython.int, end=cython.int, lots=cython.longlong)
    cdef int settle_done(self, Order order, int label, object view, int before, long long ts) except -1
    @cython.locals(manager=OrderManager, state=cython.int)
    cpdef int recon_not_found(self, Order order, long long asked_ts, long long ts) except -1
    cpdef int recon_inconclusive(self, Order order, long long ts) except -1
    @cython.locals(marks=cython.int)
    cdef int never_sent(self, Order order, int event, long long ts) except -1
    @cython.locals(manager=OrderManager, marks=cython.int)
    cdef int backfill(self, Order order, object view, long long ts) except -1
    cdef int uneven(self, Order order, object view) except -1
