"""The PowerTrade venue against a scripted far side: its socket and its REST pages, over streams in memory."""

import base64
import json
from decimal import Decimal
from fractions import Fraction
from random import Random
from typing import Any
from urllib.parse import parse_qs

import pytest
import trio
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pt_frames import WHERE, accepted, cancelled, event, execution, frame, reply, row, snapshot
from trio_websocket import WebSocketConnection
from wire_peers import START, Asked, Box, MemoryNet, TrioClock, http, websocket

from tickwright.adapters.powertrade.signing import Nonces
from tickwright.adapters.powertrade.venue import CAPABILITY, make
from tickwright.engine.adapter import Site
from tickwright.engine.book import Book
from tickwright.engine.errors import TickwrightError
from tickwright.engine.events import (
    BookChanged,
    BookLost,
    CancelRejected,
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
from tickwright.engine.keeping import take_facts, take_terms
from tickwright.engine.order import Working, priced_order
from tickwright.engine.secret import Secret
from tickwright.engine.terms import BUY, Liquidity, OrderType, Refusal, Side, TimeInForce
from tickwright.engine.times import SECOND
from tickwright.engine.wire import LoginRefused, PositionFacts, QueryFailed, Standing

KEY = ec.generate_private_key(ec.SECP256R1())
PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
SECRETS = {"api_key": "canary-key", "private_key": PEM}
ID = "ETH-USD.POWERTRADE"
LISTED = {
    "symbol": "ETH-USD", "tradeable_entity_id": "5", "status": "active", "base_asset": "ETH", "quote_asset": "USD",
    "minimum_quantity": "0.001", "maximum_quantity": "1000.0", "minimum_value": "0.00005",
    "maximum_value": "100000000.0", "quantity_step": "0.001", "price_step": "0.05", "tags": ["spot"],
}  # fmt: skip
NOT_FOUND = {"query_order_response": {"error": "failed", "reason": "exchange order id not found in order cache"}}


def claims(token: str) -> dict[str, Any]:
    middle = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))


