"""What a venue's adapter can carry: which types, times in force and flags exist there."""

from attrs import frozen

from tickwright.engine.terms import OrderType, TimeInForce


@frozen(kw_only=True)
class Capability:
    """The order forms of one adapter; the gate refuses what is not listed.

    `quiet_books`: the venue sends nothing while a book does not change, so that its age says nothing and the age of
    the last frame on the link is judged instead. `rfqs`: the wire can ask for quotes (`AskingWire`).
    """

    types: frozenset[OrderType] = frozenset(OrderType)
    times_in_force: frozenset[TimeInForce] = frozenset(TimeInForce)
    post_only: bool = True
    reduce_only: bool = True
    quiet_books: bool = False
    rfqs: bool = False
