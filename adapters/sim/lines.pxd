cimport cython
from tickwright.engine.ports cimport Reports
from tickwright.adapters.sim.tickets cimport Ticket

cdef long long NO_TIME
cdef Py_ssize_t FIRST, LONGEST
cdef int ACCEPTED, REFUSED, EXECUTED, CANCELED, CANCEL_REFUSED, EXPIRED

@cython.final
cdef class Message:
    cdef int kind
    cdef long long due
    cdef str client_order_id
    cdef str text
    cdef Ticket ticket
    cdef int market
    cdef int refusal
    cdef bint maker
    cdef long long lots
    cdef long long ticks
    cdef long long cause
    cdef long long request_id

@cython.final
cdef class Pipe:
    cdef object latency
    cdef long long fixed_ns
    cdef Py_ssize_t head
    cdef readonly Py_ssize_t count
    cdef Py_ssize_t size
    cdef Py_ssize_t longest
    cdef list ring
    cdef long long last_due
    cdef readonly long long next_due

    @cython.locals(delay=cython.longlong, due=cython.longlong, i=cython.Py_ssize_t, message=Message)
    cpdef Message put(self, long long now)
    @cython.locals(message=Message, following=Message)
    cpdef Message take(self)
    cdef grow(self)

cdef class ReportLine(Reports):
    cdef public Reports target
    cdef readonly Pipe pipe

    @cython.locals(message=Message)
    cdef Message put(self, int kind, str client_order_id, long long ts)
    @cython.locals(message=Message)
    cpdef accepted(self, str client_order_id, str venue_order_id, long long ts)
    @cython.locals(message=Message)
    cpdef refused(self, str client_order_id, str reason, long long ts)
    @cython.locals(message=Message)
    cpdef executed(self, str client_order_id, str trade_id, long long lots, long long ticks, bint maker, long long cause, long long ts)
    @cython.locals(message=Message)
    cpdef canceled(self, str client_order_id, long long stated_cum, str reason, long long ts)
    @cython.locals(message=Message)
    cpdef cancel_refused(self, str client_order_id, int kind, long long stated_cum, long long request_id, long long ts)
    @cython.locals(message=Message)
    cpdef expired(self, str client_order_id, long long stated_cum, long long ts)
    @cython.locals(m=Message, kind=int)
    cpdef deliver(self)
