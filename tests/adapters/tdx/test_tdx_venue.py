"""The T-DX venue against a scripted far side: its socket and its REST pages, over streams in memory."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from typing import Any

import pytest
import trio
from trio_websocket import WebSocketConnection
from wire_peers import START, Asked, Box, MemoryNet, TrioClock, http, say, websocket

from tickwright.adapters.tdx.signing import authorization, totp, totp_secret
from tickwright.adapters.tdx.venue import make
from tickwright.engine.adapter import Site
from tickwright.engine.book import Book
from tickwright.engine.errors import TickwrightError
from tickwright.engine.events import (
    BackOff,
    BookChanged,
    BookLost,
    CancelRejected,
    ClockMeasured,
    LinkChanged,
    MessageRefused,
    OrderAccepted,
    OrderCanceled,
    OrderExecuted,
    OrderRejected,
    QueryWanted,
    SendFailed,
    Traded,
)
from tickwright.engine.instrument import Instrument
from tickwright.engine.order import Working, approval, priced_order
from tickwright.engine.orders import OrderManager
from tickwright.engine.ports import Ledger
from tickwright.engine.records import Recorder
from tickwright.engine.secret import Secret
from tickwright.engine.terms import BUY, Liquidity, Refusal, Side
from tickwright.engine.times import SECOND
from tickwright.engine.wire import LoginRefused, QueryFailed, Standing

SUB = "8cc80065-6679-4426-9f96-d7023220226c"
PAIR = "9e8d7c6b-5a49-4382-9170-6f5e4d3c2b1a"
ORDERS = f"{SUB}@subaccount-orders"
ETH = Instrument(id="ETH/CHF.TDX", tick_size=Decimal("0.5"), lot_size=Decimal("0.01"), base="ETH", quote="CHF")
TOTP = "JBSWY3DPEHPK3PXP"
SECRETS = {"username": "desk", "password": "canary-word", "totp_secret": TOTP}


def rfc3339(ns: int) -> str:
    return datetime.fromtimestamp(ns / SECOND, UTC).isoformat().replace("+00:00", "Z")


class Far:
    """The venue's side: answers REST from tables, and keeps every frame that came over the socket."""

    def __init__(self, clock: TrioClock) -> None:
        self.clock = clock
        self.asked: list[Asked] = []
        self.frames: list[dict[str, Any]] = []
        self.sockets: list[WebSocketConnection] = []
        self.life_s = 3600.0
        self.orders: list[dict[str, Any]] = []
        self.trades: list[dict[str, Any]] = []
        self.answers: dict[tuple[str, str], Any] = {}
        self.tokens = 0
        self.armed = True

    def rest(self, asked: Asked) -> Any:
        self.asked.append(asked)
        path = asked.path.removeprefix("/rest")
        if (found := self.answers.get((asked.method, path))) is not None:
            return found(asked) if callable(found) else found
        match asked.method, path:
            case "POST", "/users/authentication/login":
                told = asked.json()
                good = told["password"] == SECRETS["password"]
                if not good or told["challenge"] != totp(totp_secret(TOTP), self.clock.wall()):
                    return 401, {"code": 401, "message": "wrong", "status": "UNAUTHENTICATED", "details": []}
                return 200, {"result": self.session()}
            case "POST", "/auth/refresh":
                return 200, {"result": self.session()}
            case "GET", "/pairs":
                pair = {"id": PAIR, "symbol": "ETH/CHF", "quantityTicks": "0.01", "priceTicks": "0.5"}
                return 200, self.page([pair])
            case "GET", "/instruments":
                return 200, self.page([{"id": "i-eth", "symbol": "ETH"}, {"id": "i-chf", "symbol": "CHF"}])
            case "GET", "/sub-accounts/mine":
                return 200, self.page([{"id": SUB, "name": "desk", "venue": "VENUE_MARKETPLACE", "pairs": []}])
            case "GET", "/balances":
                held = {"available": "10", "ordersReserved": "2.5", "withdrawalReserved": "1", "credit": "0.5"}
                return 200, self.page([{"instrumentId": "i-chf", **held}])
            case "GET", "/trades":
                return 200, self.page(self.trades)
            case "GET", listed if listed == f"/orders/by-sub-account/{SUB}":
                return 200, self.page(self.orders)
        return 404, {"code": 404, "message": "no such page", "status": "NOT_FOUND", "details": []}

    def session(self) -> dict[str, str]:
        self.tokens += 1
        ends = self.clock.wall() + int(self.life_s * SECOND)
        return {
            "accessToken": f"canary-token-{self.tokens}",
            "refreshToken": f"canary-refresh-{self.tokens}",
            "accessExpiresAt": rfc3339(ends),
            "sessionExpiresAt": rfc3339(ends + 7 * 86_400 * SECOND),
        }

    def page(self, entries: list[Any], cursor: str = "") -> dict[str, Any]:
        return {"result": entries, "pagination": {"cursors": {"next": cursor}}}

    async def socket(self, socket: WebSocketConnection) -> None:
        self.sockets.append(socket)
        while True:
            frame = json.loads(await socket.get_message())
            self.frames.append(frame)
            if frame["e"] == "tdx:subscribe":
                await say(socket, "tdx:subscription_received", frame["t"])
                if "@depth" in frame["t"]:
                    data = {"u": 900, "b": [["3100", "4"]], "a": [["3101", "0.8"]]}
                    await say(socket, "orderbook", frame["t"], data)
            elif frame["e"] == "tdx:cancel_on_disconnect" and self.armed:
                await say(socket, "tdx:cancel_on_disconnect_received")

    def sent(self, event: str) -> list[dict[str, Any]]:
        return [frame for frame in self.frames if frame["e"] == event]

    async def tell(self, event: str, data: Any, topic: str = ORDERS) -> None:
        await say(self.sockets[-1], event, topic, data)


