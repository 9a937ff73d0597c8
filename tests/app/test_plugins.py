"""Strategies found three ways, and what is said when one is not there, does not import, or is no strategy."""

import sys
from decimal import Decimal
from enum import Enum
from importlib.metadata import EntryPoint
from types import ModuleType
from typing import Literal

import pytest
from attrs import define, evolve, field

from tickwright import plugins
from tickwright.config import load
from tickwright.document import ConfigError
from tickwright.plugins import PluginError, find, load_strategies

ID = "BTCUSDT.BINANCE"


@define(kw_only=True)
class Root:
    """Stands in for the strategies' base class."""

    _engine: object = field(init=False, default=None)


class Pace(Enum):
    SLOW = "slow"
    FAST = "fast"


class Side(Enum):
    BUY = 1
    SELL = -1


@define(kw_only=True)
class Maker(Root):
    size: Decimal
    ticks: int = field(default=1)
    skew: float = 0.5
    quiet: bool = False
    label: str = "maker"
    pace: Pace = Pace.SLOW
    side: Side = Side.BUY
    style: Literal["join", "improve"] = "join"
    cap: Decimal | None = None
    steps: tuple[int, ...] = ()
    pair: tuple[int, str] = (1, "a")
    names: list[str] = field(factory=list)
    place: complex = 1j
    count: int = field(init=False, default=0)

    @ticks.validator
    def _check(self, attribute, value):
        if value < 0:
            raise ValueError(f"ticks must not be negative, got {value}")


def config(params=None, use="maker"):
    return load(
        {
            "name": "small",
            "mode": "backtest",
            "account": {"currency": "USDT", "balances": {"USDT": 1000}},
            "venues": {"binance": {"adapter": "sim"}},
            "instruments": {ID: {"tick": "0.01", "lot": "0.01", "base": "BTC", "quote": "USDT"}},
            "data": {"tapes": {ID: "package:demo"}},
            "strategies": {"one": {"use": use, "instruments": [ID], "params": params or {}}},
        }
    )


@pytest.fixture
def offered(monkeypatch):
    """Entry points as an installed package would declare them."""
    points = {
        "maker": EntryPoint("maker", "stand_ins:Maker", plugins.GROUP),
        "gone": EntryPoint("gone", "no_such_package_here:Maker", plugins.GROUP),
    }
    monkeypatch.setattr(plugins, "installed", lambda: points)


@pytest.fixture(autouse=True)
def stand_ins(monkeypatch):
    """A module that strategies under test import their base from, as they would from tickwright."""
    module = ModuleType("stand_ins")
    vars(module).update(Root=Root, Maker=Maker)
    monkeypatch.setitem(sys.modules, "stand_ins", module)


def params_of(params):
    loaded = load_strategies(config(params), Root)
    return loaded["one"].params


def faults(params):
    with pytest.raises(ConfigError) as caught:
        load_strategies(config(params), Root)
    return [str(fault) for fault in caught.value.faults]


@pytest.mark.usefixtures("offered")
def test_params_become_the_types_of_the_fields():
    given = {
        "size": "1e-2",
        "ticks": 3,
        "skew": "0.25",
        "quiet": True,
        "label": "no",
        "pace": "fast",
        "side": "sell",
        "style": "improve",
        "cap": 5,
        "steps": [1, 1],
        "pair": [2, "b"],
        "names": ["x", "x"],
    }
    assert params_of(given) == {
        "size": Decimal("0.01"),
        "ticks": 3,
        "skew": 0.25,
        "quiet": True,
        "label": "no",
        "pace": Pace.FAST,
        "side": Side.SELL,
        "style": "improve",
        "cap": Decimal(5),
        "steps": (1, 1),
        "pair": (2, "b"),
        "names": ["x", "x"],
    }


