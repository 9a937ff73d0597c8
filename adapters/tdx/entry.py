"""Orders and cancels over REST, for accounts that are to send them so; what becomes of them comes over the socket.

A few requests are under way at a time, cancels first. An answer that does not come, or cannot be read, leaves the
order in doubt: it is reported as a send that failed, never as one that did not happen.
"""

import math
from collections import deque
from collections.abc import Callable
from typing import Final
from urllib.parse import quote

import msgspec
import trio
from attrs import evolve, frozen

from tickwright.adapters.bad_message import BadMessage
from tickwright.adapters.http import Answer
from tickwright.adapters.outbox import STALE_S
from tickwright.adapters.tdx import rest
from tickwright.adapters.tdx.messages import Cancel, Place
from tickwright.adapters.tdx.own import is_order, order_stated
from tickwright.adapters.tdx.queries import Queries
from tickwright.adapters.tdx.requests import Requests
from tickwright.engine.events import CancelRejected, OrderReport
from tickwright.engine.terms import Refusal
from tickwright.engine.wire import Clock, QueryFailed

WORKERS: Final = 4
WAITING_MAX: Final = 1024
NAME_S: Final = 2.0
"""How long a cancel waits for the venue's name of its order before it is handed back. The order manager gives an
unanswered cancel 3 s."""
LOOK_S: Final = 0.05

CREATE: Final = "order_create"
CANCEL: Final = "order_cancel"


@frozen(kw_only=True)
class _Request:
    client_order_id: str
    cancel: bool
    method: str
    path: str
    body: bytes = b""
    before: float = math.inf


class RestEntry:
    """The requests that wait and those under way.

    `told(events)` takes what an answer says; `failed(client_order_id, cancel, reason)` what no answer says.
    """

    def __init__(
        self,
        queries: Queries,
        requests: Requests,
        clock: Clock,
        sub_account_id: str,
        *,
        told: Callable[[list[OrderReport]], None],
        failed: Callable[[str, bool, str], None],
    ) -> None:
        self._queries, self._requests, self._clock, self._sub = queries, requests, clock, sub_account_id
        self._told, self._failed = told, failed
        self._cancels: deque[_Request] = deque()
        self._orders: deque[_Request] = deque()
        self._lot = trio.lowlevel.ParkingLot()
        self._nameless: dict[str, tuple[Cancel, float]] = {}
        self._unnamed = trio.Event()

    def submit(self, command: Place, body: dict[str, str]) -> None:
        """Queue a new order; `body` are its fields as the codec writes them."""
        self._put(
            _Request(
                client_order_id=command.client_order_id,
                cancel=False,
                method="POST",
                path="/orders",
                body=msgspec.json.encode({"subAccountId": self._sub, **body}),
                before=trio.current_time() + STALE_S,
            )
        )

    def cancel(self, command: Cancel) -> None:
        """Queue a cancel; while the venue has not named the order there is nothing to ask for: it waits a little."""
        if not command.venue_order_id:
            if command.client_order_id in self._nameless or len(self._nameless) >= WAITING_MAX:
                self._hand_back(command)
                return
            self._nameless[command.client_order_id] = command, trio.current_time() + NAME_S
            self._unnamed.set()
            return
        self._requests.cancelling(command)
        path = f"/orders/by-sub-account/{self._sub}/{quote(command.venue_order_id, safe='')}"
        self._put(_Request(client_order_id=command.client_order_id, cancel=True, method="DELETE", path=path))

    async def work(self) -> None:
        """Send what waits, until cancelled."""
        async with trio.open_nursery() as workers:
            for _ in range(WORKERS):
                workers.start_soon(self._worker)
            workers.start_soon(self._name)

    async def _name(self) -> None:
        """Let cancels go whose order has got a name, and hand back those that have waited long enough."""
        while True:
            await self._unnamed.wait()
            for name, (command, until) in list(self._nameless.items()):
                known = self._requests.venue_order_id(name)
                if not known and trio.current_time() < until:
                    continue
                del self._nameless[name]
                if known:
                    self.cancel(evolve(command, venue_order_id=known))
                else:
                    self._hand_back(command)
            if not self._nameless:
                self._unnamed = trio.Event()
            await trio.sleep(LOOK_S)

    def _hand_back(self, command: Cancel) -> None:
        """The cancel could not be asked for; it is wanted on."""
        refused = CancelRejected(
            client_order_id=command.client_order_id,
            refusal=Refusal.TRANSIENT,
            reason="the venue has not named the order yet",
            request_id=command.request_id,
            ts=self._clock.now(),
        )
        self._told([refused])

    def _put(self, request: _Request) -> None:
        line = self._cancels if request.cancel else self._orders
        if len(line) >= WAITING_MAX:
            self._failed(request.client_order_id, request.cancel, f"{WAITING_MAX} requests wait already")
            return
        line.append(request)
        self._lot.unpark()

    async def _worker(self) -> None:
        while True:
            line = self._cancels or self._orders
            if not line:
                await self._lot.park()
                continue
            await self._send(line.popleft())

    async def _send(self, request: _Request) -> None:
        reason = "cancelled while it was under way"
        try:
            answer = await self._queries.request(
                request.method,
                request.path,
                body=request.body,
                urgent=request.cancel,
                before=request.before,
            )
            self._told(self._meaning(request, answer))
            reason = ""
        except (QueryFailed, BadMessage) as error:
            reason = str(error)
        finally:
            if reason:
                self._failed(request.client_order_id, request.cancel, reason)

    def _meaning(self, request: _Request, answer: Answer) -> list[OrderReport]:
        now = self._clock.now()
        if not answer.ok:
            told = rest.read_refusal(answer.body, answer.status)
            name = CANCEL if request.cancel else CREATE
            return self._requests.refused(evolve(told, name=name, client_order_id=request.client_order_id), now)
        if request.cancel and not answer.body:
            return []
        events: list[OrderReport] = []
        for entry in rest.read_page(answer.body).entries:
            if not isinstance(entry, dict) or not isinstance(entry.get("id"), str):
                continue
            if not request.cancel:
                self._requests.acknowledged(request.client_order_id, entry["id"])
            if is_order(entry):
                events += self._requests.stated(order_stated(entry, "orders"), now)
        return events
