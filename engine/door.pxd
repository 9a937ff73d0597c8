cimport cython
from tickwright.engine.book cimport Book
from tickwright.engine.market cimport Seat
from tickwright.engine.order cimport Order, new_order

cdef double HAIR
cdef int DAY, GTC, GTD, LIMIT, MARKET
cdef long long ASKED_MAX

@cython.final
cdef class Names:
    cdef readonly str prefix
    cdef readonly long long number

@cython.final
cdef class Door:
    cdef readonly str name
    cdef readonly int index
    cdef Names names
    cdef public long long now
    cdef public bint warming
    cdef public bint replaying
    cdef long long asked
    cdef long long asked_at
    cdef dict seats
    cdef readonly list intents
    cdef object last_key
    cdef Seat last_seat
    cdef object last_qty
    cdef long long last_lots

    @cython.locals(found=Seat, seat=object)
    cpdef Seat seat(self, object instrument)
    @cython.locals(seat=Seat, order=Order, names=Names)
    cpdef Order enter(self, int side, object instrument, object qty, object price, int tif, bint post_only, bint reduce_only, long long expire_ts, object parent, str tag)
    cdef refuse_more(self)
    cdef spoil(self, Order order, object error)
    @cython.locals(lots=cython.longlong)
    cdef size(self, Order order, Seat seat, object qty)
    @cython.locals(value=cython.double, rest=cython.double, guess=cython.longlong, exact=cython.longlong)
    cdef long long ticks(self, Order order, Book book, object price)
    cpdef cancel(self, Order order)
