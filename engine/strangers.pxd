cimport cython
from tickwright.engine.market cimport Market
from tickwright.engine.order cimport Order
from tickwright.engine.orders cimport OrderManager

cdef extern from *:
    ctypedef long long wide "__int128"

cdef int CHANGED, CRIT, E_ADOPT, HALT, OPEN, PARTIALLY_FILLED, QUERY, WARN

@cython.final
cdef class Strangers:
    cdef readonly OrderManager manager
    cdef readonly str policy
    cdef readonly str prefix
    cdef readonly bint locked
    cdef readonly list strays
    cdef public long long adopted
    cdef public object charge

    @cython.locals(manager=OrderManager, order=Order, marks=cython.int, worth=wide)
    cpdef tuple adopt(self, Market market, str client_order_id, str venue_order_id, int side, long long lots, long long ticks, long long cum, long long ts)
    @cython.locals(order=Order)
    cdef Order external(self, Market market, str client_order_id, str venue_order_id, int side, long long lots, long long ticks)
    @cython.locals(manager=OrderManager, first=Order, order=Order, market=Market, marks=cython.int)
    cpdef list adopt_doubles(self, object market_of, long long ts)
    @cython.locals(order=Order)
    cpdef tuple stray_fill(self, Market market, str venue_order_id, int side, object trade, long long ts)
    cdef int book_stray(self, Order order, object trade, long long ts) except -1
    cpdef list claimed(self, Order order)
    @cython.locals(marks=cython.int)
    cpdef int claim(self, Order order, long long ts) except -1
    @cython.locals(own=Order)
    cpdef list overdue(self, long long ts)
    @cython.locals(order=Order)
    cpdef tuple settle(self, tuple stray, long long ts)
    @cython.locals(marks=cython.int, order=Order, market=Market, manager=OrderManager)
    cdef tuple adopt_fill(self, tuple stray, long long ts)
