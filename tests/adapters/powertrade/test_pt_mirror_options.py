"""What can be chosen about the local PowerTrade: instruments, keys, switches, faults; and what no bytes can break."""

import json
import stat
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest
import trio
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pt_rig import call, connected, jwt, local_venue, order

from tickwright.adapters.fault_script import parse_script
from tickwright.adapters.powertrade.mirror import ACTIONS, OptionError, Options, Venue, serve, switched, virtual_wall
from tickwright.adapters.powertrade.mirror.keys import new_accounts
from tickwright.adapters.powertrade.mirror.listing import black_76, listed_by_default
from tickwright.engine.times import SECOND

ROW = {
    "symbol": "DOGE-USD",
    "tradeable_entity_id": "70",
    "status": "active",
    "base_asset": "DOGE",
    "quote_asset": "USD",
    "minimum_quantity": "1.0",
    "maximum_quantity": "1000000.0",
    "minimum_value": "0.01",
    "maximum_value": "100000.0",
    "quantity_step": "1.0",
    "price_step": "0.0001",
    "tags": ["spot"],
}


DAY_2027 = 1_800_000_000 * SECOND


@pytest.mark.parametrize(
    ("symbol", "entity_id", "start"),
    [
        ("BTC-20301227", 105, "60000.0"),
        ("BTC-20301227-60000C", 1041, None),
        ("ETH-20301227-3000P", 1041, None),
        ("BTC-USD", 4, "60000"),
    ],
)
def test_what_ends_on_another_day_to_come_is_listed_when_it_is_asked_for(symbol, entity_id, start):
    (listed,) = listed_by_default(DAY_2027, [symbol])
    assert (listed.symbol, listed.entity_id) == (symbol, entity_id)
    if start is None:
        asset, _, strike = symbol.split("-")
        years = (listed.ends - DAY_2027) / (365 * 86_400 * SECOND)
        future = {"BTC": 60_000.0, "ETH": 2_500.0}[asset]
        worth = black_76(future, float(strike[:-1]), years, 0.6, call=strike.endswith("C"))
        assert float(listed.instrument.price(listed.start_ticks)) == pytest.approx(worth, abs=1.0)
    else:
        assert listed.instrument.price(listed.start_ticks) == Decimal(start)


def test_legs_that_are_asked_for_have_rising_ids_in_the_order_given():
    names = ["BTC-20301227-60000P", "BTC-20301227", "BTC-20301227-60000C"]
    listed = {each.symbol: each.entity_id for each in listed_by_default(DAY_2027, names)}
    assert listed[names[0]] < listed[names[2]]
    assert len(set(listed.values())) == 3


@pytest.mark.parametrize(
    "symbol", ["BTC-20201225", "BTC-20301327", "SOL-20301227", "BTC-20301227-0C", "BTC-20301227-60000X", "DOGE-USD"]
)
def test_what_has_ended_or_is_no_such_thing_is_not_listed(symbol):
    with pytest.raises(OptionError, match=f"pairs: expected symbols that are listed, received {symbol}"):
        listed_by_default(DAY_2027, ["BTC-USD", symbol])


async def test_instruments_come_from_a_file_as_the_venue_lists_them(autojump_clock, nursery, tmp_path):
    file = tmp_path / "listed.json"
    file.write_text(json.dumps({"entities_and_rules_response": {"symbols": [ROW | {"start_price": "0.1"}]}}))
    async with local_venue(market="random", instruments=str(file)) as venue:
        client = await connected(nursery, venue)
        _, body = await client.ask("entities_and_rules_request")
        assert body["symbols"] == [ROW]
        assert call(venue, "GET", "/orderbook?symbol=DOGE-USD&depth=1")[1]["orderbook_response"]["buy"]
        assert (await client.ask("new_order", **order()))[1]["reason"] == "invalid_tradeable_entity"


@pytest.mark.parametrize("text", ["", "3", "[3]", '[{"symbol": "X-USD"}]', json.dumps([ROW | {"price_step": "x"}])])
async def test_a_file_of_something_else_is_refused(tmp_path, text):
    file = tmp_path / "listed.json"
    file.write_text(text)
    with pytest.raises(OptionError):
        async with serve(Options(instruments=str(file)), port=None):
            pass


