cimport cython
from tickwright.engine.levels cimport Levels

cdef extern from *:
    ctypedef long long wide "__int128"

cdef int CROSSED, GAPPED, LIVE, ONE_SIDED, STALE, SYNCING
cdef long long EXACT_DOUBLE

cdef class Book:
    cdef readonly object instrument
    cdef readonly int index
    cdef readonly Levels bids
    cdef readonly Levels asks
    cdef readonly bint pinned
    cdef readonly int health_code
    cdef str pin_reason
    cdef readonly long long ts
    cdef long long tick_num, lot_num, quick_ticks, quick_lots
    cdef double tick_den, lot_den
    cdef tuple seen
    cdef long long seen_bid, seen_ask, seen_bid_lots, seen_ask_lots

    cpdef bint apply(self, int side, long long ticks, long long lots)
    @cython.locals(bids=Levels, asks=Levels)
    cpdef int settle(self, long long ts) except -1
    cpdef pin(self, health, str reason)
    cpdef clear(self)
    cpdef release(self)
    cpdef long long bid_ticks(self)
    cpdef long long ask_ticks(self)
    cpdef long long size_at(self, int side, long long ticks)
    @cython.locals(bids=Levels, asks=Levels, bid=cython.longlong, ask=cython.longlong, bid_lots=cython.longlong, ask_lots=cython.longlong, seen=tuple)
    cdef tuple read_touch(self)
    cpdef double as_price(self, long long ticks)
    cpdef double as_size(self, long long lots)
    @cython.locals(bid_lots=wide, ask_lots=wide, total=wide, top=wide, bottom=double)
    cdef double weighted(self)
    @cython.locals(bid_lots=wide, ask_lots=wide, total=wide)
    cpdef imbalance(self, Py_ssize_t depth=*)
    @cython.locals(i=cython.Py_ssize_t, end=cython.Py_ssize_t, total=wide)
    cdef wide depth_lots(self, Levels levels, Py_ssize_t depth)
    @cython.locals(levels=Levels, i=cython.Py_ssize_t, n=cython.Py_ssize_t, key=cython.longlong, to_prices=cython.double[::1], to_sizes=cython.double[::1])
    cpdef levels(self, int side, Py_ssize_t depth=*)