@pytest.fixture
def clock():
    return TrioClock()


@pytest.fixture
async def far(nursery):
    found = Far(TrioClock())
    found.net = MemoryNet(nursery)
    found.net.ports = {7000: websocket(found.socket), 7001: http(found.rest)}
    return found


def site(**said: Any) -> Site:
    settings = {"sub_account_id": SUB} | said.pop("settings", {})
    secrets = {name: Secret(text) for name, text in said.pop("secrets", SECRETS).items()}
    terms = {
        "venue": "TDX", "url": "ws://127.0.0.1:7000/ws", "http_url": "http://127.0.0.1:7001/rest", "loopback": True,
        "insecure": True, "trading": True, "instruments": ("ETH/CHF.TDX",),
    }  # fmt: skip
    return Site(settings=settings, credentials=secrets, **(terms | said))


def build(far, **said: Any):
    return make(site(**said), far.clock, random=Random(1), dial=far.net.dial)


async def running(far, nursery, **said: Any):
    venue = build(far, **said)
    await venue.instruments(["ETH/CHF.TDX"])
    box = Box()
    nursery.start_soon(venue.run, box)
    await box.wait_for(BookChanged)
    return venue, box


def order(name: str, *, lots: int = 200, ticks: int = 6200, venue_order_id: str = ""):
    made = priced_order(Book(ETH), name, 1, BUY, lots, ticks, Working(), Working())
    manager = OrderManager(Recorder(), Ledger())
    manager.register(approval(made, START), START)
    manager.send_start(made, START)
    if venue_order_id:
        manager.ack(made, venue_order_id, START)
    return made


def state(name: str, **said: Any) -> dict[str, Any]:
    told = {
        "id": f"v-{name}", "clientOrderId": name, "pairId": PAIR, "side": "SIDE_BUY", "quantity": "2", "price": "3100",
        "executedQuantity": "0", "status": "STATUS_OPEN", "type": "TYPE_LIMIT", "symbol": "ETH/CHF",
        "timeInForce": "TIME_IN_FORCE_GTC", "createdAt": rfc3339(START), "updatedAt": rfc3339(START),
    }  # fmt: skip
    return told | said


def fill(name: str, trade_id: str, **said: Any) -> dict[str, Any]:
    told = {
        "id": trade_id, "orderId": f"v-{name}", "pairId": PAIR, "side": "SIDE_BUY", "quantity": "0.75",
        "originalQuantity": "2", "cumulativeQuantity": "0.75", "price": "3100", "grossAmount": "2325",
        "transactionFee": "2.325", "swissStampTax": "0.1", "executedAt": rfc3339(START + SECOND), "isTaker": False,
    }  # fmt: skip
    return told | said


async def test_market_data_reaches_the_inbox_without_credentials(autojump_clock, far, nursery):
    venue = build(far, secrets={}, trading=False)
    venue.watch([ETH])
    box = Box()
    nursery.start_soon(venue.run, box)
    (book,) = await box.wait_for(BookChanged)
    assert (book.snapshot, book.changes) == (True, ((1, 6200, 400), (-1, 6202, 80)))
    await far.tell("trade", {"d": 1735689605123, "p": "3100", "q": "1", "i": "t1", "a": "SELL"}, "ETH/CHF@trades")
    await far.tell("trade", {"d": 1735689605123, "p": "3100", "q": "1", "i": "t2"}, "ETH/CHF@trades")
    trades = await box.wait_for(Traded, 2)
    assert [trade.taker for trade in trades] == [Side.SELL, None]
    assert box.of(LinkChanged)[0].up
    assert far.asked == []
    assert [frame["t"] for frame in far.sent("tdx:subscribe")] == ["ETH/CHF@depth@100ms", "ETH/CHF@trades"]
    assert all("a" not in frame for frame in far.frames)


