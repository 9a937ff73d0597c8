"""What a config says for paper and live: addresses, credentials, the keys of an adapter, what is required."""

import fcntl
import json

import pytest

from tickwright.cli import run
from tickwright.config import json_schema, load
from tickwright.document import ConfigError
from tickwright.engine.adapter import Adapter, Setting
from tickwright.kinds import Reading
from tickwright.risk_keys import REQUIRED, RISK_KEYS
from tickwright.state import StateFolder
from tickwright.venues import either, endpoint, is_loopback, kind_of

ID = "BTC/CHF.TDX"
UUID = "3d5a9f10-6c2e-4b7a-8f11-0a1b2c3d4e5f"
URL = "wss://api.t-dx.com/api/ws/v1/streams"
HERE = {"url": "wss://127.0.0.1:9001", "http_url": "https://127.0.0.1:9001"}
PLAIN = {"url": "ws://127.0.0.1:9001", "http_url": "http://127.0.0.1:9001"}

LIMITS = "".join(f"  {name}: 1\n" for name, known in RISK_KEYS.items() if known.live is REQUIRED)
TEXT = f"""name: quotes
mode: live
account:
  currency: CHF
  balances: {{CHF: "1000"}}
venues:
  tdx:
    adapter: tdx
    sub_account_id: {UUID}
    credentials:
      username: ${{env:TW_USER}}
      password: ${{env:TW_PASSWORD}}
instruments:
  {ID}: {{tick: "0.5", lot: "0.001", base: BTC, quote: CHF}}
strategies:
  maker:
    use: market_maker
    instruments: [{ID}]
    allow: [{ID}]
risk:
{LIMITS}"""


@pytest.fixture(autouse=True)
def _logins(monkeypatch):
    for name in ("TW_USER", "TW_PASSWORD", "TW_LOCAL"):
        monkeypatch.setenv(name, "canary")


@pytest.fixture
def changed(tmp_path):
    """The live config as a file in which some text was replaced."""

    def write(*pairs):
        text = TEXT
        for old, new in zip(pairs[::2], pairs[1::2], strict=True):
            assert old in text
            text = text.replace(old, new, 1)
        path = tmp_path / "live.yaml"
        path.write_text(text)
        return path

    return write


def config(mode="paper", **venue):
    return {
        "name": "quotes",
        "mode": mode,
        "account": {"currency": "CHF", "balances": {"CHF": 1000}},
        "venues": {"tdx": {"adapter": "tdx", **venue}},
        "strategies": {"maker": {"use": "market_maker", "instruments": [ID], "allow": [ID]}},
        "risk": {name: 1 for name, known in RISK_KEYS.items() if known.live is REQUIRED},
    }


def faults(given, *args, **kwargs):
    with pytest.raises(ConfigError) as caught:
        load(given, *args, **kwargs)
    return [str(fault) for fault in caught.value.faults]


