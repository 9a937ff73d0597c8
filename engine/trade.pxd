cimport cython
from tickwright.engine.book cimport Book

@cython.final
@cython.freelist(16)
cdef class Trade:
    cdef readonly Book book
    cdef readonly int taker
    cdef readonly long long ticks
    cdef readonly long long lots
    cdef readonly long long ts

@cython.locals(trade=Trade)
cpdef Trade make_trade(Book book, int taker, long long ticks, long long lots, long long ts)