async def test_an_order_goes_out_and_its_life_comes_back(autojump_clock, far, nursery):
    venue, box = await running(far, nursery)
    venue.submit(order("mm-1"))
    await trio.sleep(0.1)
    (frame,) = far.sent("tdx:order_create")
    assert (frame["t"], frame["a"]) == (ORDERS, "canary-token-1")
    assert frame["d"] == {
        "clientOrderId": "mm-1", "pairId": PAIR, "side": "SIDE_BUY", "type": "TYPE_LIMIT",
        "timeInForce": "TIME_IN_FORCE_GTC", "quantity": "2.00", "price": "3100.0",
    }  # fmt: skip
    await far.tell("order", state("mm-1"))
    await far.tell("trade", fill("mm-1", "f1"))
    (executed,) = await box.wait_for(OrderExecuted)
    assert (executed.instrument, executed.lots, executed.fee, executed.fee_currency) == (
        "ETH/CHF.TDX", 75, Decimal("2.425"), "CHF",
    )  # fmt: skip
    venue.cancel(order("mm-1"), 7)
    await trio.sleep(0.1)
    assert far.sent("tdx:order_cancel")[0]["d"] == {"id": "v-mm-1", "clientOrderId": "mm-1"}
    await far.tell(
        "tdx:order_cancel_failed",
        {"clientOrderId": "mm-1", "code": 429, "status": "RESOURCE_EXHAUSTED"},
    )
    (refused,) = await box.wait_for(CancelRejected)
    assert (refused.refusal, refused.request_id) == (Refusal.TRANSIENT, 7)
    later = rfc3339(START + 2 * SECOND)
    await far.tell("order", state("mm-1", status="CANCELED", executedQuantity="0.75", updatedAt=later))
    (ended,) = await box.wait_for(OrderCanceled)
    assert ended.stated_cum == 75
    assert len(box.of(OrderAccepted)) == 1


async def test_cancel_on_disconnect_is_asked_for_at_each_connection_and_its_absence_is_told(
    autojump_clock, far, nursery
):
    far.armed = False
    venue, box = await running(far, nursery)
    await trio.sleep(6)
    assert [told for told in box.of(MessageRefused) if "COD_OFF" in told.reason]
    far.armed = True
    await trio.aclose_forcefully(far.sockets[-1]._stream)
    await trio.sleep(20)
    assert len(far.sent("tdx:cancel_on_disconnect")) == 2
    assert len([told for told in box.of(MessageRefused) if "COD_OFF" in told.reason]) == 1
    assert [change.up for change in box.of(LinkChanged)] == [True, False, True]
    assert venue.statistics()[0].cancel_on_disconnect


async def test_queries_give_facts_in_our_units(autojump_clock, far, nursery):
    venue, _ = await running(far, nursery)
    far.orders = [
        state("mm-2", createdAt=rfc3339(START + SECOND)),
        state("mm-1", status="FILLED", executedQuantity="2"),
    ]
    far.trades = [fill("mm-1", "f2", executedAt=rfc3339(START + 2 * SECOND), isTaker=True), fill("mm-1", "f1")]
    (live,) = await venue.open_orders()
    assert (live.client_order_id, live.standing, live.lots, live.ticks, live.cum) == (
        "mm-2", Standing.LIVE, 200, 6200, 0,
    )  # fmt: skip
    found = await venue.order(order("mm-1"))
    assert found is not None
    assert (found.standing, found.venue_order_id, found.cum) == (Standing.FILLED, "v-mm-1", 200)
    trades = await venue.trades(START)
    assert [(trade.trade_id, trade.client_order_id, trade.fee, trade.liquidity) for trade in trades] == [
        ("f1", "mm-1", Decimal("2.425"), Liquidity.MAKER),
        ("f2", "mm-1", Decimal("2.425"), Liquidity.TAKER),
    ]
    assert await venue.holdings() == {"CHF": Decimal("13.0")}
    assert await venue.order(order("mm-9")) is None
    far.answers["GET", f"/orders/by-sub-account/{SUB}"] = (503, b"<html>")
    with pytest.raises(QueryFailed, match="503"):
        await venue.open_orders()


# Logging in


async def test_wrong_credentials_are_tried_three_times_and_never_shown(autojump_clock, far, nursery):
    venue = build(far, secrets=SECRETS | {"password": "canary-wrong"})
    with pytest.raises(LoginRefused) as caught:
        await venue.instruments(["ETH/CHF.TDX"])
    assert "canary" not in repr(caught.value)
    assert len(far.asked) == 3
    codes = [asked.json()["challenge"] for asked in far.asked]
    assert codes[2] != codes[1]  # an earlier process may have used the code
    assert trio.current_time() <= 31
    venue.watch([ETH])
    with pytest.raises(LoginRefused, match="after 3 tries"):
        await venue.run(Box())
    assert len(far.asked) == 6
    assert far.frames == []


async def test_whoever_waits_at_the_door_hears_why(autojump_clock, far, nursery):
    said: list[tuple[float, str]] = []
    told = {"told": lambda text: said.append((trio.current_time(), text))}
    venue = build(far, secrets=SECRETS | {"password": "canary-wrong"}, **told)
    begun = trio.current_time()
    with pytest.raises(LoginRefused, match="after 3 tries: 401 UNAUTHENTICATED wrong"):
        await venue.instruments(["ETH/CHF.TDX"])
    words = [text for _, text in said]
    assert words[0] == "TDX: the login was refused: 401 UNAUTHENTICATED wrong; try 2 of 3 follows"
    assert words[1] == "TDX: the login was refused: 401 UNAUTHENTICATED wrong; try 3 of 3 follows"
    assert words[2].startswith("TDX: a one-time code is good for one login: waits for the next one until 2023-")
    assert said[0][0] - begun < 0.5
    assert "canary" not in "".join(words)


