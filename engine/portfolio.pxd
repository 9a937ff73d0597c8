cimport cython

from tickwright.engine.ledger cimport Ledger
from tickwright.engine.position cimport Position

cdef long long DAY_NS

cdef class Portfolio:
    cdef readonly object currency
    cdef readonly tuple instruments
    cdef readonly int digits
    cdef readonly Ledger account
    cdef readonly list ledgers
    cdef readonly list marks
    cdef readonly long long day
    cdef readonly dict adjustments
    cdef readonly dict payments
    cdef list rates
    cdef object scale
    cdef dict rate_of
    cdef dict opening
    cdef dict transferred
    cdef list meters
    cdef dict held_at
    cdef object opening_worth

    @cython.locals(owner=Ledger, line=Position)
    cpdef int fill(self, int market, int strategy, int side, long long lots, long long ticks, int maker, object fee=*) except -1
    @cython.locals(owner=Ledger)
    cpdef int mark_market(self, long long now_ns, int market, object mark2) except -1
    @cython.locals(owner=Ledger)
    cpdef int mark(self, long long now_ns, list marks) except -1
    @cython.locals(owner=Ledger, day=cython.longlong)
    cdef int _roll(self, long long now_ns) except -1
    @cython.locals(line=Position)
    cpdef object balance_atoms(self, str currency, str venue=*)
