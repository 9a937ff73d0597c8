"""The config as a whole: the demo, every kind of fault with its line, overrides, origins, the hash."""

import json
from decimal import Decimal
from pathlib import Path

import pytest
from attrs import evolve

import tickwright
from tickwright.config import Config, json_schema, load, written
from tickwright.document import ConfigError, read_file
from tickwright.engine.instrument import Kind
from tickwright.latency import Delay
from tickwright.risk_keys import REQUIRED, RISK_KEYS
from tickwright.sites import completed

ROOT = Path(tickwright.__file__).resolve().parent.parent
DEMO = ROOT / "configs" / "demo.yaml"
ID = "BTCUSDT.BINANCE"


@pytest.fixture
def demo(tmp_path):
    """The demo's text as a file that a test may change: ``demo(old, new, ...)`` gives its path."""

    def changed(*pairs):
        text = DEMO.read_text()
        for old, new in zip(pairs[::2], pairs[1::2], strict=True):
            assert old in text
            text = text.replace(old, new, 1)
        path = tmp_path / "demo.yaml"
        path.write_text(text)
        return path

    return changed


def line_of(path, start):
    lines = path.read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if line.strip().startswith(start))


def faults(*args, **kwargs):
    with pytest.raises(ConfigError) as caught:
        load(*args, **kwargs)
    return [str(fault) for fault in caught.value.faults]


def minimal(**changes):
    """The smallest backtest, as a mapping."""
    return {
        "name": "small",
        "mode": "backtest",
        "account": {"currency": "USDT", "balances": {"USDT": 1000}},
        "venues": {"binance": {"adapter": "sim"}},
        "instruments": {ID: {"tick": 0.01, "lot": Decimal("0.00001"), "base": "BTC", "quote": "USDT"}},
        "data": {"tapes": {ID: "package:demo"}},
        "strategies": {"one": {"use": "market_maker", "instruments": [ID]}},
    } | changes


def test_the_demo_loads_into_exact_values():
    config = load(DEMO)
    assert (config.name, config.mode) == ("demo", "backtest")
    assert config.account.balances == {"USDT": Decimal(100000), "BTC": Decimal(1)}
    assert config.simulator.latency.order == config.simulator.latency.report == Delay(median=5_000_000)
    assert config.simulator.latency.feed == Delay(median=0)
    assert config.risk["max_order_qty"] == Decimal(1)
    assert config.authority() == {"maker": (ID,)}
    instrument = config.instrument(ID)
    assert (instrument.tick_size, instrument.kind, instrument.taker_fee) == (
        Decimal("0.01"),
        Kind.SPOT,
        Decimal("0.0005"),
    )


def test_the_demo_is_block_style_with_the_documented_keys_on_their_own_lines():
    text = DEMO.read_text()
    for key in ("name:", "mode:", "    use:", "  max_order_qty:"):
        assert sum(line.startswith(key) for line in text.splitlines()) == 1
    assert "{" not in "".join(line.partition("#")[0] for line in text.splitlines())


