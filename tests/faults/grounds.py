"""The venues on which the stack is tried: how each is served and reached, and what of it the checks must know.

All else is the same everywhere. A venue more is one class more.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any, ClassVar, Final

from attrs import evolve

from tickwright.adapters.fault_rules import FaultScript
from tickwright.adapters.fault_script import parse_script
from tickwright.adapters.powertrade import mirror as powertrade
from tickwright.adapters.powertrade.mirror.keys import new_accounts
from tickwright.adapters.powertrade.signing import Nonces
from tickwright.adapters.powertrade.venue import make as make_powertrade
from tickwright.adapters.tdx import mirror as tdx
from tickwright.adapters.tdx.venue import make as make_tdx

ON: Final = "on"
OFF: Final = "off"
LATE: Final = "late"
"""What a venue does with the orders of a connection that ends: it cancels them, or not, or 2 s after."""
LATE_NS: Final = 2_000_000_000


class Ground:
    """One venue. `name` is its key in a config and its adapter's; `settings` are what the config says of it.

    `books_by_link` says that a new connection is the way back to a whole book, `asks_with_proof` that each question
    over HTTP bears the proof of who asks.
    """

    name: ClassVar[str]
    instrument: ClassVar[str]
    currency: ClassVar[str]
    settings: ClassVar[Mapping[str, Any]] = {}
    books_by_link: ClassVar[bool] = False
    asks_with_proof: ClassVar[bool] = False

    def serve(self, options: dict[str, Any], cod: str, **how: Any) -> AbstractAsyncContextManager[Any]:
        """The local venue with some of its options, and with cancelling on disconnect ON, OFF or LATE."""
        raise NotImplementedError

    def quirks(self, cod: str) -> FaultScript:
        """Faults that stand for how a venue is, before anything is said."""
        return FaultScript()

    def wire(self, site: Any, clock: Any, **how: Any) -> Any:
        """The adapter's wire."""
        raise NotImplementedError

    def execution_id(self, execution: Any) -> str:
        """The id of an execution in the venue's record, as the venue tells it."""
        raise NotImplementedError

    def secrets(self, venue: Any, wire: Any) -> list[str]:
        """What nobody may ever read."""
        raise NotImplementedError

    def forged(self, told: dict[str, Any], folder: Path) -> dict[str, Any]:
        """What a venue says of itself, with credentials that are not good."""
        raise NotImplementedError

    def revoke(self, venue: Any) -> Callable[[], int]:
        """Take no login any more; what is returned counts those that were refused."""
        raise NotImplementedError

    def frames(self) -> dict[str, str]:
        """Text messages that are no good, by the number of their fault and what is wrong with them."""
        raise NotImplementedError

    def misstate(self, venue: Any, asset: str, amount: Decimal) -> None:
        """Let the account hold more of an asset than its executions come to."""
        raise NotImplementedError

    def overcharge(self, venue: Any, ticks: int) -> Callable[[], None]:
        """Execute our orders so much beyond their limits from now on, until what is returned is called."""
        raise NotImplementedError


NUMBERS: Final = (
    "NaN",
    "Infinity",
    "1e999",
    '"-5"',
    '"1e30"',
    '"' + "7" * 40 + '"',
    '"0x10"',
    "true",
    "null",
    "[]",
    '""',
)
FRAMES: Final = {
    "F18 not JSON": "{",
    "F18 deep": "[" * 100_000,
    "F18 surrogate": '{"e": "\\ud800"}',
    "F18 empty": "",
    "F18 BOM": "\ufeff{}",
    "F19 list": "[]",
    "F19 word": '"trade"',
}


def numbers(made: Callable[[str, str], str], more: tuple[str, ...] = ()) -> dict[str, str]:
    """A message of a book, by price and size, with each number that is none."""
    return {
        **{f"F17 price {each[:9]}": made(each, '"1"') for each in (*NUMBERS, *more)},
        **{f"F17 size {each[:9]}": made('"52000"', each) for each in (*NUMBERS, *more)},
    }