async def test_a_question_that_is_not_patient_is_refused_at_once_in_the_venues_words(autojump_clock, far, nursery):
    venue = build(far, secrets=SECRETS | {"password": "canary-wrong"}, patient=False)
    begun = trio.current_time()
    with pytest.raises(LoginRefused, match=r"does not accept the credentials: 401 UNAUTHENTICATED wrong$"):
        await venue.instruments(["ETH/CHF.TDX"])
    assert len(far.asked) == 1
    assert trio.current_time() - begun < 0.5


async def test_a_refusal_that_no_second_try_can_change_is_the_last(autojump_clock, far, nursery):
    refusal = {"code": 401, "status": "UNAUTHENTICATED", "message": "m", "details": [{"reason": "MFA_REQUIRED"}]}
    far.answers["POST", "/users/authentication/login"] = 401, refusal
    with pytest.raises(LoginRefused, match="MFA_REQUIRED"):
        await build(far).instruments(["ETH/CHF.TDX"])
    assert len(far.asked) == 1


async def test_a_one_time_code_is_used_once(autojump_clock, far, nursery):
    venue, box = await running(far, nursery)
    far.answers["POST", "/users/authentication/refresh"] = 401, {"code": 401, "message": "ended"}
    begun = trio.current_time()
    await far.tell("tdx:subscription_failed", {"code": 401, "status": "UNAUTHENTICATED", "message": "expired"})
    while far.tokens < 2:
        await trio.sleep(0.1)
    codes = [asked.json()["challenge"] for asked in far.asked if asked.path.endswith("/login")]
    assert len(codes) == len(set(codes)) == 2
    assert trio.current_time() - begun <= 31
    assert box.of(QueryWanted)
    assert venue.statistics()[0].subscriptions_active == 3


async def test_a_token_is_renewed_at_four_fifths_of_its_life_and_shown_at_once(autojump_clock, far, nursery):
    far.life_s = 100.0
    venue, _ = await running(far, nursery)
    begun = trio.current_time()
    while far.tokens < 2:
        await trio.sleep(0.1)
    assert 78 <= trio.current_time() - begun <= 82
    await trio.sleep(1)
    private = [frame for frame in far.sent("tdx:subscribe") if frame["t"] == ORDERS]
    assert [frame["a"] for frame in private] == ["canary-token-1", "canary-token-2"]
    # The first of the two documented families of paths is not there, and is not asked again.
    assert [asked.path.removeprefix("/rest") for asked in far.asked if "refresh" in asked.path] == [
        "/users/authentication/refresh", "/auth/refresh",
    ]  # fmt: skip
    venue.submit(order("mm-1"))
    await trio.sleep(80)
    assert far.sent("tdx:order_create")[0]["a"] == "canary-token-2"
    assert [asked.path.removeprefix("/rest") for asked in far.asked if "refresh" in asked.path][2:] == ["/auth/refresh"]


async def test_a_venue_that_never_takes_the_token_is_not_stormed(autojump_clock, far, nursery):
    _, box = await running(far, nursery)

    async def refuse_for_ever() -> None:
        while True:
            await far.tell("tdx:subscription_failed", {"code": 401, "status": "UNAUTHENTICATED", "message": "expired"})
            await trio.sleep(0.5)

    nursery.start_soon(refuse_for_ever)
    await trio.sleep(120)
    assert far.tokens <= 12
    assert all("canary" not in repr(event) for event in box.events)


async def test_a_venue_that_cannot_be_asked_is_waited_for(autojump_clock, far, nursery):
    venue = build(far)
    venue.watch([ETH])
    serve = far.net.ports.pop(7001)
    with pytest.raises(QueryFailed, match="no connection"):
        await venue.instruments(["ETH/CHF.TDX"])
    box = Box()
    nursery.start_soon(venue.run, box)
    await trio.sleep(20)
    assert far.sockets == []
    far.net.ports[7001] = serve
    await box.wait_for(BookChanged)
    assert all(told.field == "login" for told in box.of(MessageRefused))


async def test_the_venues_clock_is_followed_where_ours_is_wrong(autojump_clock, far, nursery):
    clock = TrioClock()
    clock.skew = -3600 * SECOND
    stamped = {"date": "Tue, 14 Nov 2023 22:13:20 GMT"}
    serve = far.rest

    def dated(asked: Asked) -> Any:
        told = serve(asked)
        return (*told, stamped) if asked.path.endswith("/login") else told

    far.net.ports[7001] = http(dated)
    venue = make(site(), clock, random=Random(1), dial=far.net.dial)
    assert await venue.instruments(["ETH/CHF.TDX"])
    logins = [asked for asked in far.asked if asked.path.endswith("/login")]
    assert len(logins) == 2  # the first code was an hour old; the answer said what time it is
    box = Box()
    nursery.start_soon(venue.run, box)
    await box.wait_for(BookChanged)
    assert far.tokens == 1
    (measured, *_) = box.of(ClockMeasured)
    assert measured.low <= 3600 * SECOND <= measured.high
    assert measured.high - measured.low < 2 * SECOND