def test_a_live_file_loads_with_the_adapter_s_addresses_and_defaults(changed):
    loaded = load(changed())
    where = loaded.endpoint("tdx")
    assert (where.url, where.loopback, where.insecure) == (URL, False, False)
    assert loaded.venues["tdx"].settings["order_entry"] == "websocket"
    assert loaded.secrets("tdx")["password"].reveal() == "canary"
    assert (loaded.on_stop, loaded.external_orders) == ("cancel", "adopt")
    shown = loaded.resolved()["venues"]["tdx"]
    assert shown["sub_account_id"] == UUID
    assert shown["speed"] == "100ms"
    assert shown["url"] == URL
    assert loaded.origin(["venues", "tdx", "url"]) == "default"
    assert loaded.origin(["venues", "tdx", "speed"]) == "default"
    assert loaded.origin(["venues", "tdx", "sub_account_id"]).endswith("live.yaml:9")
    assert load(json.loads(loaded.canonical())).canonical() == loaded.canonical()


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("adapter: tdx", "adapter: tdy", 8, "tdx), package.module:NAME or ./file.py:NAME, got 'tdy' ("),
        ("adapter: tdx", "adapter: sim", 9, "sub_account_id: expected a known key, got 'sub_account_id'"),
        (f"sub_account_id: {UUID}", "sub_acount_id: x", 9, "got 'sub_acount_id' (did you mean 'sub_account_id'?)"),
        (UUID, "mine", 9, "sub_account_id: expected the id of a sub-account (a UUID), got 'mine'"),
        (f"sub_account_id: {UUID}", "order_entry: ws", 9, "order_entry: expected websocket or rest, got 'ws'"),
        (f"sub_account_id: {UUID}", "speed: 100", 9, "speed: expected 100ms, 500ms, 1000ms, 5000ms or default, got"),
        (f"sub_account_id: {UUID}", "depth: 20", 9, "depth: expected full, 10, 50, 100 or 500, got '20'"),
        (f"sub_account_id: {UUID}", "gaps: strict", 7, "sub_account_id: expected the id of a sub-account (a UUID) (re"),
        ("      username: ${env:TW_USER}\n", "", 10, "credentials.username: expected ${env:NAME} or ${file:PATH} (re"),
        ("username: $", "user: $", 11, "credentials.user: expected a credential of tdx (username, password, totp_secr"),
        ("${env:TW_USER}", "${env:TW_NONE}", 11, "expected the environment variable TW_NONE to be set, got nothing"),
        ("mode: live", "mode: live\non_stop: flatten", 3, "on_stop: expected cancel or leave, got 'flatten'"),
        ("mode: live", "mode: live\nexternal_orders: no", 3, "external_orders: expected adopt, cancel or halt, got"),
        ("mode: live", "mode: live\ndata: {warmup: {BTC/CHF.TDX: gone}}", 3, "warmup.BTC/CHF.TDX: expected a file or"),
        ("mode: live", "mode: live\ndata: {warmup: {BTC/CHF.TDY: gone}}", 3, "got 'TDY' (did you mean 'TDX'?)"),
        ("CHF: \"1000\"}", "CHF: 1}\n  positions: {BTC/CHF.TDX: 0.0005}", 6, "expected a multiple of the lot 0.001"),
        ("CHF: \"1000\"}", "CHF: 1}\n  positions: {BTC/USD.TDY: 1}", 6, "expected a venue of the venues section in"),
        ("    allow: [BTC/CHF.TDX]\n", "", 16, "maker.allow: expected the list of what it may trade (required in li"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_live_file_is_told_with_its_line(changed, old, new, line, message):
    told = faults(changed(old, new))
    assert any(f"live.yaml:{line}: " in one and message in one for one in told), told


@pytest.mark.parametrize(
    ("venue", "message"),
    [
        ({"url": "wss://evil.example/ws"}, "url: expected a host of tdx (api.t-dx.com) or this machine, got 'evil"),
        ({"url": "wss://api.t-dx.com.evil.example/"}, "url: expected a host of tdx (api.t-dx.com) or this machine"),
        ({"url": "ws://api.t-dx.com/x"}, "url: expected wss:// to api.t-dx.com, got ws://"),
        ({"http_url": "http://api.t-dx.com/x"}, "http_url: expected https:// to api.t-dx.com, got http://"),
        ({"url": "wss://me:pw@api.t-dx.com/"}, "without user, query or fragment, got more (not shown)"),
        ({"url": "wss://api.t-dx.com/?key=1"}, "without user, query or fragment, got more (not shown)"),
        ({"url": "wss://api.t-dx.com:99999/"}, "url: expected wss://HOST/PATH, got 'wss://api.t-dx.com:99999/'"),
        ({"url": "wss://[::1/"}, "url: expected wss://HOST/PATH, got 'wss://[::1/'"),
        ({"url": "https://api.t-dx.com/"}, "url: expected wss://HOST/PATH, got 'https://api.t-dx.com/'"),
        ({"url": HERE["url"]}, "url: expected url and http_url both of this machine or both of the venue, got 127.0.0"),
        ({"http_url": HERE["http_url"]}, "http_url: expected url and http_url both of this machine or both of the v"),
        (PLAIN, "url: expected wss://, got ws:// (allow_insecure_loopback: true allows it to this machine)"),
        ({"local": True, "url": URL}, "url: expected none beside local, which makes its own, got"),
        ({"local": "yes"}, "local: expected true, or a mapping with seed, pairs or faults, got 'yes'"),
        ({"local": {"pears": []}}, "local: pears: expected a known key, got 'pears' (did you mean 'pairs'?)"),
        ({"local": {"pairs": ["ETH/CHF"]}}, "pairs: expected BTC/CHF among them, since maker trades it, got none"),
        ({"local": {"faults": "gone.yaml"}}, "faults: expected a file, got none at 'gone.yaml'"),
    ],
)  # fmt: skip
def test_an_address_may_only_be_the_venue_s_or_this_machine_s(venue, message):
    told = " ".join(faults(config(**venue)))
    assert message.replace("local: pears", "local.pears") in told
    assert "me:pw" not in told


def test_a_local_venue_needs_no_secret_and_has_none(changed):
    loaded = load(config("live", local=True))
    assert loaded.endpoint("tdx") is None
    assert loaded.secrets("tdx") == {}
    assert loaded.venues["tdx"].local.seed == 0
    assert load(config(local={"seed": 7, "pairs": ["BTC/CHF"]})).venues["tdx"].local.pairs == ("BTC/CHF",)
    assert load(config("paper", local=False)).endpoint("tdx").url == URL
    told = faults(changed("adapter: tdx", "adapter: tdx\n    local: true"))
    assert told[0].endswith("venues.tdx.credentials: expected none beside local, which makes its own, got credentials")


PACKAGE = "BTC-20301227-60000C@1/BTC-20301227-60000P@1"


def two_venues(mode, **local):
    """A config that trades at two venues, both of them served for the run unless something else is said."""
    raw = config(mode, local=True)
    raw["venues"]["powertrade"] = {"adapter": "powertrade"} | ({"local": True} | local)
    raw["strategies"]["other"] = {
        "use": "market_maker", "instruments": ["BTC-USD.POWERTRADE"], "allow": ["BTC-USD.POWERTRADE"]
    }  # fmt: skip
    raw["account"]["rates"] = {"USD/CHF": "0.9"}
    return raw


def test_a_live_run_has_no_venue_that_is_served_for_it_beside_a_real_one(monkeypatch):
    monkeypatch.setenv("TW_KEY", "canary")
    key = {"api_key": "${env:TW_KEY}", "private_key": "${env:TW_KEY}"}
    assert load(two_venues("live")).mode == "live"
    assert load(two_venues("paper", local=False)).mode == "paper"
    (told,) = faults(two_venues("live", local=False, credentials=key))
    expected = "expected no venue served for a live run beside the real powertrade, got one"
    assert told == f"config: venues.tdx.local: {expected}"


def test_the_legs_of_a_package_must_be_among_what_a_local_venue_lists():
    raw = two_venues("paper", local={"pairs": PACKAGE.replace("@1", "").split("/")})
    raw["strategies"]["other"] |= {"instruments": [f"{PACKAGE}.POWERTRADE"], "allow": [f"{PACKAGE}.POWERTRADE"]}
    load(raw)
    raw["venues"]["powertrade"]["local"]["pairs"] = ["BTC-20301227-60000C"]
    (told,) = faults(raw)
    assert told.endswith("expected BTC-20301227-60000P among them, since other trades it, got none")


def test_secrets_of_the_venue_never_go_to_this_machine_nor_the_reverse():
    real, own = {"username": "${env:TW_USER}"}, {"username": "${env:TW_LOCAL}", "password": "${env:TW_LOCAL}"}
    told = faults(config("live", credentials=real, allow_insecure_loopback=True, **PLAIN))
    assert "config: venues.tdx.credentials: expected local_credentials for an address of this machine, got" in told[0]
    assert any("venues.tdx.local_credentials.username: expected ${env:NAME}" in one for one in told)
    told = faults(config("live", local_credentials=own))
    assert "config: venues.tdx.local_credentials: expected credentials for api.t-dx.com, got local_credentials" in told
    here = config("live", local_credentials=own, allow_insecure_loopback=True, sub_account_id=UUID, **PLAIN)
    loaded = load(here)
    assert set(loaded.secrets("tdx")) == {"username", "password"}
    assert (loaded.endpoint("tdx").loopback, loaded.endpoint("tdx").insecure) == (True, True)


def test_one_secret_is_not_used_in_both_places():
    given = config("live", credentials=dict.fromkeys(("username", "password"), "${env:TW_USER}"), sub_account_id=UUID)
    given["venues"]["near"] = {"adapter": "tdx", "local_credentials": {"username": "${env:TW_USER}"}, **HERE}
    (told,) = [one for one in faults(given) if "secret of its own" in one]
    assert "venues.near.local_credentials.username: expected a secret of its own, got the one of venues.tdx.c" in told


def test_an_override_cannot_send_credentials_elsewhere(changed):
    told = faults(changed(), ["venues.tdx.url=wss://127.0.0.1:1", "venues.tdx.http_url=https://127.0.0.1:1"])
    wanted = "credentials: expected local_credentials for an address of this machine, got credentials"
    assert any(one.endswith(wanted) for one in told)


def test_paper_reads_no_secret_and_needs_a_market(changed, monkeypatch):
    monkeypatch.delenv("TW_USER")
    assert load(changed(), mode="paper").mode == "paper"
    sim = config(adapter="sim")
    assert "venues.tdx.adapter: expected an adapter with a live market in paper, got sim" in faults(sim)[0]
    without = config()
    del without["account"]["balances"]
    assert "account.balances: expected what a paper starts with, got nothing" in " ".join(faults(without))


def test_positions_are_for_paper_alone():
    given = config()
    given["account"]["positions"] = {ID: "0.5"}
    assert str(load(given).account.positions[ID]) == "0.5"
    given["instruments"] = {ID: {"tick": "0.5", "lot": "0.001", "base": "BTC", "quote": "CHF"}}
    told = faults(given, mode="backtest")
    assert "positions.BTC/CHF.TDX: expected no positions in a backtest, got one" in " ".join(told)


def test_the_schema_has_every_key_of_every_adapter():
    venue = json_schema()["properties"]["venues"]["additionalProperties"]
    assert {"url", "http_url", "local", "local_credentials", "order_entry", "sub_account_id"} <= set(
        venue["properties"]
    )
    assert venue["properties"]["order_entry"]["enum"] == ["websocket", "rest"]
    assert venue["properties"]["order_entry"]["description"].endswith("(tdx)")


@pytest.mark.parametrize(
    ("setting", "text", "value"),
    [
        (Setting(name="x", about="", kind="truth"), "true", True),
        (Setting(name="x", about="", kind="count"), "3", 3),
        (Setting(name="x", about="", kind="count", expected="a number of tries"), "-3", "expected a number of tries"),
        (Setting(name="x", about="", kind="duration"), "2s", 2_000_000_000),
        (Setting(name="x", about="", kind="decimal"), "-0.5", -0.5),
        (Setting(name="x", about="", pattern="[a-z]+", expected="small letters"), "A", "expected small letters"),
    ],
)
def test_every_kind_of_setting_is_read(setting, text, value):
    from tickwright.document import Place, Scalar

    reading = Reading()
    got = kind_of(setting).read(Scalar(Place("f", 1, ("x",)), text), reading)
    assert (value in str(reading.faults[0])) if isinstance(value, str) else got == value


def test_two_adapters_may_have_one_key():
    one = {"enum": ["a"], "description": "A (one)"}
    assert either(one, {"enum": ["a"], "description": "B (two)"}) == one
    both = either(one, {"type": "string", "description": "B (two)"})
    assert both == {"anyOf": [{"enum": ["a"]}, {"type": "string"}], "description": "A (one) B (two)"}


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_this_machine_is_known_by_its_names(host):
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "10.0.0.1", "localhost.evil.example", "api.t-dx.com", "", "127.0.0.1.x"])
def test_no_other_machine_is_taken_for_this_one(host):
    assert not is_loopback(host)