class TdxGround(Ground):
    """T-DX: levels with sequence numbers, orders over the socket or by HTTP, cancels on disconnect by request."""

    name = "tdx"
    instrument = "BTC/CHF.TDX"
    currency = "CHF"
    settings: ClassVar[Mapping[str, Any]] = {"speed": "500ms"}

    def serve(self, options: dict[str, Any], cod: str, **how: Any) -> AbstractAsyncContextManager[Any]:
        late = {"cod_delay_ns": LATE_NS} if cod == LATE else {}
        return tdx.serve(tdx.Options(**{"pairs": ("BTC/CHF",), **late, **options}), **how)

    def quirks(self, cod: str) -> FaultScript:
        return parse_script("faults: [{fault: drop, kinds: [cod]}]") if cod == OFF else FaultScript()

    def wire(self, site: Any, clock: Any, **how: Any) -> Any:
        return make_tdx(site, clock, **how)

    def execution_id(self, execution: Any) -> str:
        return str(execution.id)

    def secrets(self, venue: Any, wire: Any) -> list[str]:
        told = venue.announcement()
        login = wire._login
        given = [login.token] if login is not None and login.token else []
        return [told[name] for name in ("password", "totp_secret", "api_secret")] + given

    def forged(self, told: dict[str, Any], folder: Path) -> dict[str, Any]:
        return told | {"password": "not it"}

    def revoke(self, venue: Any) -> Callable[[], int]:
        venue.inject(parse_script("faults: [{fault: http_error, kinds: [login, refresh], status: 401}]").rules[0])
        before = len(venue.faults.fired)
        return lambda: len(venue.faults.fired) - before

    def frames(self) -> dict[str, str]:
        def update(price: str, size: str) -> str:
            body = f'{{"U": 99999999999, "u": 99999999998, "b": [[{price}, {size}]], "a": []}}'
            return f'{{"e": "orderbook", "t": "BTC/CHF@depth@500ms", "d": {body}}}'

        return {
            **numbers(update),
            **FRAMES,
            "F18 digits": '{"e": "trades", "d": ' + "9" * 5_000 + "}",
            "F18 twice": '{"e": "own_order", "e": "trade", "t": "x", "d": {}, "d": 1}',
            "F19 null data": '{"e": "trade", "t": "BTC/CHF@trades", "d": null}',
            "F19 wrong types": '{"e": "trade", "t": "BTC/CHF@trades", "d": {"i": 1, "p": true, "q": [], "T": "soon"}}',
            "F19 no topic": '{"e": "orderbook", "d": {"b": [], "a": []}}',
        }

    def misstate(self, venue: Any, asset: str, amount: Decimal) -> None:
        venue.accounts[0].holding(asset).add(amount)

    def overcharge(self, venue: Any, ticks: int) -> Callable[[], None]:
        settle = venue.exchange._settle

        def settled(match: Any, at: int, outlet: Any) -> None:
            ours = next((order for order in (match.taker, match.maker) if order.account is not None), None)
            beyond = match if ours is None else evolve(match, ticks=ours.ticks + ours.side * ticks)
            settle(beyond, at, outlet)

        venue.exchange._settle = settled
        return lambda: setattr(venue.exchange, "_settle", settle)


class PowerTradeGround(Ground):
    """PowerTrade: books by order without sequence numbers, everything a text, one execution id for both sides."""

    name = "powertrade"
    instrument = "BTC-USD.POWERTRADE"
    currency = "USD"
    settings: ClassVar[Mapping[str, Any]] = {"max_message_bytes": 1 << 20}
    books_by_link = True
    asks_with_proof = True

    def serve(self, options: dict[str, Any], cod: str, **how: Any) -> AbstractAsyncContextManager[Any]:
        late = {"cod_delay_ns": LATE_NS} if cod == LATE else {}
        chosen = {"pairs": ("BTC-USD",), "rfqs": False, "cancel_on_disconnect": cod != OFF, **late, **options}
        return powertrade.serve(powertrade.Options(**chosen), **how)

    def wire(self, site: Any, clock: Any, **how: Any) -> Any:
        return make_powertrade(site, clock, nonces=Nonces(), **how)

    def execution_id(self, execution: Any) -> str:
        return str(execution.trade_id)

    def secrets(self, venue: Any, wire: Any) -> list[str]:
        lines = venue.accounts[0].pem().splitlines()[1:-1]
        token = wire._proof._token
        return [*lines, *([token.rpartition(".")[2]] if token else [])]

    def forged(self, told: dict[str, Any], folder: Path) -> dict[str, Any]:
        (other,) = new_accounts(1, Random(99))
        path = folder / "other.pem"
        path.write_text(other.pem())
        path.chmod(0o600)
        return told | {"private_key_file": str(path)}

    def revoke(self, venue: Any) -> Callable[[], int]:
        refused: list[object] = []
        asked = venue.keys.account

        def account(token: object, at: int) -> Any:
            refused.append(token)
            return asked("no token", at)

        venue.keys.account = account
        return lambda: len(refused)

    def frames(self) -> dict[str, str]:
        def shown(price: str, size: str) -> str:
            stamps = '"server_utc_timestamp": "1760000001100000", "utc_timestamp": "1760000001099000"'
            head = f'{stamps}, "market_id": "0", "symbol": "BTC-USD", "side": "buy", "order_id": "77"'
            return f'{{"order_added": {{{head}, "price": {price}, "quantity": {size}}}}}'

        texts = ('"NaN"', '"Infinity"', '"1e999"', '"true"', "5", '"1,5"')
        return {
            **numbers(shown, texts),
            **FRAMES,
            "F18 digits": '{"heartbeat": {"server_utc_timestamp": ' + "9" * 5_000 + "}}",
            "F18 twice": '{"heartbeat": {"server_utc_timestamp": "1", "server_utc_timestamp": "2"}}',
            "F18 two names": '{"heartbeat": {}, "order_accepted": {}}',
            "F19 null data": '{"order_accepted": null}',
            "F19 wrong types": '{"execution": {"trade_id": 1, "order_id": true, "executed_price": [], "side": "up"}}',
            "F19 a code that is a number": '{"command_response": {"error_code": 0, "error_text": "", "user_tag": "x"}}',
            "F19 no name": "{}",
        }

    def misstate(self, venue: Any, asset: str, amount: Decimal) -> None:
        venue.accounts[0].cash[asset] += amount

    def overcharge(self, venue: Any, ticks: int) -> Callable[[], None]:
        book = venue.exchange._book

        def booked(order: Any, match: Any, *more: Any) -> None:
            book(order, evolve(match, ticks=order.ticks + order.side * ticks), *more)

        venue.exchange._book = booked
        return lambda: setattr(venue.exchange, "_book", book)


TDX: Final = TdxGround()
POWERTRADE: Final = PowerTradeGround()
GROUNDS: Final[dict[str, Ground]] = {each.name: each for each in (TDX, POWERTRADE)}
