"""The local venue as a whole: its state, its tasks, and how a test or a run starts one.

Time and randomness are passed in. Nothing in here waits on anything but trio's clock, so that a venue behind memory
streams runs on a virtual clock.
"""

import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from random import Random, SystemRandom
from typing import Any, Final

import trio

from tickwright.adapters.fault_rules import FaultScript
from tickwright.adapters.local.crowd import Crowd
from tickwright.adapters.local.deeds import EVERYWHERE
from tickwright.adapters.local.house import HOST, HttpAnswer, HttpRequest, Tongue, virtual_wall
from tickwright.adapters.local.venue import LocalVenue
from tickwright.adapters.tape import open_tape
from tickwright.adapters.tdx.mirror.accounts import Account, new_accounts
from tickwright.adapters.tdx.mirror.client import Client, frame_kind, topic_of
from tickwright.adapters.tdx.mirror.desk import Desk
from tickwright.adapters.tdx.mirror.exchange import Exchange
from tickwright.adapters.tdx.mirror.feeds import PULSE_NS, Feeds
from tickwright.adapters.tdx.mirror.listing import Pair, listed_pairs
from tickwright.adapters.tdx.mirror.options import Options
from tickwright.adapters.tdx.mirror.orders import Execution
from tickwright.adapters.tdx.mirror.replay import Replay, tape_pair
from tickwright.adapters.tdx.mirror.rest import PREFIX, Rest, http_refusal, request_kind
from tickwright.adapters.tdx.mirror.tokens import Tokens
from tickwright.adapters.tdx.wire import SIZE_MAX
from tickwright.engine.times import SECOND

STREAMS_PATH: Final = "/api/ws/v1/streams"
SUBPROTOCOL: Final = "ws.t-dx.com"
ACTIONS: Final = (*EVERYWHERE, "overlap_update", "cross_book")
TONGUE: Final = Tongue(
    stream_path=STREAMS_PATH,
    subprotocol=SUBPROTOCOL,
    size_max=SIZE_MAX,
    refusal=http_refusal,
    request_kind=request_kind,
    frame_kind=frame_kind,
    topic_of=topic_of,
)