@pytest.mark.parametrize(
    ("old", "new", "start", "message"),
    [
        ('max_order_qty: "1"', "max_order_qty: abc", "max_order_qty", "expected a positive decimal, got 'abc'"),
        ('max_order_qty: "1"', "max_order_qty: -1", "max_order_qty", "expected a positive decimal, got '-1'"),
        ('max_order_qty: "1"', "max_order_qty: [1]", "max_order_qty", "expected a positive decimal, got a list"),
        ('max_order_qty: "1"', "max_order_qty:", "max_order_qty", "got nothing (write none for no limit)"),
        ("orders_burst: 40", "orders_burst: 1.5", "orders_burst", "expected a positive integer, got '1.5'"),
        ("max_position: ", "max_postion: ", "max_postion", "got 'max_postion' (did you mean 'max_position'?)"),
        ("seed: 7", "sede: 7", "sede", "expected a known key, got 'sede' (did you mean 'seed'?)"),
        ("seed: 7", "seed: 012", "seed", "expected an integer of at least 0, got '012' (no leading zeros)"),
        ("seed: 7", "seed: 1_000", "seed", "got '1_000' (no underscores)"),
        ("seed: 7", "seed: 0x1F", "seed", "got '0x1F' (YAML versions differ on what it is)"),
        ("seed: 7", "seed: 12:30:45", "seed", "got '12:30:45' (YAML versions differ on what it is)"),
        ("latency: 5ms", "latency: 5", "latency", "got '5' (add a unit: ns, us, ms, s, m, h, d)"),
        ("queue: back", "queue: bakc", "queue", "got 'bakc' (did you mean 'back'?)"),
        ("name: demo", "name: no", "name", "got 'no' (quote it)"),
        ("name: demo", "name: 2024-01-01", "name", "got '2024-01-01' (quote it)"),
        ("name: demo", "name: 'a/b'", "name", "expected a name of letters, digits, _ and - (at most 64), got 'a/b'"),
        ("mode: backtest ", "mode: on ", "mode", "expected backtest, paper or live, got 'on'"),
        ("on_error: cancel_and_halt", "on_error: ignore", "on_error", "expected halt_strategy, cancel_and_halt or"),
        ("kind: spot", "kind: future", "kind", "expected spot, linear or inverse, got 'future'"),
        ("- BTCUSDT.BINANCE", "- BTCUSD.BINANCE", "- BTCUSD", "(did you mean 'BTCUSDT.BINANCE'?)"),
        ("- BTCUSDT.BINANCE", "- BTCUSDT.BINANC", "- BTCUSDT", "got 'BINANC' (did you mean 'BINANCE'?)"),
        ("- BTCUSDT.BINANCE", "- BTCUSDT", "- BTCUSDT", "expected an instrument id such as BTCUSDT.BINANCE"),
        (
            "package:demo",
            "gone.parquet",
            "BTCUSDT.BINANCE: gone",
            "expected a file or folder, got none at 'gone.parquet'",
        ),
        ("# start: 2024-08-08T23:55:00Z", "start: 2024-08-09", "start", "expected a UTC time such as"),
        ("currency: USDT", "currency: EUR", "max_daily_loss", "expected a rate USDT/EUR in account.rates"),
        (
            "adapter: sim",
            "adapter: sim\n    credentials: {key: hunter2}",
            "credentials",
            "got something else (not shown)",
        ),
        (
            'params:                    # the fields of the strategy\'s class\n      size: "0.01"',
            "params: 1",
            "params",
            "a mapping of parameters, got '1'",
        ),
    ],
)
def test_a_fault_names_file_line_path_what_was_expected_and_what_was_found(demo, old, new, start, message):
    path = demo(old, new)
    found = faults(path)
    assert any(line.startswith(f"{path}:{line_of(path, start)}: ") and message in line for line in found), found


def test_the_documented_message_is_exact(demo):
    path = demo('max_order_qty: "1"', "max_order_qty: abc")
    line = line_of(path, "max_order_qty")
    assert faults(path) == [f"{path}:{line}: risk.max_order_qty: expected a positive decimal, got 'abc'"]


def test_all_faults_are_told_at_once_in_the_order_of_the_file(demo):
    path = demo(
        "seed: 7", "seed: x", "mode: backtest", "mode: x", 'max_position: "5"', "max_position: x", "- BTCUSDT", "- X"
    )
    paths = [line.split(": ")[1] for line in faults(path)]
    assert paths == ["mode", "simulator.seed", "strategies.maker.instruments.0", "risk.max_position"]


def test_a_missing_key_is_named_with_what_it_should_be():
    broken = minimal()
    del broken["venues"], broken["account"]["currency"]
    assert faults(broken) == [
        "config: account.currency: expected a currency such as USDT, got nothing",
        "config: venues: expected a mapping from a venue name in small letters such as binance to a mapping with"
        " adapter, got nothing",
    ]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data": None}, "config: data: expected a mapping, got nothing"),
        ({"data": {"tapes": {}}}, "config: data.tapes: expected the recorded data of a backtest, got nothing"),
        (
            {"account": {"currency": "USDT"}},
            "config: account.balances: expected what a backtest starts with, got nothing",
        ),
        (
            {"data": {"tapes": {"ETHUSDT.BINANCE": "package:demo"}}},
            "config: strategies.one.instruments: expected a tape for each instrument, got none for 'BTCUSDT.BINANCE'",
        ),
        (
            {"data": {"tapes": {ID: "package:demo"}, "start": "2024-08-10T00:00:00Z", "end": "2024-08-10T00:00:00Z"}},
            "config: data.end: expected a time after data.start, got one at or before it",
        ),
        (
            {"risk": {"venues": {"binanc": {}}}},
            "config: risk.venues.binanc: expected a venue of the venues section, got 'binanc'"
            " (did you mean 'binance'?)",
        ),
        (
            {"risk": {"restricted": ["ETH"]}},
            "config: risk.restricted.0: expected an instrument id or a venue name, got 'ETH'",
        ),
        (
            {"risk": {"sessions": ["16:00-08:00"]}},
            "config: risk.sessions.0: expected hours of the UTC day such as 08:00-16:30, the start before the end, "
            "at most 24:00, got '16:00-08:00'",
        ),
    ],
)
def test_sections_must_fit_together(changes, message):
    assert message in faults(minimal(**changes))