# Orders in doubt


async def test_an_order_that_cannot_be_written_is_reported_and_not_kept(autojump_clock, far, nursery):
    venue = build(far)
    await venue.instruments(["ETH/CHF.TDX"])
    box = Box()
    far.net.ports.pop(7000)
    nursery.start_soon(venue.run, box)
    await trio.sleep(1)
    venue.submit(order("mm-1"))
    venue.cancel(order("mm-1"), 3)
    failed = box.of(SendFailed)
    assert [(event.client_order_id, event.cancel) for event in failed] == [("mm-1", False), ("mm-1", True)]
    assert all("nothing was written" in event.reason for event in failed)
    far.net.ports[7000] = websocket(far.socket)
    await box.wait_for(BookChanged)
    await trio.sleep(5)
    assert far.sent("tdx:order_create") == []


async def test_a_new_order_leaves_within_a_second_or_never_and_cancels_get_through(autojump_clock, far, nursery):
    venue, box = await running(far, nursery, settings={"messages_per_s": 10})
    await trio.sleep(3)
    asked = trio.current_time()
    for number in range(200):
        venue.submit(order(f"mm-{number}"))
    venue.cancel(order("old-1", venue_order_id="v-old-1"), 1)
    while not far.sent("tdx:order_cancel"):
        await trio.sleep(0.01)
    assert trio.current_time() - asked < 1
    await trio.sleep(10)
    sent = {frame["d"]["clientOrderId"] for frame in far.sent("tdx:order_create")}
    failed = {event.client_order_id for event in box.of(SendFailed)}
    assert 10 <= len(sent) <= 20
    assert len(sent | failed) == 200
    assert sent.isdisjoint(failed)
    assert len(far.sent("tdx:order_create")) == len(sent)


async def test_an_order_of_an_id_that_was_sent_is_never_sent_again(autojump_clock, far, nursery):
    venue, box = await running(far, nursery)
    venue.submit(order("mm-1"))
    venue.submit(order("mm-1"))
    await trio.sleep(2)
    assert len(far.sent("tdx:order_create")) == 1
    (failed,) = box.of(SendFailed)
    assert "sent already" in failed.reason


async def test_refusals_become_what_the_order_manager_knows(autojump_clock, far, nursery):
    venue, box = await running(far, nursery)
    for name, code, status in (
        ("a", 422, "FAILED_PRECONDITION"),
        ("b", 409, "ALREADY_EXISTS"),
        ("c", 503, "UNAVAILABLE"),
    ):
        venue.submit(order(name))
        await trio.sleep(0.1)
        told = {"clientOrderId": name, "code": code, "status": status, "message": "no"}
        await far.tell("tdx:order_create_failed", told)
    await trio.sleep(0.1)
    assert [(event.client_order_id, event.duplicate) for event in box.of(OrderRejected)] == [("a", False), ("b", True)]
    assert [(event.client_order_id, event.cancel) for event in box.of(SendFailed)] == [("c", False)]


async def test_what_only_asking_can_settle_is_asked_for(autojump_clock, far, nursery):
    venue, box = await running(far, nursery)
    await far.tell("order", state("other", clientOrderId="web-1"))
    await far.tell("trade", fill("other", "f1"))
    await trio.sleep(0.1)
    assert [event.client_order_id for event in box.of(QueryWanted)] == ["web-1", ""]
    (executed,) = box.of(OrderExecuted)
    assert (executed.client_order_id, executed.venue_order_id) == ("", "v-other")
    box.events.clear()
    venue.submit(order("mm-1"))
    await trio.sleep(0.1)
    await far.tell("order", state("mm-1", executedQuantity="0.75", status="PARTIALLY_FILLED"))
    await trio.sleep(3)
    (wanted,) = box.of(QueryWanted)
    assert wanted.client_order_id == "mm-1"
    await far.tell("order", {"id": 5, "status": "OPEN"})
    await far.tell("a_new_thing", {"x": 1}, "ETH/CHF@trades")
    await far.tell("a_new_thing", {"x": 1}, "ETH/CHF@trades")
    await trio.sleep(0.1)
    assert [event.field for event in box.of(MessageRefused)] == ["d.id", "e"]


async def test_an_order_of_an_earlier_run_is_known_again(autojump_clock, far, nursery):
    venue = build(far)
    await venue.instruments(["ETH/CHF.TDX"])
    old = order("mm-7", venue_order_id="v-mm-7")
    venue.adopt(old)
    box = Box()
    nursery.start_soon(venue.run, box)
    await box.wait_for(BookChanged)
    await far.tell("trade", fill("mm-7", "f9"))
    (executed,) = await box.wait_for(OrderExecuted)
    assert executed.client_order_id == "mm-7"
    assert box.of(QueryWanted) == []


