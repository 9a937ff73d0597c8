cimport cython
from tickwright.engine.ports cimport Reports

cdef long long NO_TIME
cdef int KEPT, TOO_LATE, UNKNOWN_ORDER

@cython.final
@cython.freelist(64)
cdef class Ticket:
    cdef public str client_order_id
    cdef public int side
    cdef public int type_code
    cdef public int tif_code
    cdef public bint post_only
    cdef public bint known
    cdef public bint reduce_only
    cdef public long long ticks
    cdef public long long lots
    cdef public long long expire_ts
    cdef readonly long long number
    cdef readonly long long key
    cdef readonly long long leaves
    cdef readonly long long cum
    cdef readonly long long ahead
    cdef readonly long long shown
    cdef readonly long long traded
    cdef readonly bint live
    cdef bint linked
    cdef Ticket older
    cdef Ticket newer

@cython.final
cdef class Taken:
    cdef long long lots
    cdef long long shown

@cython.final
cdef class Trace:
    cdef dict levels
    cdef readonly long long low
    cdef readonly long long high

    @cython.locals(taken=Taken)
    cdef Taken note(self, long long key)
    cdef bint forget(self, long long key) except -1

@cython.final
cdef class Line:
    cdef Ticket head
    cdef readonly Py_ssize_t n
    cdef readonly long long best
    cdef readonly long long worst

    @cython.locals(before=Ticket, after=Ticket)
    cpdef insert(self, Ticket ticket)
    @cython.locals(before=Ticket, after=Ticket)
    cpdef remove(self, Ticket ticket)

@cython.final
cdef class Desk:
    cdef readonly Reports reports
    cdef readonly int model
    cdef readonly Py_ssize_t max_open
    cdef readonly Py_ssize_t kept
    cdef readonly Py_ssize_t open
    cdef readonly long long submitted
    cdef readonly long long trades
    cdef dict orders
    cdef dict old

    @cython.locals(ticket=Ticket)
    cpdef Ticket find(self, str client_order_id)
    cpdef enter(self, Ticket ticket)
    @cython.locals(ticket=Ticket)
    cpdef cancel_unknown(self, str client_order_id, long long request_id, long long ts)
