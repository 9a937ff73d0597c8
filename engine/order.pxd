cimport cython
from tickwright.engine.book cimport Book

cdef int FILLED, PENDING_SEND

@cython.final
cdef class Working:
    cdef readonly long long buy_lots
    cdef readonly long long sell_lots
    cdef readonly int open_orders
    cdef readonly int unknown_orders
    cdef readonly dict orders
    cdef list limbs

    cpdef carry(self, list limbs)

@cython.final
cdef class Order:
    cdef readonly Book book
    cdef readonly object instrument
    cdef readonly int market
    cdef readonly str client_order_id
    cdef readonly long long number
    cdef readonly str venue_order_id
    cdef readonly str strategy
    cdef readonly int strategy_index
    cdef object seat
    cdef Working working
    cdef Working account_working
    cdef readonly int side_code
    cdef readonly int type_code
    cdef readonly int tif_code
    cdef readonly bint post_only
    cdef readonly bint reduce_only
    cdef readonly bint has_price
    cdef readonly long long ticks
    cdef readonly long long lots
    cdef readonly long long expire_ts
    cdef readonly object parent
    cdef readonly str tag
    cdef readonly str replaces
    cdef readonly bint external
    cdef readonly int state_code
    cdef readonly int cause_code
    cdef readonly long long cum
    cdef readonly object value
    cdef dict fills
    cdef set busted
    cdef readonly bint acked
    cdef readonly bint sent
    cdef readonly bint local
    cdef readonly bint cancel_outstanding
    cdef readonly bint cancel_wanted
    cdef readonly long long replace_lots
    cdef readonly long long replace_ticks
    cdef readonly long long expected_cum
    cdef readonly bint expected_stated
    cdef readonly long long request_id
    cdef readonly long long cancel_id
    cdef readonly long long requests
    cdef readonly long long replaced_id
    cdef readonly int ending_code
    cdef readonly bint settled_cum
    cdef readonly long long sent_ts
    cdef readonly long long heard_ts
    cdef readonly long long cancel_ts
    cdef readonly long long replace_ts
    cdef readonly long long expected_ts
    cdef list inferred
    cdef list held
    cdef long long counted_lots
    cdef bint counted_open
    cdef bint counted_unknown
    cdef readonly long long created_ts
    cdef readonly long long updated_ts
    cdef readonly str code
    cdef readonly str reason
    cdef readonly str malformed
    cdef readonly object denial

    @cython.locals(most=cython.longlong)
    cpdef long long worst_lots(self)

@cython.final
@cython.freelist(16)
cdef class Fill:
    cdef readonly Order order
    cdef readonly str trade_id
    cdef readonly long long lots
    cdef readonly long long ticks
    cdef readonly int liquidity_code
    cdef readonly long long ts
    cdef readonly long long cause
    cdef readonly bint recovered
    cdef readonly bint inferred

@cython.final
@cython.freelist(16)
cdef class Approved:
    cdef readonly Order order
    cdef readonly long long ts

@cython.locals(order=Order)
cpdef Order new_order(Book book, str client_order_id, long long number)

@cython.locals(order=Order)
cpdef Order priced_order(Book book, str client_order_id, long long number, int side, long long lots, long long ticks, Working working, Working account_working)

@cython.locals(approved=Approved)
cpdef Approved approval(Order order, long long ts)