def test_a_float_in_a_mapping_is_read_by_its_repr_and_nan_is_no_number():
    assert load(minimal()).instruments[ID].tick == Decimal("0.01")
    assert faults(minimal(risk={"max_position": float("nan")})) == [
        "config: risk.max_position: expected a positive decimal, got 'nan'"
    ]


def test_scalars_that_yaml_versions_read_differently_are_allowed_as_quoted_text(demo):
    assert load(demo("name: demo", 'name: "no"')).name == "no"


def test_a_million_is_one_number_however_it_is_written(demo):
    one = load(demo('max_order_notional: "100000"', "max_order_notional: 1e5"))
    assert one.risk["max_order_notional"] == 100_000
    assert one.hash8 == load(DEMO).hash8


def test_limits_have_scopes_and_defaults():
    scoped = {
        "max_position": "5",
        "venues": {"binance": {"max_open_orders_venue": 3}},
        "instruments": {ID: {"collar_bps": 7}},
    }
    strategy = {"use": "x", "instruments": [ID], "risk": {"max_strategy_position": "none"}}
    scopes = load(minimal(risk=scoped, strategies={"one": strategy})).risk_scopes()
    assert set(scopes) == {"global", "venue:binance", f"instrument:{ID}", "strategy:one"}
    assert scopes["venue:binance"] == {"max_open_orders_venue": 3}
    assert scopes[f"instrument:{ID}"] == {"collar_bps": 7}
    assert scopes["strategy:one"] == {"max_strategy_position": None}
    everywhere = scopes["global"]
    assert set(everywhere) == set(RISK_KEYS)
    assert everywhere["max_position"] == 5
    assert everywhere["max_order_qty"] == 10**9
    assert (
        everywhere["max_net_notional"] == everywhere["max_open_notional"] == everywhere["max_gross_notional"] == 10**7
    )
    assert everywhere["max_daily_loss"] is everywhere["max_drawdown"] is everywhere["max_data_age_ms"] is None


def test_a_default_that_follows_another_key_takes_what_was_stated():
    everywhere = load(minimal(risk={"max_daily_loss": 10, "max_gross_notional": "none"})).risk_scopes()["global"]
    assert everywhere["max_drawdown"] == 10
    assert everywhere["max_net_notional"] is None


def test_live_refuses_to_start_without_each_required_limit(demo):
    required = [name for name, known in RISK_KEYS.items() if known.live is REQUIRED]
    assert len(required) == 8
    path = demo(
        *("mode: backtest", "mode: live", "adapter: sim", "adapter: tdx\n    local: true"),
        *("  max_order_qty", "  # max_order_qty", "max_daily_loss", "max_drawdown"),
    )
    told = [line.split(": ")[1] for line in faults(path)]
    stated = {"max_order_notional", "max_position"}
    assert sorted(told) == sorted([f"risk.{name}" for name in set(required) - stated] + ["strategies.maker.allow"])
    limits = "risk:\n" + "".join(f"  {name}: 1\n" for name in set(required) - stated)
    assert (
        load(
            demo(
                "mode: backtest",
                "mode: live",
                "adapter: sim",
                "adapter: tdx\n    local: true",
                "  max_order_qty",
                "  # ",
                "  max_daily_loss",
                "  # ",
                "risk:",
                limits,
                "    on_error",
                f"    allow: [{ID}]\n    on_error",
            )
        ).mode
        == "live"
    )