@pytest.mark.usefixtures("offered")
def test_a_made_strategy_has_its_params_and_its_class_defaults():
    loaded = load_strategies(config({"size": 2}), Root)["one"]
    strategy = loaded.create()
    assert (strategy.size, strategy.ticks) == (Decimal(2), 1)
    assert loaded.origins == {"size": "config"}


@pytest.mark.usefixtures("offered")
@pytest.mark.parametrize(
    ("params", "line"),
    [
        ({"size": "abc"}, "config: strategies.one.params.size: expected a decimal, got 'abc'"),
        ({}, "config: strategies.one.params.size: expected a decimal (required by Maker), got nothing"),
        ({"size": 1, "tick": 1}, "expected a parameter of Maker, got 'tick' (did you mean 'ticks'?)"),
        ({"size": 1, "count": 1}, "expected a parameter of Maker, got 'count'"),
        ({"size": 1, "_engine": 1}, "expected a parameter of Maker, got '_engine'"),
        ({"size": 1, "ticks": "1.5"}, "config: strategies.one.params.ticks: expected an integer, got '1.5'"),
        ({"size": 1, "skew": "nan"}, "config: strategies.one.params.skew: expected a number, got 'nan'"),
        ({"size": 1, "quiet": "yes"}, "config: strategies.one.params.quiet: expected true or false, got 'yes'"),
        ({"size": 1, "label": 5}, "config: strategies.one.params.label: expected text, got '5' (quote it)"),
        ({"size": 1, "pace": "fsat"}, "expected slow or fast, got 'fsat' (did you mean 'fast'?)"),
        ({"size": 1, "steps": 1}, "expected a list, each an integer, got '1'"),
        ({"size": 1, "pair": [1]}, "expected a list of 2: an integer, text, got a list"),
        ({"size": 1, "place": 1}, "expected a parameter of a type that YAML can hold, got complex"),
    ],
)
def test_a_wrong_param_is_one_line(params, line):
    found = faults(params)
    assert len(found) == 1
    assert line in found[0]


@pytest.mark.usefixtures("offered")
def test_what_a_validator_says_is_kept():
    loaded = load_strategies(config({"size": 1, "ticks": -1}), Root)["one"]
    with pytest.raises(ConfigError) as caught:
        loaded.create()
    assert str(caught.value).startswith("config: strategies.one.params: Maker refused its params: ")
    assert str(caught.value).endswith("ValueError: ticks must not be negative, got -1")


@pytest.mark.usefixtures("offered")
def test_an_unknown_name_gets_the_nearest_and_a_broken_package_its_reason(tmp_path):
    with pytest.raises(PluginError, match=r"got 'makr' \(did you mean 'maker'\?\)"):
        find("makr", tmp_path, Root)
    with pytest.raises(PluginError, match=r"does not import: .*No module named 'no_such_package_here'"):
        find("gone", tmp_path, Root)


def strategy_file(folder, body, name="mine.py"):
    (folder / name).write_text(body)
    return f"./{name}"


def test_a_class_is_found_in_a_file_beside_the_yaml_and_may_import_its_siblings(tmp_path):
    (tmp_path / "signals.py").write_text("EDGE = 7\n")
    body = "from stand_ins import Root\nfrom .signals import EDGE\nclass Mine(Root):\n    edge = EDGE\n"
    before = list(sys.path)
    form = find(f"{strategy_file(tmp_path, body)}:Mine", tmp_path, Root)
    assert form.edge == 7
    assert issubclass(form, Root)
    assert sys.path == before
    assert "signals" not in sys.modules


