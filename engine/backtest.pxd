cimport cython
from tickwright.engine.book cimport Book
from tickwright.engine.core cimport Core
from tickwright.engine.levels cimport Levels
from tickwright.engine.market cimport Market
from tickwright.engine.ports cimport Stake, TapeVenue

@cython.final
cdef class Channel:
    cdef readonly Book book
    cdef Levels bids
    cdef Levels asks
    cdef readonly int index
    cdef readonly Market market
    cdef readonly TapeVenue venue
    cdef readonly Stake stake

@cython.final
cdef class TapeLoop:
    cdef readonly Core core
    cdef list channels
    cdef readonly long long events

    @cython.locals(core=Core, channels=list, channel=Channel, venue=TapeVenue, target=Market, stake=Stake, bids=Levels, asks=Levels, way=cython.int, ticks=cython.longlong, lots=cython.longlong, whole=cython.bint, current=cython.longlong, i=cython.longlong, now=cython.longlong, stop=cython.longlong)
    cpdef long long play(self, const long long[::1] ts, const long long[::1] market, const long long[::1] kind, const long long[::1] side, const long long[::1] px, const long long[::1] qty, const long long[::1] last, long long first, long long n)