class Venue(LocalVenue[Execution]):
    """A local venue; `serve_tdx` starts one. `exchange`, `desk` and `tokens` are its inside, for tests that look or
    meddle."""

    pulse_ns = PULSE_NS

    def __init__(
        self,
        options: Options,
        pairs: tuple[Pair, ...],
        wall: Callable[[], int],
        secret: Random,
        script: FaultScript,
    ) -> None:
        super().__init__(wall, TONGUE, script, ACTIONS)
        self.options = options
        rng = Random(options.seed)
        self._tape = open_tape(options.tape) if options.tape else None
        self._taped = tape_pair(self._tape) if self._tape else None
        if self._taped is not None:
            pairs = (self._taped, *(each for each in pairs if each.symbol != self._taped.symbol))
        symbols = tuple(dict.fromkeys(asset.symbol for pair in pairs for asset in (pair.base, pair.quote)))
        self.accounts = new_accounts(options.accounts, secret, symbols, options.funds)
        self.exchange = Exchange(pairs, self.accounts, options, rng, self.record)
        self.feeds = Feeds(self.exchange, options)
        self.tokens = Tokens(self.accounts, options, secret)
        self.desk = Desk(self.exchange, self.feeds, self.tokens, self.record, options, wall)
        self.clients: set[Client] = set()
        self._rest = Rest(self.desk)
        if options.market == "random":
            for pair in self.exchange.pairs.values():
                self.crowds.append(Crowd(self.exchange, pair, options.rate, Random(f"{options.seed}:{pair.symbol}")))

    # --- what others read -----------------------------------------------------------------------------------------

    @property
    def http_url(self) -> str:
        return f"http://{HOST}:{self.port}{PREFIX}"

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
        client = Client(self.desk, send)
        self.clients.add(client)
        return client

    def left(self, client: Any) -> None:
        """A client's connection has ended: cancel what it asked to have cancelled."""
        self.clients.discard(client)
        accounts = list(client.cancels_for.values())
        if accounts and self.options.cod_delay_ns:
            self.start(self._cancel_late, client, accounts)
        else:
            self._cancel_for(client, accounts)

    async def _cancel_late(self, client: Client, accounts: list[Account]) -> None:
        await trio.sleep(self.options.cod_delay_ns / SECOND)
        self._cancel_for(client, accounts)

    def _cancel_for(self, client: Client, accounts: list[Account]) -> None:
        for account in accounts:
            for order in self.exchange.open_orders(account):
                if order.connection is client:
                    self.exchange.cancel(order, self.now(), self.feeds)

    # --- faults ---------------------------------------------------------------------------------------------------

    def expire_tokens(self) -> None:
        """Take back every access token that was given; sessions live on."""
        self.tokens.expire_all()

    def restart(self, memory: bool) -> None:
        """Every session ends; without memory, orders, trades and funds are as at the beginning."""
        self.tokens.forget()
        if not memory:
            self.exchange.forget()
            for crowd in self.crowds:
                crowd.forget()
                crowd.open(self.now(), self.feeds)

    def act(self, action: str) -> None:
        """What fault scripts may want of this venue beside what all can."""
        match action:
            case "unsolicited_cancel":
                for order in self.exchange.open_orders()[:1]:
                    self.exchange.cancel(order, self.now(), self.feeds)
            case "empty_book":
                self.exchange.clear_street()
                for crowd in self.crowds:
                    crowd.forget()
            case _:
                self.feeds.misbehave(action)

    # --- running --------------------------------------------------------------------------------------------------

    async def run(self, nursery: trio.Nursery, port: int | None) -> None:
        await super().run(nursery, port)
        if self._tape is not None and self._taped is not None:
            replay = Replay(self.exchange, self._tape, self._taped, self.options.tape_speed)
            self.start(replay.run, self.now, self.feeds)

    async def _beat(self) -> None:
        """As every local venue, but with bouts of all pairs at the same moments."""
        pulse = bout = trio.current_time()
        while True:
            # Each is reckoned from its last due time, so that a late one does not shift those that follow.
            await trio.sleep_until(min(pulse, bout))
            now, at = trio.current_time(), self.now()
            if now >= bout:
                for crowd in self.crowds:
                    crowd.act(at, self.feeds)
                pause = min((crowd.pause(at) for crowd in self.crowds), default=PULSE_NS)
                bout = max(bout + pause / SECOND, now)
            if now >= pulse:
                self.pulse(at)
                pulse = max(pulse + PULSE_NS / SECOND, now)

    def pulse(self, at: int) -> None:
        self.exchange.expire_day(at, self.feeds)
        self.feeds.pulse(at)
        if self.options.expired_token_ends_stream:
            for client in list(self.clients):
                client.end_expired(at)


@asynccontextmanager
async def serve_tdx(
    options: Options | None = None,
    *,
    port: int | None = 0,
    pairs: tuple[Pair, ...] | None = None,
    wall: Callable[[], int] = time.time_ns,
    secret: Random | None = None,
    faults: FaultScript | None = None,
) -> AsyncIterator[Venue]:
    """A venue that runs while the block does.

    `port` 0 listens on any free port of the loopback interface, None on none (`Venue.open_stream` connects in memory).
    `wall` tells the time in nanoseconds UTC; `secret` is what credentials and tokens are drawn from, the system's own
    randomness unless a test passes another; `faults` is a script of faults.
    """
    chosen = options or Options(seed=secrets.randbits(32))
    venue = Venue(chosen, pairs or listed_pairs(chosen.pairs), wall, secret or SystemRandom(), faults or FaultScript())
    async with trio.open_nursery() as nursery:
        await venue.run(nursery, port)
        yield venue
        nursery.cancel_scope.cancel()


__all__ = ["ACTIONS", "STREAMS_PATH", "SUBPROTOCOL", "Venue", "serve_tdx", "virtual_wall"]
