cimport cython
from tickwright.engine.balance cimport Balance
from tickwright.engine.market cimport Market
from tickwright.engine.order cimport Working
from tickwright.engine.position cimport Position

cdef extern from *:
    ctypedef long long wide "__int128"

cdef long long HUGE, TOKEN, SECOND, LOW_HALF
cdef int HALF_BITS

cdef class Line

@cython.final
cdef class Bucket:
    cdef readonly str label
    cdef readonly long long pace
    cdef readonly long long size
    cdef readonly long long reserve
    cdef public long long level
    cdef public long long ts

    @cython.locals(passed=cython.longlong)
    cpdef long long refill(self, long long now)
    cpdef long long take(self)

@cython.final
cdef class VenueState:
    cdef readonly str name
    cdef public bint up
    cdef public bint reconciled
    cdef public bint quiet_books
    cdef public long long heard_ts
    cdef public long long clock_offset_ns
    cdef public long long backoff_until
    cdef public list lines

@cython.final
cdef class Purse:
    cdef readonly str currency
    cdef public wide cash
    cdef public object grain
    cdef public list lines

    @cython.locals(total=wide, line=Line, working=Working, held=wide, extra=cython.longlong, price=cython.longlong, high=wide, low=wide, part=wide, worst=wide)
    cdef bint covers(self, Line own, wide need, int side, long long added, long long dear, long long[::1] seen)

@cython.final
cdef class Line:
    cdef readonly Market market
    cdef readonly int index
    cdef readonly VenueState venue
    cdef readonly Purse purse
    cdef readonly Position position
    cdef readonly Working working
    cdef public bint spot
    cdef public bint inverse
    cdef public wide weight
    cdef public wide need
    cdef public long long safe_lots
    cdef public long long safe_price
    cdef public long long seen
    cdef public long long holding
    cdef public Balance cash
    cdef public Balance held

    @cython.locals(cash=Balance, held=Balance)
    cpdef bint renew(self) except -1
    @cython.locals(reference=cython.longlong)
    cpdef long long price(self)

@cython.final
cdef class Member:
    cdef readonly Line line
    cdef readonly Position position
    cdef readonly Working working

@cython.final
cdef class Tally:
    cdef readonly str kind
    cdef readonly int column
    cdef readonly str label
    cdef public wide gross
    cdef public wide net
    cdef public wide opened
    cdef public wide traded_max
    cdef public wide traded
    cdef public long long window
    cdef public long long next_drop
    cdef public object seconds
    cdef public list members

    cpdef add(self, value, long long now)
    cpdef drop(self, long long now)
    @cython.locals(gross=wide, high_sum=wide, low_sum=wide, opened=wide, fresh=wide, net=wide, traded=wide, member=Member, line=Line, held=wide, buys=wide, sells=wide, price=cython.longlong, unit=wide, high=wide, low=wide, worst=wide, i=cython.Py_ssize_t)
    cdef bint fits(self, Line own, int side, long long added, long long[::1] seen)

@cython.final
cdef class Desk:
    cdef readonly str name
    cdef public bint enabled
    cdef public str reason
    cdef public bint took
    cdef public long long messages
    cdef public long long fills
    cdef public object repeats
    cdef public object rejects

@cython.final
cdef class Reading:
    cdef public long long median
    cdef public long long paused_until
    cdef public long long value

@cython.final
cdef class Rules:
    cdef public Line line
    cdef public Desk desk
    cdef public Position position
    cdef public Working working
    cdef public Reading window
    cdef public Reading calm
    cdef public list tallies
    cdef public list crew
    cdef public tuple pace_windows
    cdef public list buckets
    cdef public list message_buckets
    cdef public bint sound
    cdef public int state
    cdef public int types
    cdef public int tifs
    cdef public int flags
    cdef public int allow_short
    cdef public int market_orders
    cdef public int self_match
    cdef public int owner
    cdef public long long min_lots, max_lots, max_order_lots, max_position, max_strategy
    cdef public wide min_cells, max_cells, max_order_cells, need
    cdef public long long expiry, open_from, open_until
    cdef public long long heartbeat, clock_max, intent_age, journal_lag, journal_free, loop_lag, queue
    cdef public long long max_unknown, max_open, max_open_own, max_open_venue, max_open_venue_own
    cdef public long long collar, window_bps, data_age, spread, impact, duplicate_ns
    cdef public long long repeats, rejects, otr