async def test_a_lost_link_comes_back_with_everything_asked_for_again(autojump_clock, far, nursery):
    venue, box = await running(far, nursery)
    venue.submit(order("mm-1"))
    await trio.sleep(0.2)
    await trio.aclose_forcefully(far.sockets[-1]._stream)
    await box.wait_for(BookChanged, 2)
    await trio.sleep(0.2)
    assert [change.up for change in box.of(LinkChanged)] == [True, False, True]
    topics = [frame["t"] for frame in far.sent("tdx:subscribe")]
    assert topics == 2 * [ORDERS, "ETH/CHF@depth@100ms", "ETH/CHF@trades"]
    assert len(far.sent("tdx:order_create")) == 1
    await far.tell("order", state("mm-1"))
    await box.wait_for(OrderAccepted)


async def test_a_book_is_read_anew_when_the_core_wants_it(autojump_clock, far, nursery):
    venue, box = await running(far, nursery)
    venue.resync("ETH/CHF.TDX", "crossed")
    await trio.sleep(3)
    assert [frame["t"] for frame in far.sent("tdx:unsubscribe")] == ["ETH/CHF@depth@100ms"]
    assert len(box.of(BookChanged)) == 2
    assert box.of(BookLost)[0].reason == "crossed"


# Orders over REST


async def test_orders_and_cancels_over_rest_are_signed_and_their_answers_read(autojump_clock, far, nursery):
    secrets = SECRETS | {
        "api_key": "5b0c7d1e-8a43-4f52-9c1d-2e6f7a8b9c0d",
        "api_secret": "00112233445566778899aabbccddeeff",
    }
    far.answers["POST", "/orders"] = lambda asked: (200, {"result": state(asked.json()["clientOrderId"])})
    path = f"/orders/by-sub-account/{SUB}/v-mm-1"
    far.answers["DELETE", path] = 404, {"code": 404, "message": "order is not open", "status": "NOT_FOUND"}
    venue, box = await running(far, nursery, settings={"order_entry": "rest"}, secrets=secrets)
    venue.submit(order("mm-1"))
    (accepted,) = await box.wait_for(OrderAccepted)
    assert (accepted.client_order_id, accepted.venue_order_id) == ("mm-1", "v-mm-1")
    (posted,) = [asked for asked in far.asked if asked.method == "POST" and asked.path == "/rest/orders"]
    assert posted.json() == {
        "subAccountId": SUB, "clientOrderId": "mm-1", "pairId": PAIR, "side": "SIDE_BUY", "type": "TYPE_LIMIT",
        "timeInForce": "TIME_IN_FORCE_GTC", "quantity": "2.00", "price": "3100.0",
    }  # fmt: skip
    scheme, key, nonce, stamp, _ = posted.headers["authorization"].split()
    assert (scheme, key) == ("TDXV1-HMAC-SHA256", "ApiKey=5b0c7d1e-8a43-4f52-9c1d-2e6f7a8b9c0d")
    proof = authorization(
        secrets["api_secret"], api_key=secrets["api_key"], nonce=nonce.removeprefix("Nonce="),
        timestamp_ms=int(stamp.removeprefix("Timestamp=")), method="POST", host=posted.headers["host"],
        path="/rest/orders", content_type=posted.headers["content-type"], body=posted.body,
    )  # fmt: skip
    assert posted.headers["authorization"] == proof
    venue.cancel(order("mm-1"), 9)
    (refused,) = await box.wait_for(CancelRejected)
    assert (refused.refusal, refused.request_id) == (Refusal.UNKNOWN_ORDER, 9)
    assert far.sent("tdx:order_create") == []


@pytest.mark.parametrize(
    ("answer", "event", "duplicate"),
    [
        ((422, {"code": 422, "message": "too low", "details": ["NOT_ENOUGH_FUNDS"]}), OrderRejected, False),
        ((409, {"code": 409, "status": "ALREADY_EXISTS"}), OrderRejected, True),
        ((429, {"code": 429, "status": "RESOURCE_EXHAUSTED"}, {"retry-after": "2"}), OrderRejected, False),
        ((500, {"code": 500, "status": "INTERNAL"}), SendFailed, None),
        ((503, b"<html>"), SendFailed, None),
        ((200, b"not json"), SendFailed, None),
        ((302, b"", {"location": "https://evil.example/"}), SendFailed, None),
    ],
)
async def test_an_answer_over_rest_that_is_no_yes(autojump_clock, far, nursery, answer, event, duplicate):
    far.answers["POST", "/orders"] = answer
    venue, box = await running(far, nursery, settings={"order_entry": "rest"})
    venue.submit(order("mm-1"))
    begun = trio.current_time()
    (told,) = await box.wait_for(event)
    assert trio.current_time() - begun <= 1
    assert told.client_order_id == "mm-1"
    assert duplicate is None or told.duplicate == duplicate
    if answer[0] in (429, 503):
        (wait,) = box.of(BackOff)
        assert wait.until - wait.ts == (2 if answer[0] == 429 else 5) * SECOND
    await trio.sleep(20)
    assert len([asked for asked in far.asked if asked.path == "/rest/orders"]) == 1