def test_a_required_limit_may_be_stated_where_it_applies(demo):
    path = demo("mode: backtest", "mode: live", '  max_position: "5"', f"  instruments: {{{ID}: {{max_position: 5}}}}")
    assert not any("max_position" in line for line in faults(path))


def test_an_override_takes_the_place_of_a_value_and_is_its_origin(demo):
    path = demo()
    config = load(
        path, ["risk.max_order_qty=0.5", f"risk.instruments.{ID}.max_order_qty=0.25", "simulator.queue=optimistic"]
    )
    assert config.risk["max_order_qty"] == Decimal("0.5")
    assert config.risk["instruments"] == {ID: {"max_order_qty": Decimal("0.25")}}
    assert config.simulator.queue == "optimistic"
    assert config.origin(["risk", "max_order_qty"]) == "--set"
    assert config.origin(["risk", "max_position"]) == f"{path}:{line_of(path, 'max_position')}"
    assert config.origin(["risk", "max_open_orders"]) == config.origin(["journal", "durability"]) == "default"
    assert config.hash8 != load(path).hash8


def test_an_override_may_be_a_list_or_a_mapping_and_reach_params(demo):
    config = load(
        demo(),
        ["simulator.latency={median: 2ms, sigma: 0.5}", "strategies.maker.params.size=2", "risk.restricted=[binance]"],
    )
    assert config.simulator.latency.order == Delay(median=2_000_000, sigma=Decimal("0.5"))
    assert written(config.strategies["maker"].params) == {"size": "2"}
    assert config.risk["restricted"] == ("binance",)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("risk.max_order_qty=abc", "--set: risk.max_order_qty: expected a positive decimal, got 'abc'"),
        ("risk.max_ordr_qty=1", "--set: risk.max_ordr_qty: expected a known key, got 'max_ordr_qty' (did you mean"),
        ("name", "--set: expected key.path=value, got 'name'"),
        ("=1", "--set: expected key.path=value, got '=1'"),
        ("name.x=1", "--set: name: expected a mapping to set 'x' in, got 'demo'"),
        ("name=[1", "--set: name: expected YAML, got: "),
        ("name=", "--set: name: expected a name of letters"),
        ("name=&a b", "--set: name: expected a value, got an anchor (&a)"),
        ("mode=live", "--set: mode: expected a mode no riskier than the file's (backtest), got 'live'"),
    ],
)
def test_a_wrong_override_is_told_as_such(override, message):
    found = faults(DEMO, [override])
    assert len(found) == 1
    assert found[0].startswith(message)


def test_a_mode_that_is_none_is_told_with_its_place_also_under_a_verb(demo):
    path = demo("mode: backtest", "mode: papr")
    for verb in (None, "backtest", "paper"):
        (said,) = [text for text in faults(path, mode=verb) if "mode: " in text]
        assert said.startswith(f"{path}:")
        assert ": mode: expected backtest, paper or live, got 'papr'" in said


def test_a_verb_may_only_make_a_run_safer(demo):
    assert load(demo("mode: backtest", "mode: live"), mode="backtest").mode == "backtest"
    assert faults(demo(), mode="live") == [
        "the verb live: mode: expected a mode no riskier than the file's (backtest), got 'live'"
    ]


def test_the_same_config_from_a_mapping_and_from_a_file_has_one_hash():
    assert load(written(read_file(DEMO))).canonical() == load(DEMO).canonical()
    assert len(load(DEMO).hash8) == 8
    assert str(ROOT) not in load(DEMO).canonical()


def test_the_resolved_config_is_itself_a_config_with_the_same_hash():
    config = load(DEMO)
    again = load(config.resolved())
    assert again.canonical() == config.canonical()


def test_paths_start_from_the_yaml_file(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "tape.parquet").write_bytes(b"")
    (folder / "run.yaml").write_text(json.dumps(minimal(data={"tapes": {ID: "tape.parquet"}}, runs="out"), default=str))
    config = load(folder / "run.yaml")
    assert config.path("tape.parquet") == folder / "tape.parquet"
    assert config.runs_folder == folder / "out"
    assert config.state_folder == folder / "state" / "small"