def test_two_folders_may_each_have_a_file_of_the_same_name(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        strategy_file(tmp_path / name, f"from stand_ins import Root\nclass Mine(Root):\n    where = {name!r}\n")
    assert [find("./mine.py:Mine", tmp_path / name, Root).where for name in ("a", "b")] == ["a", "b"]


def test_a_changed_file_is_read_again(tmp_path):
    for value in (1, 2):
        strategy_file(tmp_path, f"from stand_ins import Root\nclass Mine(Root):\n    value = {value}  #{'-' * value}\n")
        assert find("./mine.py:Mine", tmp_path, Root).value == value


def test_a_missing_file_and_a_missing_class_say_what_there_is(tmp_path):
    with pytest.raises(PluginError, match=r"^expected a file at \./gone\.py, got none"):
        find("./gone.py:Mine", tmp_path, Root)
    strategy_file(tmp_path, "from stand_ins import Root\nclass Mine(Root): ...\nclass Other: ...\n")
    with pytest.raises(
        PluginError, match=r"^expected a class Mien in \./mine\.py, got none \(strategies there: Mine\)$"
    ):
        find("./mine.py:Mien", tmp_path, Root)


@pytest.mark.parametrize(
    ("body", "line", "reason"),
    [
        (
            "import os\n\nimport no_such_package_here\n",
            3,
            "ModuleNotFoundError: No module named 'no_such_package_here'",
        ),
        ("x = 1\ny = 1 / 0\n", 2, "ZeroDivisionError: division by zero"),
        ("x = 1\ndef f(:\n", 2, "SyntaxError: invalid syntax"),
        ("import sys\nsys.exit(3)\n", 2, "SystemExit: 3"),
        ("import json\njson.loads('x')\n", None, "JSONDecodeError: Expecting value"),
    ],
)
def test_code_that_does_not_import_is_told_with_its_file_line_and_reason(tmp_path, body, line, reason):
    use = strategy_file(tmp_path, body)
    with pytest.raises(PluginError) as caught:
        find(f"{use}:Mine", tmp_path, Root)
    assert reason in str(caught.value)
    assert str(caught.value).startswith("./mine.py does not import: ")
    if line is not None:
        assert f"{(tmp_path / 'mine.py').resolve()}:{line}: " in str(caught.value)


def test_ctrl_c_during_an_import_stays_ctrl_c(tmp_path):
    use = strategy_file(tmp_path, "raise KeyboardInterrupt\n")
    with pytest.raises(KeyboardInterrupt):
        find(f"{use}:Mine", tmp_path, Root)


@pytest.mark.parametrize(
    ("name", "got"), [("Decimal", "class Decimal"), ("getcontext", "function"), ("MAX_PREC", "int")]
)
def test_what_is_no_strategy_is_refused(tmp_path, name, got):
    with pytest.raises(PluginError, match=f"^expected a subclass of Root at decimal:{name}, got "):
        find(f"decimal:{name}", tmp_path, Root)


def test_a_plain_class_with_annotations_is_told_to_be_an_attrs_class(tmp_path):
    strategy_file(tmp_path, "from stand_ins import Root\nclass Mine(Root):\n    size: int = 1\n")
    with pytest.raises(ConfigError, match=r"expected @define\(kw_only=True\) above class Mine, got a plain class"):
        load_strategies(evolve(config(use="./mine.py:Mine"), base=tmp_path), Root)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("def on_books(self, book): ...", "Mine.on_books: nothing calls it (did you mean 'on_book'?)"),
        ("async def on_book(self, book): ...", "Mine.on_book: expected a plain method, got an async one"),
    ],
)
def test_a_handler_that_would_never_be_called_is_a_fault(tmp_path, line, said):
    (tmp_path / "mine.py").write_text(f"from tickwright import Strategy\nclass Mine(Strategy):\n    {line}\n")
    with pytest.raises(ConfigError) as caught:
        load_strategies(evolve(config(use="./mine.py:Mine"), base=tmp_path))
    assert said in str(caught.value)


def test_a_method_of_ones_own_is_nobodys_business(tmp_path):
    (tmp_path / "mine.py").write_text(
        "from tickwright import Strategy\nclass Mine(Strategy):\n    def on_quote(self): ...\n"
    )
    assert load_strategies(evolve(config(use="./mine.py:Mine"), base=tmp_path))
