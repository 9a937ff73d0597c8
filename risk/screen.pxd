cimport cython
from tickwright.engine.book cimport Book
from tickwright.engine.levels cimport Levels
from tickwright.engine.market cimport Market, Seat
from tickwright.engine.order cimport Order, Working
from tickwright.engine.ports cimport Gate
from tickwright.engine.records cimport Recorder
from tickwright.risk.state cimport Bucket, Desk, Line, Member, Purse, Rules, Tally, VenueState

cdef extern from *:
    ctypedef long long wide "__int128"

cdef long long BPS, TOKEN, LOW_HALF, QUICK, NO_TIME
cdef int HALF_BITS, PROTECT, ALLOW, POST_ONLY, REDUCE_ONLY, HAS_PRICE, GROWS, GTD, LIVE

cdef class Screen(Gate):
    cdef readonly object floor
    cdef readonly Recorder recorder
    cdef readonly tuple checks
    cdef list accounts
    cdef list lines
    cdef list traded
    cdef list losses
    cdef list raised
    cdef bint stale
    cdef bint grows
    cdef public long long[::1] evidence
    cdef public bint journal_ok
    cdef public long long journal_lag_ns
    cdef public long long journal_free_mb
    cdef public long long loop_lag_ns
    cdef public long long queue_depth

    @cython.locals(seat=Seat, rules=Rules)
    cpdef Rules rules_for(self, Order order)
    @cython.locals(reference=cython.longlong, edge=wide)
    cpdef long long protective(self, Rules rules, int side)
    cpdef bint passes(self, Rules rules, Order order, long long lots, long long added, long long ticks, long long now, int action)
    @cython.locals(line=Line)
    cdef freshen(self)
    @cython.locals(flags=cython.int, seen=cython.longlong[::1])
    cdef bint form(self, Rules rules, Order order, long long lots, long long added, long long ticks, long long now)
    @cython.locals(venue=VenueState, seen=cython.longlong[::1], age=cython.longlong, offset=cython.longlong, intent=cython.longlong, flags=cython.int)
    cdef bint health(self, Rules rules, Order order, long long now)
    @cython.locals(line=Line, account=Working, own=Working, position=cython.longlong, mine=cython.longlong, seen=cython.longlong[::1], reach=wide, reach_own=wide, fresh=cython.int, held=cython.longlong)
    cdef bint sizes(self, Rules rules, Order order, long long lots, long long added, long long ticks, int action)
    @cython.locals(unknown=cython.longlong, count=cython.longlong, own=cython.longlong, line=Line, member=Member, seen=cython.longlong[::1])
    cdef bint crowd(self, Rules rules, int fresh)
    @cython.locals(line=Line, purse=Purse, reference=cython.longlong, seen=cython.longlong[::1], dear=cython.longlong, lots=cython.longlong, cells=wide)
    cdef bint worth(self, Rules rules, Order order, long long added, long long ticks)
    @cython.locals(tally=Tally)
    cdef bint sums(self, Rules rules, int side, long long added, long long now)
    @cython.locals(market=Market, book=Book, seen=cython.longlong[::1], age=cython.longlong, bid=cython.longlong, ask=cython.longlong, median=cython.longlong, reference=cython.longlong, far=cython.longlong, gap=wide, span=wide)
    cdef bint prices(self, Rules rules, Order order, long long ticks, long long now)
    @cython.locals(seen=cython.longlong[::1], levels=Levels, reference=cython.longlong, edge=cython.longlong, rest=cython.longlong, taken=cython.longlong, paid=wide, i=cython.Py_ssize_t, size=cython.longlong, middle=wide, gap=wide)
    cdef bint impact(self, Rules rules, Order order, long long lots, long long ticks)
    @cython.locals(desk=Desk, seen=cython.longlong[::1], least=cython.longlong, bucket=Bucket, level=cython.longlong, rejects=cython.longlong, ratio=wide)
    cdef bint rates(self, Rules rules, Order order, long long now)
    @cython.locals(seen=cython.longlong[::1], account=Working, side=cython.int, opposite=cython.longlong, same=cython.longlong, meets=bint, repeats=bint, other=Order, near=cython.longlong)
    cdef bint kin(self, Rules rules, Order order, long long lots, long long ticks, long long now, int action)
    cpdef list peers(self, Rules rules)
    @cython.locals(book=Book, levels=Levels, i=cython.Py_ssize_t)
    cpdef list opposite(self, Rules rules, int side, long long lots)