def test_an_instrument_that_does_not_fit_its_grid_is_refused_at_its_line(demo):
    path = demo('    tick: "0.01" ', '    max_price: "1e18"\n    tick: "1e-8" ')
    found = faults(path)
    assert len(found) == 1
    assert found[0].startswith(f"{path}:{line_of(path, f'{ID}:')}: instruments.{ID}: ")
    assert "62" in found[0]


def test_a_missing_file_is_one_line(tmp_path):
    path = tmp_path / "gone.yaml"
    assert faults(path) == [f"{path}: expected a readable file, got: No such file or directory"]


def fits(value, schema):
    """Whether a value fits the part of JSON Schema that our schemas use."""
    import re

    kinds = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": (int, float)}
    if "anyOf" in schema and not any(fits(value, one) for one in schema["anyOf"]):
        return False
    if "enum" in schema and value not in schema["enum"]:
        return False
    if "const" in schema and value != schema["const"]:
        return False
    wanted = schema.get("type", [])
    wanted = [wanted] if isinstance(wanted, str) else wanted
    if wanted and not any(isinstance(value, kinds[one]) for one in wanted):
        return False
    if isinstance(value, str) and "pattern" in schema and not re.search(schema["pattern"], value):
        return False
    if isinstance(value, list):
        return all(fits(item, schema.get("items", {})) for item in value)
    if isinstance(value, dict):
        properties, rest = schema.get("properties", {}), schema.get("additionalProperties", {})
        if not set(schema.get("required", ())) <= value.keys() or (
            rest is False and not value.keys() <= properties.keys()
        ):
            return False
        return all(fits(item, properties.get(name, rest or {})) for name, item in value.items())
    return True


def test_the_schema_accepts_the_demo_and_refuses_what_the_reader_refuses():
    schema = json_schema()
    demo = written(read_file(DEMO))
    assert fits(demo, schema)
    assert fits(load(DEMO).resolved(), schema)
    for path, value in (
        (("risk", "max_order_qty"), "abc"),
        (("risk", "max_postion"), "1"),
        (("mode",), "x"),
        (("simulator", "latency"), "5"),
    ):
        broken = json.loads(json.dumps(demo))
        inner = broken
        for word in path[:-1]:
            inner = inner[word]
        inner[path[-1]] = value
        assert not fits(broken, schema), path


def test_a_config_is_frozen():
    config = load(DEMO)
    with pytest.raises(AttributeError):
        config.name = "other"  # type: ignore[misc]
    assert isinstance(config, Config)


def every_path(node, path=()):
    """The path of every node below a plain document."""
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for word, item in inner:
        yield (*path, word)
        yield from every_path(item, (*path, word))


@pytest.mark.parametrize(
    "odd", [None, [], {}, [[]], {"x": {"y": []}}, "", ".", "A.B", "no", -1, True, [None]], ids=repr
)
def test_anything_anywhere_is_read_or_refused_with_one_line_faults(odd):
    """No wrong shape, wherever it stands, ends in another exception than ConfigError."""
    plain = written(read_file(DEMO))
    for path in every_path(plain):
        broken = json.loads(json.dumps(plain))
        inner = broken
        for word in path[:-1]:
            inner = inner[word]
        inner[path[-1]] = odd
        try:
            lines = [load(broken).name]
        except ConfigError as error:
            lines = [str(fault) for fault in error.faults]
        assert lines
        assert not any("\n" in line for line in lines)


def test_an_instrument_ends_when_the_file_says_so_and_knows_what_its_venue_does():
    instruments = minimal()["instruments"]
    config = load(minimal(instruments={ID: {**instruments[ID], "expiry": "2030-12-27T08:00:00Z"}}))
    stated = config.instrument(ID)
    assert stated.expiry_ns == 1_924_588_800 * 10**9
    legs = (("A.B", 1), ("C.B", -1))
    theirs = evolve(stated, expiry_ns=7, strike=Decimal(60000), right="C", legs=legs, tradable=False)
    both = completed(stated, theirs)
    assert (both.expiry_ns, both.strike, both.right) == (stated.expiry_ns, theirs.strike, "C")
    assert (both.legs, both.tradable) == (legs, False)
    assert completed(evolve(stated, expiry_ns=None), theirs).expiry_ns == 7
