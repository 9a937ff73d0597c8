"""A new order in the venue's words; what the venue has no words for is refused here, with a code."""

from attrs import frozen

from tickwright.adapters.powertrade import commands
from tickwright.adapters.powertrade.life import cycles
from tickwright.adapters.powertrade.reference import read_legs
from tickwright.engine.errors import LocalError
from tickwright.engine.instrument import Instrument
from tickwright.engine.terms import FOK, GTC, GTD, IOC, Side


class Unsupported(LocalError):
    """An order that this venue has no words for; `code` says which part of it. Nothing is sent."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}; nothing is sent")
        self.code = code


@frozen(kw_only=True)
class Place:
    """A new order. `ticks` is None for a market order, `expire_ts` 0 where it has no end of its own."""

    client_order_id: str
    instrument: str
    side: Side
    lots: int
    ticks: int | None
    time_in_force: int
    post_only: bool = False
    reduce_only: bool = False
    expire_ts: int = 0


def order_fields(
    order: Place, instrument: Instrument, at: int, offset_ns: int, life_ns: int
) -> dict[str, commands.Field]:
    """The fields of a new order that is sent at `at`; `offset_ns` is the venue's clock minus ours.

    Raises:
        Unsupported: the venue has no words for it.
    """
    for flag, code in ((order.post_only, "POST_ONLY"), (order.reduce_only, "REDUCE_ONLY")):
        if flag:
            raise Unsupported(code, f"{order.client_order_id}: expected an order without it, received one with it")
    if order.time_in_force not in (GTC, IOC, GTD):
        code = "FOK" if order.time_in_force == FOK else "TIME_IN_FORCE"
        raise Unsupported(code, f"{order.client_order_id}: expected GTC, IOC or GTD, received another")
    market, resting = order.ticks is None, order.ticks is not None and order.time_in_force != IOC
    window = ""
    if resting:
        now = at + offset_ns
        until = order.expire_ts + offset_ns if order.time_in_force == GTD else now + life_ns
        window = str(cycles(now, until))
    legs = read_legs(instrument.symbol)
    return commands.order_fields(
        side="buy" if order.side is Side.BUY else "sell",
        kind="MARKET" if market else "LIMIT",
        time_in_force="GTC" if resting else "IOC",
        quantity=commands.fraction(instrument.qty(order.lots)),
        client_order_id=order.client_order_id,
        price="" if order.ticks is None else commands.fraction(instrument.price(order.ticks)),
        recv_window=window,
        symbol="" if legs else instrument.symbol,
        legs=[(leg, str(ratio)) for leg, ratio in legs],
    )
