cimport cython
from tickwright.engine.position cimport Position

cdef extern from *:
    ctypedef long long wide "__int128"

@cython.final
cdef class Part:
    cdef readonly Position position
    cdef wide flow
    cdef wide maker
    cdef wide taker
    cdef wide lots

@cython.final
cdef class Balance:
    cdef list parts
    cdef object num
    cdef object den
    cdef object common
    cdef object total
    cdef bint fits
    cdef wide base
    cdef wide rest
    cdef wide bottom
    cdef wide most
    cdef readonly wide whole

    cpdef move(self, atoms)
    @cython.locals(most=wide, sum=wide, part=Part, line=Position)
    cpdef bint read(self) except -1

cpdef tuple cash_term(Position position)
