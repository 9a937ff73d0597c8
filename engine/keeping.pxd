cimport cython
from tickwright.engine.ledger cimport Ledger
from tickwright.engine.order cimport Fill, Order, Working
from tickwright.engine.orders cimport OrderManager

cdef int CONTRADICTION, E_ADOPT, E_DENIED, E_INTENT, FILLED

cpdef dict facts(Order order, int event, bint whole)
cdef say_flags(Order order, dict said)
cdef say_requests(Order order, dict said)
cpdef dict terms(Order order)
cpdef dict execution(Fill fill)
cpdef take_terms(Order order, dict said, int strategy_index, Working working, Working account)
cpdef sit(Order order, object seat, object parent)
cpdef take_facts(Order order, dict said, long long ts)
cpdef take_fills(Order order, dict said, list fills)
@cython.locals(fill=Fill)
cpdef Fill revived(Order order, dict said)
cpdef Fill fill_of(Order order, str trade_id)
cpdef take_in(OrderManager manager, Order order)
cpdef tuple day_of(Ledger ledger)
cpdef set_day(Ledger ledger, object opened, object peak)
