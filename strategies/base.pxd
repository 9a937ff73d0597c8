cimport cython
from tickwright.engine.door cimport Door
from tickwright.engine.order cimport Order

cdef int BUY, GTC, SELL

cdef class Strategy:
    cdef readonly Door _tickwright_door
    cdef readonly object _tickwright_desk

    @cython.locals(door=Door)
    cdef Order _tickwright_ask(self, int side, object instrument, object qty, object price, int time_in_force, bint post_only, bint reduce_only, object expire, object parent, str tag)
    @cython.locals(door=Door)
    cdef Door _tickwright_entrance(self)