def test_a_simulated_venue_has_no_address():
    assert endpoint(load(config(adapter="tdx", local=True)).venues["tdx"]) is None
    assert Adapter(name="x").url == ""


@pytest.mark.parametrize(
    ("keys", "rate"),
    [("", 10), ("\n    order_entry: rest", 5), ("\n    messages_per_s: 15", 15), ("\n    messages_per_s: 50", None)],
)
def test_the_gate_lets_no_more_messages_out_than_the_wire(changed, keys, rate):
    scope = load(changed(f"sub_account_id: {UUID}", f"sub_account_id: {UUID}{keys}")).risk_scopes().get("venue:tdx", {})
    assert scope.get("max_messages_per_s") == rate


@pytest.mark.parametrize("words", [("live", "--confirm", "quotes"), ("run", "--confirm", "quotes"), ("paper",)])
def test_a_second_instance_ends_at_once_before_anything_is_asked_or_built(changed, capsys, words):
    path = changed()
    verb, *more = words
    folder = StateFolder.make(load(path).state_folder).path
    with (folder / "journal.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write("4711\n")
        lock.flush()
        assert run([verb, str(path), *more]) == 5
    assert capsys.readouterr().err == (
        f"tickwright: {folder}: expected to be alone, found process 4711 running with this folder\n"
    )
