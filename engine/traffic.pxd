cimport cython
from tickwright.engine.books cimport Books
from tickwright.engine.desk cimport Desk
from tickwright.engine.door cimport Door
from tickwright.engine.market cimport Market, Seat
from tickwright.engine.order cimport Approved, Order
from tickwright.engine.orders cimport OrderManager
from tickwright.engine.ports cimport Gate, Reports, TapeVenue
from tickwright.engine.records cimport Recorder
from tickwright.engine.schedule cimport Schedule

cdef int CANCEL, CANCEL_ALL, REPLACE, CHANGED, HALT, SEND_CANCEL, BUY, IOC, SELL
cdef long long NO_TIME, HOLD_NS, ROUNDS_MAX, SECOND, DENIED_MAX

cdef class Traffic(Reports):
    cdef readonly list markets
    cdef readonly OrderManager orders
    cdef readonly Gate gate
    cdef readonly Recorder recorder
    cdef readonly Books books
    cdef readonly object asking
    cdef readonly list venues
    cdef readonly list desks
    cdef Schedule timers
    cdef readonly list failures
    cdef list notices
    cdef list held
    cdef dict replacing
    cdef list waiting
    cdef long long hold_due
    cdef long long waiting_due
    cdef public long long now
    cdef readonly long long due
    cdef readonly long long wakes
    cdef public bint running
    cdef public bint stopping
    cdef public bint leaves_invalid
    cdef public object store

    cpdef flush(self, Desk desk)
    @cython.locals(intents=list, i=cython.Py_ssize_t)
    cdef take(self, Desk desk)
    @cython.locals(now=cython.longlong, venue=TapeVenue, market=Market)
    cdef place(self, Order order)
    @cython.locals(kind=cython.int)
    cdef change(self, Desk desk, tuple intent)
    cdef count_denial(self, Desk desk)
    cdef replace(self, Order order, long long lots, long long ticks)
    cdef step_replacement(self, Order order)
    @cython.locals(desk=Desk, new=Order)
    cdef create_replacement(self, Order order, long long lots, long long ticks)
    @cython.locals(old=Order)
    cdef replacement_lost(self, Order new)
    @cython.locals(desk=Desk)
    cdef tell_replace(self, Order order, str code)
    @cython.locals(place=Seat, order=Order)
    cdef cancel_all(self, Desk desk, Seat seat)
    @cython.locals(marks=cython.int, desk=Desk)
    cpdef cancel(self, Order order)
    @cython.locals(venue=TapeVenue, market=Market)
    cdef send_cancel(self, Order order)
    @cython.locals(order=Order, desk=Desk, i=cython.Py_ssize_t, notices=list)
    cdef tell_notices(self)
    @cython.locals(order=Order)
    cpdef carry_out(self)
    @cython.locals(desk=Desk, seat=Seat)
    cdef flatten(self, object latch)
    @cython.locals(order=Order)
    cpdef cancel_market(self, Market market)
    cdef await_answer(self, Order order)
