cimport cython
from tickwright.engine.book cimport Book
from tickwright.engine.desk cimport Desk, Watch
from tickwright.engine.door cimport Door
from tickwright.engine.market cimport Market
from tickwright.engine.order cimport Fill, Order
from tickwright.engine.ports cimport TapeVenue
from tickwright.engine.trade cimport make_trade
from tickwright.engine.traffic cimport Traffic

cdef int EVERY, INTERVAL, SILENT, TOUCH, LIVE, MAKER, ONE_SIDED, TAKER
cdef int ATTENTION, CHANGED, CRIT, FILLED_EVENT, HALT, RETRY_CANCEL, SEND_CANCEL
cdef long long NO_TIME, MARK_NS, ROUNDS_MAX

cdef class Core(Traffic):
    @cython.locals(market=Market, known=Watch)
    cpdef add_watch(self, Watch watch, long long every_ns)
    @cython.locals(book=Book, live=cython.bint, health=cython.int, watch=Watch, mode=cython.int, bid=cython.longlong, ask=cython.longlong, desk=Desk)
    cpdef message(self, Market market, long long ts)
    @cython.locals(watch=Watch)
    cpdef wake_again(self, Market market, long long now)
    cpdef not_live(self, Market market, bint was_live)
    @cython.locals(package=Market)
    cpdef clear_market(self, Market market)
    @cython.locals(bid=cython.longlong, ask=cython.longlong)
    cdef bint touch_moved(self, Watch watch, Book book) except -1
    @cython.locals(door=Door)
    cdef wake(self, Desk desk, Book book)
    @cython.locals(watch=Watch, desk=Desk, door=Door)
    cpdef trade(self, Market market, int taker, long long ticks, long long lots, long long ts)
    @cython.locals(now=cython.longlong, venue=TapeVenue)
    cpdef catch_up(self, long long until)
    cpdef hear(self, long long now)
    @cython.locals(rounds=cython.int, venue=TapeVenue)
    cpdef drain(self)
    @cython.locals(due=cython.longlong, venue=TapeVenue)
    cpdef refresh_due(self)
    @cython.locals(desk=Desk, watch=Watch, book=Book, market=Market)
    cdef fire(self)
    cpdef mark(self, long long now)
    cpdef call(self, Desk desk, str name, object handler, tuple arguments)
    @cython.locals(order=Order)
    cpdef accepted(self, str client_order_id, str venue_order_id, long long ts)
    @cython.locals(order=Order, marks=cython.int)
    cpdef refused(self, str client_order_id, str reason, long long ts)
    @cython.locals(order=Order, marks=cython.int)
    cpdef executed(self, str client_order_id, str trade_id, long long lots, long long ticks, bint maker, long long cause, long long ts)
    @cython.locals(order=Order)
    cpdef canceled(self, str client_order_id, long long stated_cum, str reason, long long ts)
    @cython.locals(order=Order)
    cpdef cancel_refused(self, str client_order_id, int kind, long long stated_cum, long long request_id, long long ts)
    @cython.locals(order=Order)
    cpdef expired(self, str client_order_id, long long stated_cum, long long ts)
    cpdef tell(self, Order order, int marks)
    @cython.locals(desk=Desk, door=Door, fill=Fill)
    cdef tell_desk(self, Order order, int marks)
    cpdef attend(self, Order order, int marks)
