cimport cython
from tickwright.engine.order cimport Fill, Order, Working
from tickwright.engine.ports cimport Ledger
from tickwright.engine.records cimport Recorder

cdef extern from *:
    ctypedef long long wide "__int128"

cdef int ACK_LATE, CHANGED, CONTRADICTION, CRIT, DUP_ID, E_BUST, E_CANCEL_REJ, E_CANCEL_REQ, E_FILL, FILLED_EVENT
cdef int HALT
cdef int E_ACK_TIMEOUT, E_FILL_TIMEOUT, LINK_LOST, NO_CAUSE, QUERY, RECONCILE, REPLACE_LATE, RESTARTED, SEND_CANCEL, SEND_FAILED
cdef int VENUE_UNKNOWN_ORDER, WARN
cdef int CANCELED, EXPIRED, FILLED, OPEN, PARTIALLY_FILLED, PENDING_CANCEL, PENDING_NEW, PENDING_REPLACE, PENDING_SEND
cdef int UNKNOWN
cdef long long LOTS_END

cdef class Tracker:
    cdef readonly Recorder recorder
    cdef readonly Ledger ledger
    cdef readonly object timeouts
    cdef readonly object inferring
    cdef readonly str alarm
    cdef readonly str refusal
    cdef readonly Fill last_fill

    cdef int show(self, Order order) except -1
    @cython.locals(worst=cython.longlong, lots=cython.longlong, is_open=cython.int, unknown=cython.int, opened=cython.int, doubted=cython.int)
    cdef int count(self, Order order) except -1
    cdef int shift(self, Working working, Order order, long long lots, int opened, int doubted) except -1
    @cython.locals(leg=Working, factor=cython.longlong)
    cdef int shift_limbs(self, Working working, int side, long long lots) except -1
    cdef int write(self, Order order, int event, long long ts) except -1
    cdef int close(self, Order order, int event, int marks, long long ts) except -1
    cdef int ring(self, Order order, int mark, str code, str text, long long ts) except -1
    cdef int finish(self, Order order, int state) except -1
    @cython.locals(had=cython.int)
    cdef int doubt(self, Order order, int cause) except -1
    @cython.locals(mark=cython.int)
    cdef int contradict(self, Order order, str code, str text, long long ts) except -1
    @cython.locals(fresh=cython.bint, cause=cython.int)
    cdef int revive(self, Order order, long long ts) except -1
    cdef int ask_cancel(self, Order order, long long ts) except -1
    cdef int expect(self, Order order, long long stated, long long ts) except -1
    cdef int prove(self, Order order, long long cum) except -1
    @cython.locals(state=cython.int, cum=cython.longlong)
    cdef int settle(self, Order order) except -1
    cpdef int fill(self, Order order, str trade_id, long long lots, long long ticks, int side, int liquidity, long long cause, long long venue_ts, long long ts) except -1
    @cython.locals(marks=cython.int)
    cpdef int fill_stated(self, Order order, str trade_id, long long lots, long long ticks, int side, int liquidity, long long stated_cum, bint recovered, long long venue_ts, long long ts) except -1
    @cython.locals(known=Fill)
    cdef int trade(self, Order order, str trade_id, long long lots, long long ticks, int side, int liquidity, long long cause, long long stated_cum, bint recovered, long long venue_ts, long long ts) except -1
    @cython.locals(fill=Fill, worth=wide)
    cdef int book(self, Order order, str trade_id, long long lots, long long ticks, int liquidity, long long cause, bint recovered, bint inferred, long long venue_ts, long long ts) except -1
    @cython.locals(state=cython.int, marks=cython.int, over=cython.longlong)
    cdef int filled(self, Order order, long long ts) except -1
    @cython.locals(state=cython.int, marks=cython.int, over=cython.longlong, complete=cython.bint)
    cdef int filled_late(self, Order order, long long ts) except -1
    cdef int overfill(self, Order order, long long over, long long ts) except -1
    @cython.locals(fill=Fill, worth=wide)
    cpdef int bust(self, Order order, str trade_id, long long ts) except -1
    @cython.locals(fill=Fill)
    cpdef int correct(self, Order order, str trade_id, long long ticks, long long ts) except -1
    @cython.locals(worth=wide)
    cdef int reprice(self, Order order, long long lots, long long old_ticks, long long new_ticks) except -1
