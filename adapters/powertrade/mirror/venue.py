"""The local venue as a whole: its state, its tasks, and how a test or a run starts one.

Time and randomness are passed in. Nothing in here waits on anything but trio's clock, so that a venue behind memory
streams runs on a virtual clock.
"""

import os
import secrets
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from random import Random, SystemRandom
from typing import Any, Final

import trio

from tickwright.adapters.fault_rules import FaultScript
from tickwright.adapters.local.crowd import Crowd
from tickwright.adapters.local.deeds import EVERYWHERE
from tickwright.adapters.local.house import HOST, HttpAnswer, HttpRequest, Tongue
from tickwright.adapters.local.venue import LocalVenue
from tickwright.adapters.powertrade.mirror.asker import Asker, Reviser
from tickwright.adapters.powertrade.mirror.client import SIZE_MAX, Client, frame_kind, topic_of
from tickwright.adapters.powertrade.mirror.desk import Desk
from tickwright.adapters.powertrade.mirror.exchange import Exchange
from tickwright.adapters.powertrade.mirror.feeds import PULSE_NS, Feeds
from tickwright.adapters.powertrade.mirror.holdings import Holdings
from tickwright.adapters.powertrade.mirror.index import Indexes
from tickwright.adapters.powertrade.mirror.keys import Account, Keys, new_accounts, read_accounts
from tickwright.adapters.powertrade.mirror.listing import Listed, listed_by_default, read_instruments
from tickwright.adapters.powertrade.mirror.options import Options
from tickwright.adapters.powertrade.mirror.orders import DISCONNECTION, SUPERVISORY, Execution, Order
from tickwright.adapters.powertrade.mirror.rest import Rest, http_refusal, request_kind
from tickwright.engine.times import SECOND

ACTIONS: Final = (*EVERYWHERE, "snapshot", "unknown_order", "cross_book")
OPTIONS_RATE: Final = 0.05
"""How busy the random market is in options, as a part of elsewhere."""
FUNDING_NS: Final = 8 * 3600 * SECOND
"""Funding is paid at 00:00, 08:00 and 16:00 UTC."""
TONGUE: Final = Tongue(
    stream_path="/",
    size_max=SIZE_MAX,
    refusal=http_refusal,
    request_kind=request_kind,
    frame_kind=frame_kind,
    topic_of=topic_of,
)


