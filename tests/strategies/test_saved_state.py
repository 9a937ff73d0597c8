"""What a strategy saves at the end, it is given back before the next start."""

from decimal import Decimal

import pytest
from attrs import define, field

from tickwright import Strategy
from tickwright.engine.errors import TickwrightError
from tickwright.strategies.testing import Bench, MemoryStore

ID = "BTC/CHF.TDX"


@define(kw_only=True)
class Keeper(Strategy):
    """Saves what it is told to."""

    state: object = field(factory=dict)
    heard: list[object] = field(factory=list, init=False)

    def load(self, state: dict[str, object]) -> None:
        self.heard.append(("load", state))

    def on_start(self) -> None:
        self.heard.append("start")

    def on_timer(self, name: str) -> None:
        raise ValueError(name)

    def on_stop(self) -> None:
        self.heard.append("stop")

    def save(self) -> object:  # type: ignore[override]
        self.heard.append("save")
        return self.state


def test_state_travels_from_the_end_of_one_run_to_the_start_of_the_next():
    store = MemoryStore()
    state = {"n": 3, "x": 1.5, "on": True, "none": None, "list": [1, ["a"]], "deep": {"k": "v"}}
    first = Keeper(state=state)
    Bench(first, ID, store=store).stop()
    assert first.heard == ["start", "stop", "save"]
    state["n"] = 4
    state["list"].append("later")  # type: ignore[union-attr]
    second = Keeper()
    Bench({"strategy": second, "other": (other := Keeper())}, ID, store=store)
    saved = {"n": 3, "x": 1.5, "on": True, "none": None, "list": [1, ["a"]], "deep": {"k": "v"}}
    assert second.heard == [("load", saved), "start"]
    assert other.heard == ["start"]


def test_without_a_store_nothing_is_saved():
    keeper = Keeper()
    Bench(keeper, ID).stop()
    assert keeper.heard == ["start", "stop"]


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (
            {"inventory": {"qty": Decimal(1)}},
            r"strategy strategy: save\(\): inventory\.qty: expected .* received Decimal",
        ),
        ({"a": [1, {2}]}, r"a\[1\]: expected text"),
        ({"a": float("nan")}, "a: expected text, a finite number"),
        ({"a": object}, "a: expected text"),
        ({1: "a"}, "expected keys of text, received 1"),
        ({"a": {None: 1}}, "expected keys of text in a, received None"),
        ([1], "expected a dict, received list"),
        (None, "expected a dict, received NoneType"),
    ],
)
def test_what_is_not_plain_data_is_an_error_with_strategy_and_key(state, message):
    store = MemoryStore({"strategy": {"old": 1}})
    bench = Bench(Keeper(state=state), ID, store=store)
    with pytest.raises(TickwrightError, match=message):
        bench.stop()
    assert store.load("strategy") == {"old": 1}


def test_a_state_that_contains_itself_is_an_error():
    endless: dict[str, object] = {}
    endless["me"] = endless
    bench = Bench(Keeper(state=endless), ID, store=MemoryStore())
    with pytest.raises(TickwrightError, match="nested deeper than 32"):
        bench.stop()


def test_one_that_failed_keeps_what_it_saved_before():
    store = MemoryStore({"strategy": {"old": 1}})
    keeper = Keeper(state={"new": 2})
    bench = Bench(keeper, ID, store=store, on_error="halt_strategy")
    keeper.at(bench.now + 1, "boom")
    bench.advance("1s")
    bench.stop()
    assert store.load("strategy") == {"old": 1}
    assert keeper.heard[1:] == ["start"]


def test_an_error_in_load_ends_the_strategy_before_its_start():
    @define(kw_only=True)
    class Forgetful(Keeper):
        def load(self, state: dict[str, object]) -> None:
            raise KeyError("n")

    strategy = Forgetful()
    bench = Bench(strategy, ID, store=MemoryStore({"strategy": {}}), on_error="halt_strategy")
    assert [failure.handler for failure in bench.core.failures] == ["load"]
    assert strategy.heard == []