async def test_a_request_that_is_never_answered_leaves_the_order_in_doubt(autojump_clock, far, nursery):
    async def never(asked: Asked) -> Any:
        await trio.sleep_forever()

    far.answers["POST", "/orders"] = never
    venue, box = await running(far, nursery, settings={"order_entry": "rest"})
    venue.submit(order("mm-1"))
    begun = trio.current_time()
    (failed,) = await box.wait_for(SendFailed)
    assert "within 10 s" in failed.reason
    assert trio.current_time() - begun <= 11


async def test_a_cancel_over_rest_waits_for_the_venues_name_of_the_order(autojump_clock, far, nursery):
    async def named(asked: Asked) -> Any:
        await trio.sleep(0.5)
        return 200, {"result": {"id": "../v?1"}}

    far.answers["POST", "/orders"] = named
    far.answers["DELETE", f"/orders/by-sub-account/{SUB}/..%2Fv%3F1"] = 200, b""
    venue, box = await running(far, nursery, settings={"order_entry": "rest"})
    begun = trio.current_time()
    venue.cancel(order("mm-0"), 3)
    assert box.of(CancelRejected) == []
    (refused,) = await box.wait_for(CancelRejected)
    assert (refused.client_order_id, refused.refusal, refused.request_id) == ("mm-0", Refusal.TRANSIENT, 3)
    assert 1.9 <= trio.current_time() - begun <= 2.2, "nobody named it, and nothing was sent"
    assert not [asked for asked in far.asked if asked.method == "DELETE"]
    venue.submit(order("mm-1"))
    venue.cancel(order("mm-1"), 4)
    await trio.sleep(0.7)
    assert [asked.method for asked in far.asked if "v%3F1" in asked.path] == ["DELETE"]
    assert len(box.of(CancelRejected)) == 1
    await trio.sleep(1)
    venue.cancel(order("mm-1"), 5)
    await trio.sleep(1)
    assert far.asked[-1].target == f"/rest/orders/by-sub-account/{SUB}/..%2Fv%3F1"
    assert len(box.of(CancelRejected)) == 1


# Questions


async def test_lists_are_read_to_their_last_page_and_cursors_that_repeat_are_refused(autojump_clock, far, nursery):
    venue, _ = await running(far, nursery)
    pages = [[state(f"mm-{page * 3 + number}") for number in range(3)] for page in range(4)]

    def paged(asked: Asked) -> Any:
        cursor = dict(pair.split("=") for pair in asked.query.split("&")).get("cursor", "0")
        after = str(int(cursor) + 1) if int(cursor) < 3 else ""
        return 200, far.page(pages[int(cursor)], after)

    far.answers["GET", f"/orders/by-sub-account/{SUB}"] = paged
    assert [facts.client_order_id for facts in await venue.open_orders()] == [f"mm-{number}" for number in range(12)]
    far.answers["GET", f"/orders/by-sub-account/{SUB}"] = 200, far.page([], "again")
    with pytest.raises(QueryFailed, match="seen before"):
        await venue.open_orders()


async def test_what_ended_long_ago_is_read_once(autojump_clock, far, nursery):
    venue, _ = await running(far, nursery)
    asked_for = []

    def listed(asked: Asked) -> Any:
        """A hundred pages of one order each, newest first, all but the newest ended."""
        cursor = dict(pair.split("=") for pair in asked.query.split("&")).get("cursor", "0")
        asked_for.append(int(cursor))
        ended = {} if cursor == "0" else {"status": "CANCELED"}
        created = rfc3339(START + (2000 - 20 * int(cursor)) * SECOND)
        return 200, far.page(
            [state(f"mm-{cursor}", createdAt=created, **ended)], str(int(cursor) + 1) if cursor != "99" else ""
        )

    far.answers["GET", f"/orders/by-sub-account/{SUB}"] = listed
    assert [facts.client_order_id for facts in await venue.open_orders()] == ["mm-0"]
    assert len(asked_for) == 100
    asked_for.clear()
    assert [facts.client_order_id for facts in await venue.open_orders()] == ["mm-0"]
    assert len(asked_for) <= 5


@pytest.mark.parametrize(
    "answer",
    [
        (500, {"code": 500}), (200, b""), (200, b"[1]"), (200, {"result": None}), (403, b"no"),
        (200, {"result": [], "error": {"message": "backend down"}}), (200, {"result": [{"id": 7}]}),
        (200, b'{"result": [], "result": [{"id": "x"}]}'), (200, b"x" * (1 << 20) + b"x"), (301, b""),
    ],
)  # fmt: skip
async def test_no_answer_is_never_an_empty_answer(autojump_clock, far, nursery, answer):
    venue, _ = await running(far, nursery)
    for path in (f"/orders/by-sub-account/{SUB}", "/trades", "/balances", f"/orders/by-sub-account/{SUB}/v-1"):
        far.answers["GET", path] = answer
    for question in (
        venue.open_orders(), venue.trades(0), venue.holdings(), venue.order(order("mm-1")),
        venue.order(order("mm-1", venue_order_id="v-1")),
    ):  # fmt: skip
        with pytest.raises(QueryFailed):
            await question