class Venue(LocalVenue[Execution]):
    """A local venue; `serve` starts one. `exchange`, `desk` and `keys` are its inside, for tests that meddle."""

    pulse_ns = PULSE_NS

    def __init__(
        self,
        options: Options,
        listed: tuple[Listed, ...],
        accounts: list[Account],
        wall: Callable[[], int],
        script: FaultScript,
    ) -> None:
        super().__init__(wall, TONGUE, script, ACTIONS)
        self.options = options
        self.accounts = accounts
        holdings = Holdings(options.funds, options.maker_fee, options.taker_fee)
        self.exchange = Exchange(listed, accounts, holdings, self.record)
        self.feeds = Feeds(self.exchange, options, wall)
        self.exchange.open(self.feeds)
        self.keys = Keys(accounts, strict=options.strict_tokens)
        self.desk = Desk(self.exchange, self.feeds, self.keys, self.record, options, wall)
        if options.market == "random":
            for each in [each for each in self.exchange.listed.values() if each.start_ticks > 0]:
                rate = options.rate * (OPTIONS_RATE if each.product == "option" else 1)
                self.crowds.append(Crowd(self.exchange, each, rate, Random(f"{options.seed}:{each.symbol}")))
        self._asker = Asker(self.exchange, Random(f"{options.seed}:rfq"))
        self._reviser = Reviser(self.exchange, Random(f"{options.seed}:sizes"))
        self._indexes = Indexes(self.exchange)
        self._rest = Rest(self.desk)
        self._funded = -1

    # --- what others read -----------------------------------------------------------------------------------------

    @property
    def ws_url(self) -> str:
        return f"ws://{HOST}:{self.port}"

    def announcement(self) -> dict[str, Any]:
        """Where it is and who may come in: the line that a person or a script reads."""
        people = [account.credentials() for account in self.accounts]
        told: dict[str, Any] = {"ws_url": self.ws_url, "http_url": self.http_url, **people[0]}
        if len(people) > 1:
            told["accounts"] = people
        return told

    # --- ways in --------------------------------------------------------------------------------------------------

    def answer(self, request: HttpRequest) -> HttpAnswer:
        """One REST request, without any connection."""
        return self._rest.answer(request)

    def guest(self, send: Callable[[str, str], None]) -> Client:
        """A client comes in by a socket."""
        return Client(self.desk, send)

    def left(self, guest: Any) -> None:
        """A client's connection has ended: where its key says so and it was the key's last, its orders end, too."""
        account: Account | None = guest.account
        if account is None or not self.feeds.disown(account, guest):
            return
        if not (account.cancel_on_disconnect or self.options.cancel_on_disconnect):
            return
        orders = self.exchange.open_orders(account)
        if self.options.cod_delay_ns and self._nursery is not None:
            self._nursery.start_soon(self._cancel_late, orders)
        else:
            self._disconnected(orders)

    async def _cancel_late(self, orders: list[Order]) -> None:
        await trio.sleep(self.options.cod_delay_ns / SECOND)
        self._disconnected(orders)

    def _disconnected(self, orders: list[Order]) -> None:
        for order in orders:
            if order.id in self.exchange.live:
                self.exchange.cancel(order, DISCONNECTION, self.now())

    # --- faults ---------------------------------------------------------------------------------------------------

    def expire_tokens(self) -> None:
        """Take no token any more that was issued before now."""
        self.keys.expire_all(self.now())

    def restart(self, memory: bool) -> None:
        """Connections have ended; without memory, orders, trades and holdings are as at the beginning."""
        if not memory:
            self.exchange.forget()
            self._asker.forget()
            self._indexes.forget()
            for crowd in self.crowds:
                crowd.forget()
                crowd.open(self.now(), None)

    def act(self, action: str) -> None:
        """What fault scripts may want of this venue beside what all can."""
        match action:
            case "unsolicited_cancel":
                for order in self.exchange.open_orders()[:1]:
                    self.exchange.cancel(order, SUPERVISORY, self.now())
            case "empty_book":
                self.exchange.clear_street()
                self._indexes.forget()
                for crowd in self.crowds:
                    crowd.forget()
            case _:
                self.feeds.misbehave(action)

    # --- by time ----------------------------------------------------------------------------------------------------

    def pulse(self, at: int) -> None:
        self._indexes.act(at)
        self.exchange.expire(at)
        period = at // FUNDING_NS
        if self.options.funding_rate and period > self._funded >= 0:
            self.exchange.fund(self.options.funding_rate, period * FUNDING_NS)
        self._funded = period
        if self.options.market == "random":
            self._reviser.act(at)
            if self.options.rfqs:
                self._asker.act(at)
        self.feeds.pulse(at)
        patience = self.options.idle_disconnect_s * SECOND
        for socket in list(self.sockets):
            client = socket.client
            if isinstance(client, Client):
                client.beat(at)
                if patience and client.silent(at) >= patience:
                    socket.close()


@contextmanager
def _key_files(accounts: list[Account]) -> Iterator[None]:
    """Private keys of this run in files that nobody else may read, as long as it lasts."""
    with tempfile.TemporaryDirectory(prefix="powertrade-keys-") as folder:
        for number, account in enumerate(accounts, 1):
            if not account.private_key_file:
                path = Path(folder) / f"key{number}.pem"
                with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                    file.write(account.pem())
                account.private_key_file = str(path)
        yield


@asynccontextmanager
async def serve(
    options: Options | None = None,
    *,
    port: int | None = 0,
    listed: tuple[Listed, ...] | None = None,
    wall: Callable[[], int] = time.time_ns,
    secret: Random | None = None,
    faults: FaultScript | None = None,
) -> AsyncIterator[Venue]:
    """A venue that runs while the block does.

    `port` 0 listens on any free port of the loopback interface, None on none (`Venue.open_stream` connects in memory).
    `wall` tells the time in nanoseconds UTC; `secret` is what keys are drawn from, the system's own randomness unless a
    test passes another; `faults` is a script of faults.
    """
    script = faults or FaultScript()
    chosen = options or Options(seed=secrets.randbits(32))
    if listed is None:
        listed = read_instruments(chosen.instruments) if chosen.instruments else listed_by_default(wall(), chosen.pairs)
    if chosen.credentials:
        accounts = read_accounts(chosen.credentials)
    else:
        accounts = new_accounts(chosen.accounts, secret or SystemRandom())
    venue = Venue(chosen, listed, accounts, wall, script)
    with _key_files(accounts):
        async with trio.open_nursery() as nursery:
            await venue.run(nursery, port)
            yield venue
            nursery.cancel_scope.cancel()