class Far:
    """The venue's side: answers REST from tables, and keeps every frame that came over the socket."""

    def __init__(self, clock: TrioClock) -> None:
        self.clock = clock
        self.asked: list[Asked] = []
        self.frames: list[tuple[str, dict[str, Any]]] = []
        self.sockets: list[WebSocketConnection] = []
        self.answers: dict[str, Any] = {}
        self.history: list[dict[str, Any]] = []
        self.ahead_ns = 0
        self.login = ("0", "")
        self.mute: set[str] = set()

    def now_us(self) -> str:
        return str((self.clock.wall() + self.ahead_ns) // 1000)

    def rest(self, asked: Asked) -> Any:
        self.asked.append(asked)
        path = asked.path.removeprefix("/v1/api/")
        if path in self.answers:
            found = self.answers[path]
            return found(asked) if callable(found) else found
        match path:
            case "time":
                return 200, {"server_utc_timestamp": self.now_us()}
            case "exchangeInfo":
                return 200, {"entities_and_rules_response": {
                    "server_utc_timestamp": self.now_us(), "symbols": [LISTED]}}  # fmt: skip
            case "openOrders":
                return 200, {"query_open_orders_response": {"utc_timestamp": self.now_us(), "open_orders": []}}
            case "order":
                return 200, NOT_FOUND
            case "balances":
                return 200, {"balance_response": [{"symbol": "USD", "cash_balance": "1000.5", "deliverable_id": "2"}]}
        return 404, {"error": {"error_code": "16", "message": "no such page"}}

    async def socket(self, socket: WebSocketConnection) -> None:
        self.sockets.append(socket)
        while True:
            ((name, body),) = json.loads(await socket.get_message()).items()
            self.frames.append((name, body))
            if name in self.mute:
                continue
            if name == "authenticate":
                await socket.send_message(reply(body["user_tag"], *self.login))
            elif name == "subscribe":
                await socket.send_message(reply(body["user_tag"]))
                await socket.send_message(snapshot([row("1", "2500.10", "1.5")], [row("2", "2500.90", "0.7")]))
            elif name == "trade_history_request":
                answer = frame("trade_history_response", user_tag=body["user_tag"], executions=self.history)
                await socket.send_message(answer if self.history else reply(body["user_tag"], "18", "no trade history"))

    def sent(self, name: str) -> list[dict[str, Any]]:
        return [body for found, body in self.frames if found == name]

    async def tell(self, text: str) -> None:
        await self.sockets[-1].send_message(text)


@pytest.fixture
async def far(nursery):
    found = Far(TrioClock())
    found.net = MemoryNet(nursery)
    found.net.ports = {7000: websocket(found.socket, subprotocol=None), 7001: http(found.rest)}
    return found


def site(**said: Any) -> Site:
    secrets = {name: Secret(text) for name, text in said.pop("secrets", SECRETS).items()}
    terms = {
        "venue": "POWERTRADE", "url": "ws://127.0.0.1:7000", "http_url": "http://127.0.0.1:7001", "loopback": True,
        "insecure": True, "trading": True, "instruments": (ID,), "settings": {},
    }  # fmt: skip
    return Site(credentials=secrets, **(terms | said))


def build(far, **said: Any):
    return make(site(**said), far.clock, random=Random(1), dial=far.net.dial, nonces=Nonces(START // SECOND + 50))


async def running(far, nursery, **said: Any):
    venue = build(far, **said)
    found = await venue.instruments([ID])
    box = Box()
    nursery.start_soon(venue.run, box)
    await box.wait_for(BookChanged)
    return venue, box, found[ID]


def order(instrument, name: str, *, venue_order_id: str = "", post_only: bool = False):
    made = priced_order(Book(instrument), name, 1, BUY, 250, 50000, None, None)
    terms = {"strategy": "", "side": "BUY", "type": "LIMIT", "time_in_force": "GTC", "has_price": True}
    take_terms(made, {**terms, "post_only": post_only, "created_ts": START}, -1, None, Working())
    said = {"state": "PENDING_NEW", "lots": 250, "ticks": 50000, "sent": True, "sent_ts": START}
    take_facts(made, {**said, "venue_order_id": venue_order_id}, START)
    return made


def info(name: str, **said: Any) -> dict[str, Any]:
    told = {
        **WHERE, "type": "LIMIT", "order_id": "9300001", "client_order_id": name, "quantity": "0.25",
        "price": "2500.0", "side": "buy", "order_state": "partial_fill", "cancel_state": "none", "executions": [
            {"utc_timestamp": "1760000011999000000", "executed_price": "2500.0", "executed_quantity": "0.1",
             "trade_id": "t1", "liquidity_flag": "added"},
            {"utc_timestamp": "1760000011999000000", "executed_price": "2499.0", "executed_quantity": "0.1",
             "trade_id": "t2", "liquidity_flag": "added"},
        ],
    }  # fmt: skip
    return told | said


async def test_market_data_reaches_the_inbox_without_credentials(autojump_clock, far, nursery):
    venue = build(far, secrets={}, trading=False)
    box = Box()
    await venue.instruments([ID])
    nursery.start_soon(venue.run, box)
    (book,) = await box.wait_for(BookChanged)
    assert (book.instrument, book.snapshot) == (ID, True)
    assert set(book.changes) == {(1, 50002, 1500), (-1, 50018, 700)}
    await far.tell(event("order_executed", side="sell", order_id="2", price="2500.90", quantity="0.2"))
    (traded,) = await box.wait_for(Traded)
    assert (traded.taker, traded.ticks, traded.lots) == (Side.BUY, 50018, 200)
    assert box.of(LinkChanged)[0].up
    assert far.sent("authenticate") == []
    assert all("credentials_secret" not in asked.headers for asked in far.asked)
    assert await venue.holdings() is None
    with pytest.raises(QueryFailed, match="expected an API key"):
        await venue.open_orders()


async def test_an_order_goes_out_and_its_life_comes_back(autojump_clock, far, nursery):
    venue, box, eth = await running(far, nursery)
    (login,) = far.sent("authenticate")
    told = claims(login["credentials_secret"])
    assert (told["sub"], told["client"], told["exp"] - told["iat"]) == ("canary-key", "api", 35)
    assert told["nonce"] > START // SECOND + 50
    venue.submit(order(eth, "mm-1"))
    await trio.sleep(0.1)
    (sent,) = far.sent("new_order")
    assert (sent["client_order_id"], sent["quantity"], sent["price"]) == ("mm-1", "0.25", "2500.0")
    assert (sent["symbol"], sent["time_in_force"], sent["recv_window"]) == ("ETH-USD", "GTC", "145")
    await far.tell(accepted("mm-1"))
    await far.tell(execution("mm-1", "t1", "0.1"))
    (fill,) = await box.wait_for(OrderExecuted)
    assert (fill.instrument, fill.lots, fill.ticks, fill.fee) == (ID, 100, 50000, None)
    venue.cancel(order(eth, "mm-1"), 7)
    await trio.sleep(0.1)
    assert far.sent("cancel_order")[0]["order_id"] == "9300001"
    await far.tell(cancelled("mm-1", "exchange order_id or client_order_id not found in order cache"))
    (refused,) = await box.wait_for(CancelRejected)
    assert (refused.refusal, refused.request_id) == (Refusal.UNKNOWN_ORDER, 7)
    await far.tell(cancelled("mm-1", "user_cancelled", "0.1"))
    (ended,) = await box.wait_for(OrderCanceled)
    assert ended.stated_cum == 100
    assert len(box.of(OrderAccepted)) == 1


async def test_what_the_venue_has_no_words_for_is_refused_here(autojump_clock, far, nursery):
    venue, box, eth = await running(far, nursery)
    venue.submit(order(eth, "mm-1", post_only=True))
    (refused,) = await box.wait_for(OrderRejected)
    assert refused.reason.startswith("POST_ONLY: mm-1")
    await trio.sleep(1)
    assert far.sent("new_order") == []
    assert not CAPABILITY.post_only
    assert not CAPABILITY.reduce_only
    assert TimeInForce.FOK not in CAPABILITY.times_in_force
    assert {OrderType.LIMIT, OrderType.MARKET} == CAPABILITY.types


async def test_nothing_is_sent_before_the_login_is_answered(autojump_clock, far, nursery):
    far.mute.add("authenticate")
    venue = build(far)
    eth = (await venue.instruments([ID]))[ID]
    box = Box()
    nursery.start_soon(venue.run, box)
    await trio.sleep(1)
    venue.submit(order(eth, "mm-1"))
    venue.cancel(order(eth, "mm-1"), 1)
    assert [told.cancel for told in box.of(SendFailed)] == [False, True]
    assert box.of(LinkChanged) == []
    await trio.sleep(10)
    assert len(far.sent("authenticate")) >= 2
    assert far.sent("new_order") == []
    nonces = [claims(body["credentials_secret"])["nonce"] for body in far.sent("authenticate")]
    assert nonces == sorted(set(nonces))


async def test_credentials_that_are_refused_three_times_are_refused(autojump_clock, far):
    far.login = ("10", "auth server rejected the authenticate request, Unauthorized")
    venue = build(far)
    await venue.instruments([ID])
    with trio.fail_after(60), pytest.raises(LoginRefused, match="Unauthorized") as caught:
        await venue.run(Box())
    assert len(far.sent("authenticate")) == 3
    assert "canary" not in str(caught.value)


async def test_a_contradicted_book_is_read_anew_over_a_new_connection(autojump_clock, far, nursery):
    _, box, _ = await running(far, nursery)
    await far.tell(event("order_deleted", side="buy", order_id="77"))
    (lost,) = await box.wait_for(BookLost)
    assert lost.instrument == ID
    await box.wait_for(LinkChanged, 3)
    books = await box.wait_for(BookChanged, 2)
    assert books[-1].snapshot
    assert [change.up for change in box.of(LinkChanged)] == [True, False, True]
    assert len(far.sent("authenticate")) == 2


async def test_silence_ends_the_connection_after_fifteen_seconds(autojump_clock, far, nursery):
    _, box, _ = await running(far, nursery)
    started = trio.current_time()
    await box.wait_for(LinkChanged, 2)
    assert 14 <= trio.current_time() - started <= 16
    assert len(far.sent("heartbeat")) >= 2
    assert any("within 15 s" in told.reason for told in box.of(MessageRefused))


async def test_heartbeats_keep_a_quiet_connection(autojump_clock, far, nursery):
    _, box, _ = await running(far, nursery)
    for _ in range(10):
        await trio.sleep(5)
        await far.tell(frame("heartbeat", server_utc_timestamp=far.now_us()))
    await trio.sleep(1)
    assert len(box.of(LinkChanged)) == 1
    assert len(far.sent("heartbeat")) >= 10


async def test_a_venue_that_speaks_only_while_we_are_silent_is_not_kept_silent(autojump_clock, far, nursery):
    _, box, _ = await running(far, nursery)
    beats, heard, since = 0, len(far.frames), trio.current_time()
    until = since + 60
    while trio.current_time() < until:
        await trio.sleep(0.1)
        if len(far.frames) != heard:
            heard, since = len(far.frames), trio.current_time()
        elif trio.current_time() - since >= 5:
            beats, since = beats + 1, trio.current_time()
            await far.tell(frame("heartbeat", server_utc_timestamp=far.now_us()))
    assert len(box.of(LinkChanged)) == 1
    assert beats >= 10


async def test_queries_give_facts_in_our_units(autojump_clock, far, nursery):
    venue, _, eth = await running(far, nursery)
    rfq = info("rfq", market_id="none")
    dead = info("dead", cancel_state="cancelled")
    far.answers["openOrders"] = 200, {"query_open_orders_response": {
        "utc_timestamp": "1760000030000000", "open_orders": [info("mm-1"), rfq, dead]}}  # fmt: skip
    (live,) = await venue.open_orders()
    assert (live.client_order_id, live.standing, live.lots, live.ticks, live.cum) == (
        "mm-1", Standing.LIVE, 250, 50000, 200,
    )  # fmt: skip
    assert live.average_ticks == Fraction(49990)
    assert await venue.order(order(eth, "mm-9")) is None

    def by_id(asked: Asked) -> Any:
        found = parse_qs(asked.query)
        known = {"query_order_response": info("mm-2", cancel_state="cancelled")}
        return 200, known if "order_id" in found else NOT_FOUND

    far.answers["order"] = by_id
    found = await venue.order(order(eth, "mm-2", venue_order_id="9300001"))
    assert found is not None
    assert (found.standing, found.cum, found.venue_order_id) == (Standing.CANCELED, 200, "9300001")
    assert await venue.holdings() == {"USD": Decimal("1000.5")}
    far.answers["positions"] = 200, {"positions_response": {"positions": [
        {"symbol": "ETH-USD", "side": "short", "size": "-1.2", "average_entry_price": "2500.25"},
        {"symbol": "X-1", "side": "long", "size": "1"},
    ]}}  # fmt: skip
    assert await venue.positions() == {ID: PositionFacts(lots=-1200, average=Decimal("2500.25"))}
    tokens = {asked.headers["credentials_secret"] for asked in far.asked if "credentials_secret" in asked.headers}
    assert len(tokens) == 1


async def test_executions_are_asked_for_over_the_socket(autojump_clock, far, nursery):
    venue, _, _ = await running(far, nursery)
    assert await venue.trades(START) == ()
    fill = json.loads(execution("mm-1", "t2", "0.1", symbol=""))["execution"]
    del fill["market_id"], fill["symbol"]
    stamps = {"server_utc_timestamp": "", "utc_timestamp": str((START + SECOND) // 1000)}
    early = {**fill, "trade_id": "t0", "utc_timestamp": str((START - SECOND) // 1000)}
    later = {**fill, **stamps, "trade_id": "t3", "utc_timestamp": str((START + 2 * SECOND) // 1000)}
    far.history = [later, {**fill, **stamps}, early]
    found = await venue.trades(START)
    assert [(one.trade_id, one.instrument, one.lots, one.liquidity) for one in found] == [
        ("t2", ID, 100, Liquidity.MAKER), ("t3", ID, 100, Liquidity.MAKER),
    ]  # fmt: skip
    assert far.sent("trade_history_request")[-1]["trade_time"] == str(START // 1000)
    far.mute.add("trade_history_request")
    with pytest.raises(QueryFailed, match="none in time"):
        await venue.trades(START)


async def test_an_execution_in_no_known_id_is_our_order_s_or_is_told_of_and_left_out(autojump_clock, far, nursery):
    venue, box, eth = await running(far, nursery)
    venue.submit(order(eth, "mm-1"))
    fill = json.loads(execution("mm-1", "t2", "0.1", symbol=""))["execution"]
    fill |= {"tradeable_entity_id": "88001", "utc_timestamp": str((START + SECOND) // 1000)}
    del fill["market_id"], fill["symbol"]
    far.history = [fill, {**fill, "client_order_id": "x-1", "order_id": "9300777", "trade_id": "t3"}]
    (found,) = await venue.trades(START)
    assert (found.client_order_id, found.instrument, found.trade_id) == ("mm-1", ID, "t2")
    (refused,) = await box.wait_for(MessageRefused)
    assert (refused.field, refused.reason) == ("trades", "trade t3: expected a known instrument")


async def test_answers_that_are_none_fail_and_say_why(autojump_clock, far, nursery):
    venue, _, eth = await running(far, nursery)
    for answer, expected in (
        ((503, b"<html>"), "503"),
        ((200, b"{"), "JSON"),
        ((200, {"query_open_orders_response": {"open_orders": [{"order_id": 5}]}}), "a text"),
        ((200, {"balance_response": []}), "BalancesStated"),
        ((401, {"error": {"error_code": "14", "message": "auth server rejected, Unauthorized"}}), "Unauthorized"),
    ):
        far.answers["openOrders"] = answer
        with pytest.raises(QueryFailed, match=expected):
            await venue.open_orders()
    far.answers["order"] = 200, {"query_order_response": {"error": "failed", "reason": "exchange is down"}}
    with pytest.raises(QueryFailed, match="exchange is down"):
        await venue.order(order(eth, "mm-1"))
    with pytest.raises(QueryFailed, match=r"XRP-USD\.POWERTRADE"):
        await venue.instruments(["XRP-USD.POWERTRADE"])


async def test_a_wrong_clock_of_ours_is_put_right_in_tokens(autojump_clock, far, nursery):
    far.ahead_ns = 3600 * SECOND
    await running(far, nursery)
    told = claims(far.sent("authenticate")[0]["credentials_secret"])
    assert abs(told["iat"] - (START // SECOND + 3595)) <= 1


async def test_an_order_without_an_answer_is_asked_for(autojump_clock, far, nursery):
    venue, box, eth = await running(far, nursery)
    venue.submit(order(eth, "mm-1"))
    for _ in range(2):
        await trio.sleep(3)
        await far.tell(frame("heartbeat", server_utc_timestamp=far.now_us()))
    (wanted,) = await box.wait_for(QueryWanted)
    assert wanted.client_order_id == "mm-1"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"settings": {"interval_ms": 150}}, "multiple of 100"),
        ({"settings": {"interval_ms": 0}}, "whole number"),
        ({"settings": {"book": "best"}}, "one of orders"),
        ({"settings": {"order_life_minutes": 10**9}}, "whole number"),
        ({"secrets": {"api_key": "k"}}, "private_key"),
        ({"secrets": {"api_key": "k", "private_key": "canary"}}, "P-256"),
        ({"url": "ws://proxy.ptlab.link"}, "TLS"),
        ({"url": "wss://evil.example"}, "expected one of"),
        ({"loopback": False}, "the venue's own host"),
    ],
)
async def test_choices_that_will_not_do_are_refused_before_anything_is_connected(far, said, expected):
    with pytest.raises(TickwrightError, match=expected) as caught:
        build(far, **said)
    assert "canary" not in str(caught.value)
    assert far.net.dials == []


async def test_a_book_that_rest_tells_otherwise_twice_is_read_anew(autojump_clock, far, nursery):
    levels = {"buy": [{"price": "2500.10", "quantity": "1.5"}], "sell": [{"price": "2500.90", "quantity": "0.7"}]}
    far.answers["orderbook"] = lambda asked: (
        200,
        {"orderbook_response": {"server_utc_timestamp": far.now_us(), "symbol": "ETH-USD", **levels}},
    )

    async def beat(times: int) -> None:
        for _ in range(times):
            await trio.sleep(5)
            await far.tell(frame("heartbeat", server_utc_timestamp=far.now_us()))

    _, box, _ = await running(far, nursery, settings={"audit_s": 10})
    await beat(7)
    asked = [each for each in far.asked if each.path.endswith("orderbook")]
    assert len(asked) == 3
    assert len(far.sockets) == 1
    levels["sell"] = [{"price": "2501.00", "quantity": "0.7"}]
    await beat(2)
    assert len(far.sockets) == 1
    await beat(3)
    assert len(far.sockets) == 2
    (lost,) = box.of(BookLost)
    assert "differs from the one of REST, first in the sell level of 50018 ticks" in lost.reason