async def test_fixed_keys_come_from_files(autojump_clock, nursery, tmp_path):
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "key.pem").write_bytes(pem)
    file = tmp_path / "keys.json"
    file.write_text(json.dumps({"api_key": "mine", "private_key_file": "key.pem"}))
    async with local_venue(credentials=str(file)) as venue:
        told = venue.announcement()
        assert (told["api_key"], Path(told["private_key_file"])) == ("mine", tmp_path / "key.pem")
        await connected(nursery, venue)
    assert (tmp_path / "key.pem").read_bytes() == pem
    (tmp_path / "key.pem").write_text("nonsense")
    with pytest.raises(OptionError) as caught:
        async with serve(Options(credentials=str(file)), port=None):
            pass
    assert "nonsense" not in str(caught.value)


async def test_keys_of_a_run_lie_in_files_that_nobody_else_reads_and_go_with_it():
    async with serve(Options(market="none", accounts=2), port=None, wall=virtual_wall()) as venue:
        told = venue.announcement()
        assert set(told) == {"ws_url", "http_url", "api_key", "private_key_file", "accounts"}
        paths = [Path(each["private_key_file"]) for each in told["accounts"]]
        assert [stat.S_IMODE(path.stat().st_mode) for path in paths] == [0o600, 0o600]
        assert "EC PRIVATE KEY" in paths[0].read_text()
        assert paths[0].read_text() != paths[1].read_text()
    assert not any(path.exists() for path in paths)


def test_no_secret_shows_where_an_account_is_shown():
    account = new_accounts(1, Random(1))[0]
    assert str(account.key) not in repr(account)
    assert "PRIVATE" not in repr(account)


def test_switches_are_read_as_they_are_typed():
    found = switched({"strict_tokens": "true", "idle_disconnect_s": "60"})
    assert found == {"strict_tokens": True, "idle_disconnect_s": 60}
    for texts in ({"nothing": "1"}, {"rfqs": "yes"}, {"idle_disconnect_s": "soon"}):
        with pytest.raises(OptionError):
            switched(texts)


@pytest.mark.parametrize("chosen", [{"market": "tape"}, {"tape": "x"}, {"accounts": 0}, {"rate": 0.0}])
def test_what_cannot_be_is_refused(chosen):
    with pytest.raises(OptionError):
        Options(**chosen)


async def test_a_script_with_an_action_of_another_venue_is_refused():
    script = parse_script("faults: [{fault: act, action: overlap_update}]")
    with pytest.raises(OptionError, match="unknown_order"):
        async with serve(Options(), port=None, faults=script):
            pass


async def test_whoever_says_nothing_for_too_long_is_let_go_where_that_is_wanted(autojump_clock, nursery):
    async with local_venue(idle_disconnect_s=60) as venue:
        client = await connected(nursery, venue)
        begin = trio.current_time()
        assert [name for name, _ in await client.hush_to_the_end()] == ["heartbeat"] * 11
        assert 59 <= trio.current_time() - begin <= 61


@pytest.mark.parametrize("action", sorted(set(ACTIONS) - {"flood", "quiet", "empty_book", "unsolicited_cancel"}))
async def test_a_book_can_be_made_to_contradict_itself(autojump_clock, nursery, action):
    async with local_venue(f"fault: act, action: {action}, after: 10s", market="random", pairs=("SOL-USD",)) as venue:
        client = await connected(nursery, venue, private=False)
        await client.send("subscribe", market_id="0", symbol="SOL-USD", type="snap_full_updates", interval="0")
        told = await client.hush(12)
        names = [name for name, _ in told]
        if action == "snapshot":
            assert names.count("snapshot") == 2
        else:
            name = {"cross_book": "order_added", "unknown_order": "order_deleted"}[action]
            assert [said for said, body in told if body.get("order_id") == "1"] == [name]


async def test_a_venue_without_memory_forgets_orders_and_holdings(autojump_clock, nursery):
    async with local_venue("fault: restart, memory: false, after: 10s, down: 3s") as venue:
        client = await connected(nursery, venue)
        await client.placed()
        await trio.sleep(11)
        assert venue.down
        await trio.sleep(3)
        assert not venue.down
        assert venue.exchange.open_orders() == []
        assert venue.record.frames("cA1NP44bPggQuhuvxXqR_") == 1
        assert (await (await connected(nursery, venue)).placed())["reason"] == "success"


