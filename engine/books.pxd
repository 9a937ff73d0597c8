cimport cython
from tickwright.engine.market cimport Market
from tickwright.engine.order cimport Fill, Order
from tickwright.engine.portfolio cimport Portfolio
from tickwright.engine.ports cimport Gate, Ledger
from tickwright.engine.records cimport Recorder

cdef int MAKER

cdef class Books(Ledger):
    cdef readonly Portfolio portfolio
    cdef readonly list markets
    cdef readonly int strategies
    cdef Gate gate
    cdef Recorder recorder
    cdef readonly Fill fill
    cdef readonly dict fees
    cdef list marks
    cdef list followed

    @cython.locals(maker=cython.int)
    cpdef book(self, Order order, Fill fill)
    @cython.locals(market=Market, source=Market, mark=cython.longlong, lots=cython.longlong)
    cpdef mark(self, long long now)
