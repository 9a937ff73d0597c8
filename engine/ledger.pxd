cimport cython

from tickwright.engine.position cimport Position

cdef class Ledger:
    cdef readonly object name
    cdef readonly list lines
    cdef readonly object total_atoms
    cdef readonly int digits
    cdef list rates
    cdef list worth
    cdef object opened
    cdef object peak

    @cython.locals(line=Position)
    cpdef int mark(self, int market, object mark2) except -1
    cpdef int settle(self) except -1
    cpdef int roll(self) except -1