async def test_options_settle_at_what_their_underlying_is_worth(autojump_clock, nursery):
    async with local_venue(accounts=2) as venue:
        seller, buyer = await connected(nursery, venue, 0), await connected(nursery, venue, 1)
        call_48 = next(each for each in venue.exchange.listed.values() if each.symbol.endswith("-48000C"))
        for number, (side, client) in enumerate((("sell", seller), ("buy", buyer))):
            await client.place(symbol=call_48.symbol, side=side, price="10000", client_order_id=f"o{number}")
        await buyer.until("execution")
        before = buyer.rest("GET", "/balances")[1]["balance_response"][0]["cash_balance"]
        venue.exchange.expire(call_48.ends)
        after = buyer.rest("GET", "/balances")[1]["balance_response"][0]["cash_balance"]
        assert float(after) - float(before) == pytest.approx(60000 - 48000 - 10000)
        assert buyer.rest("GET", "/positions")[1]["positions_response"]["positions"] == []


NAMES = (
    "authenticate",
    "subscribe",
    "unsubscribe",
    "register_for_rfqs",
    "new_order",
    "new_bulk_order",
    "cancel_order",
    "cancel_all_orders",
    "refresh_interest",
    "trade_history_request",
    "positions",
    "heartbeat",
    "nothing",
)
TEXTS = st.sampled_from(
    ["", "0", "1", "-1", "none", "BTC-USD", "buy", "LIMIT", "GTC", "t", "9" * 40, "é", "\x00", "1.5"]
)
VALUES = st.recursive(
    st.one_of(TEXTS, st.none(), st.integers(), st.booleans(), st.text(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=6), inner, max_size=3)),
    max_leaves=5,
)
KEYS = st.sampled_from(
    [
        "user_tag",
        "symbol",
        "tradeable_entity_id",
        "type",
        "interval",
        "market_id",
        "side",
        "quantity",
        "price",
        "legs",
        "client_order_id",
        "order_id",
        "recv_window",
        "time_in_force",
        "orders",
        "trade_count",
        "credentials_secret",
    ]
)
VENUE = Venue(
    Options(market="none"),
    listed_by_default(10**18),
    new_accounts(1, Random(3)),
    lambda: 10**18,
    parse_script("faults: []"),
)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(NAMES), st.dictionaries(KEYS, VALUES, max_size=9), st.booleans())
def test_whatever_is_said_gets_texts_in_answer(name, body, whole):
    said = []
    client = VENUE.guest(lambda text, kind: said.append(json.loads(text)))
    client.account = VENUE.accounts[0]
    known = {"user_tag": "t", **(order() | {"client_order_id": str(len(VENUE.received))} if whole else {})}
    client.receive(json.dumps({name: {**known, **body}}))
    if name != "heartbeat" and not (name == "new_order" and whole):
        assert said or name == "cancel_order"
    for message in said:
        assert len(message) == 1
        _only_texts(message)
    client.close()


def _only_texts(value):
    if isinstance(value, dict):
        for inner in value.values():
            _only_texts(inner)
    elif isinstance(value, list):
        for inner in value:
            _only_texts(inner)
    else:
        assert isinstance(value, str)


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(["GET", "POST", "DELETE", "PUT"]),
    st.sampled_from(
        ["/order", "/allOrders", "/openOrders", "/orderbook", "/deliverableInfo", "/refreshInterest", "/x"]
    ),
    st.sampled_from(["", "?symbol=BTC-USD", "?order_id=x", "?order_id=" + "9" * 40, "?depth=-1", "?a" * 3, "?%ff"]),
    st.one_of(st.binary(max_size=20), VALUES.map(lambda value: json.dumps(value).encode())),
)
def test_whatever_is_asked_over_http_is_answered(method, path, query, body):
    from tickwright.adapters.local.house import HttpRequest

    headers = {"credentials_secret": jwt(VENUE)}
    answer = VENUE.answer(HttpRequest(method=method, target=f"/v1/api{path}{query}", headers=headers, body=body))
    assert answer.status in (200, 400, 404)
    _only_texts(json.loads(answer.body))