async def test_a_short_wait_is_waited_out_and_a_long_one_is_told(autojump_clock, far, nursery):
    venue, box = await running(far, nursery)
    replies = [(429, b"", {"retry-after": "2"}), (503, b"")]
    path = f"/orders/by-sub-account/{SUB}"
    far.answers["GET", path] = lambda asked: replies.pop(0) if replies else (200, far.page([]))
    assert await venue.open_orders() == ()
    assert [event.until - event.ts for event in box.of(BackOff)] == [2 * SECOND, 5 * SECOND]
    far.answers["GET", path] = 429, b"", {"retry-after": "600"}
    with pytest.raises(QueryFailed, match="429"):
        await venue.open_orders()


async def test_the_filter_of_executions_is_found_in_either_style(autojump_clock, far, nursery):
    venue, _ = await running(far, nursery)
    far.trades = [fill("mm-1", "f1")]
    far.answers["GET", "/trades"] = lambda asked: (
        (200, far.page(far.trades)) if "sub_account_id=" in asked.query else (400, {"code": 400, "message": "unknown"})
    )
    assert len(await venue.trades(START)) == 1
    assert await venue.trades(START + 3600 * SECOND) == ()
    assert ["subAccountId" in asked.query for asked in far.asked if asked.path == "/rest/trades"] == [
        True,
        False,
        False,
    ]


async def test_a_token_is_not_shown_once_it_has_ended(autojump_clock, far):
    """Asked now and then, with no link that keeps the token fresh."""
    far.life_s = 100.0
    venue = build(far)
    await venue.instruments(["ETH/CHF.TDX"])
    for seconds, token in ((99, "canary-token-1"), (2, "canary-token-2")):
        await trio.sleep(seconds)
        await venue.holdings()
        assert far.asked[-1].headers["authorization"] == f"Bearer {token}"


async def test_a_question_that_is_not_let_in_is_asked_again_logged_in_anew(autojump_clock, far, nursery):
    venue, _ = await running(far, nursery)
    far.answers["GET", "/balances"] = lambda asked: (
        (200, far.page([])) if asked.headers["authorization"] == "Bearer canary-token-2" else (401, {"code": 401})
    )
    assert await venue.holdings() == {}
    assert far.tokens == 2


async def test_a_sub_account_that_trades_over_the_counter_is_refused(autojump_clock, far, nursery):
    far.answers["GET", "/sub-accounts/mine"] = 200, far.page([{"id": SUB, "venue": "VENUE_OTC"}])
    with pytest.raises(QueryFailed, match="VENUE_OTC"):
        await build(far).instruments(["ETH/CHF.TDX"])
    with pytest.raises(QueryFailed, match="XXX/CHF"):
        await build(far, trading=False).instruments(["XXX/CHF.TDX"])


# What may be chosen


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"url": "ws://api.t-dx.com/x"}, "expected TLS"),
        ({"url": "wss://api.t-dx.com/x"}, "expected this machine"),
        ({"http_url": "https://api.t-dx.com/x"}, "expected this machine"),
        ({"loopback": False}, "expected the venue's own host"),
        ({"insecure": False}, "allow_insecure_loopback"),
        ({"url": "ws://evil.example/x"}, "expected one of api.t-dx.com"),
        ({"secrets": {}}, "to trade with"),
        ({"secrets": {"username": "u", "password": "p"}, "settings": {"sub_account_id": None}}, "to trade with"),
        ({"secrets": {"username": "u"}}, "one half"),
        ({"secrets": SECRETS | {"totp_secret": "canary-0189"}}, "base32"),
        ({"settings": {"depth": "11"}}, "depth: expected one of full, 10"),
        ({"settings": {"messages_per_s": 0}}, "messages_per_s"),
        ({"settings": {"max_message_bytes": 1 << 21}}, "max_message_bytes"),
    ],
)
async def test_a_choice_that_will_not_do_is_refused_before_anything_is_connected(autojump_clock, far, said, words):
    with pytest.raises(TickwrightError, match=words) as caught:
        build(far, **said)
    assert "canary" not in str(caught.value)
    assert far.net.dials == []


@pytest.mark.parametrize(
    ("settings", "topic"),
    [
        ({}, "ETH/CHF@depth@100ms"), ({"depth": "50", "speed": "500ms"}, "ETH/CHF@depth50@500ms"),
        ({"speed": "default"}, "ETH/CHF@depth"), ({"depth": "10", "speed": "default"}, "ETH/CHF@depth10"),
    ],
)  # fmt: skip
async def test_depth_and_speed_choose_the_channel_of_a_book(autojump_clock, far, nursery, settings, topic):
    await running(far, nursery, settings=settings)
    assert topic in [frame["t"] for frame in far.sent("tdx:subscribe")]


async def test_no_secret_is_in_a_repr_an_event_or_an_error(autojump_clock, far, nursery):
    secrets = SECRETS | {"api_key": "canary-key", "api_secret": "00112233445566778899aabbccddeeff"}
    venue, box = await running(far, nursery, secrets=secrets)
    shown = repr(vars(venue)) + repr(venue._choices) + repr(venue._login) + repr(box.events)
    for secret in ("canary", TOTP, secrets["api_secret"]):
        assert secret not in shown
