cimport cython
from tickwright.engine.book cimport Book
from tickwright.engine.levels cimport Levels
from tickwright.engine.ports cimport Reports
from tickwright.adapters.sim.tickets cimport Desk, Line, Taken, Ticket, Trace

cdef int DAY, FOK, GTD, IOC, MARKET
cdef long long NO_TIME, NOWHERE, MOST, NS_PER_DAY
cdef int PROBABILISTIC, OPTIMISTIC, PESSIMISTIC

@cython.final
cdef class Matcher:
    cdef readonly Book book
    cdef readonly Desk desk
    cdef Reports reports
    cdef readonly Line bids
    cdef readonly Line asks
    cdef readonly Trace taken_bids
    cdef readonly Trace taken_asks
    cdef readonly Py_ssize_t n_resting
    cdef readonly Py_ssize_t n_taken
    cdef readonly long long next_expiry
    cdef readonly long long position

    @cython.locals(floor=cython.longlong, other=Line, levels=Levels, reason=str)
    cpdef submit(self, Ticket ticket, long long ts, long long event)
    @cython.locals(other=Line, market=cython.bint)
    cdef str objection(self, Ticket ticket, long long floor, long long ts)
    @cython.locals(levels=Levels, i=cython.Py_ssize_t, total=cython.longlong)
    cdef long long depth(self, int side, long long floor, long long want)
    @cython.locals(lots=cython.longlong, taken=Taken)
    cdef long long left_at(self, Levels levels, Py_ssize_t i, int side)
    @cython.locals(other=Line, levels=Levels, i=cython.Py_ssize_t, lots=cython.longlong, ticks=cython.longlong, blocked=cython.bint)
    cdef cross(self, Ticket ticket, long long floor, long long ts, long long event)
    @cython.locals(model=int)
    cdef rest(self, Ticket ticket, long long ts)
    cpdef cancel(self, Ticket ticket, long long ts)
    @cython.locals(first=Ticket, ticket=Ticket, line=Line, nearest=cython.longlong)
    cpdef expire(self, long long now)
    @cython.locals(key=cython.longlong, own=Line, other=Line)
    cpdef bint level(self, int side, long long ticks, long long lots, long long ts, long long event)
    @cython.locals(model=int, ticket=Ticket, shown=cython.longlong)
    cdef requeue(self, Line own, long long key, long long lots)
    @cython.locals(ticket=Ticket, after=Ticket, taken=Taken, fresh=cython.longlong, least=cython.longlong, used=cython.longlong, most=cython.longlong)
    cdef meet(self, Line own, int side, long long key, long long lots, long long ts, long long event)
    @cython.locals(key=cython.longlong, own=Line)
    cpdef trade(self, int taker, long long ticks, long long lots, long long ts, long long event)
    @cython.locals(model=int, ticket=Ticket, after=Ticket, used=cython.longlong, passed=cython.longlong)
    cdef hit(self, Line own, long long key, long long lots, long long ts, long long event)
    cdef long long room(self, Ticket ticket)
    @cython.locals(room=cython.longlong, desk=Desk)
    cdef long long fill(self, Ticket ticket, long long lots, long long ticks, bint maker, long long ts, long long event)
    @cython.locals(position=cython.longlong)
    cdef move(self, Ticket ticket, long long lots)
    cdef end(self, Ticket ticket, str reason, long long ts)
    cdef drop(self, Ticket ticket)
    cdef Trace taken_of(self, int side)
    @cython.locals(trace=Trace, taken=Taken)
    cdef note_taken(self, int side, long long key, long long lots, long long shown)
    cdef bint forget(self, int side, long long key) except -1
