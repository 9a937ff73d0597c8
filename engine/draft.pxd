cimport cython
from tickwright.engine.book cimport Book

from tickwright.engine.order cimport Order

cdef int LIMIT

@cython.locals(order=Order)
cpdef Order draft(Book book, str client_order_id, long long number, int side, long long lots, long long ticks, int kind=*, int time_in_force=*, bint post_only=*, bint reduce_only=*, long long expire_ts=*, object parent=*, long long created_ts=*, str malformed=*, str reason=*, object seat=*, object account_working=*)
