"""The same code, config, data and seed make the same run, wherever and however it is made."""

import asyncio
import hashlib
import threading
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import trio
from e2e_rig import ID, Tape, config, elsewhere, generate, logs, play

from tickwright import Result
from tickwright.adapters.tape import reader

ROWS = 2000
OTHER = "ETH/USD.SIM"
JITTER = {"median": "3ms", "sigma": "0.8"}


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Result:
    return play(generate(ROWS), config(runs=str(tmp_path_factory.mktemp("first"))))


def test_a_run_trades(first: Result) -> None:
    """What the other tests compare is worth comparing."""
    assert first.summary["fills"] > 30
    assert set(first.summary["outcomes"]) >= {"FILLED", "CANCELED", "DENIED"}, first.summary["outcomes"]


def test_again_in_this_process(first: Result) -> None:
    again = play(generate(ROWS))
    assert again.run_hash == first.run_hash
    assert logs(again) == logs(first)


@pytest.mark.parametrize("hash_seed", ["4711"])
def test_in_another_process_with_another_hash_seed(first: Result, tmp_path: Path, hash_seed: str) -> None:
    _, [(run_hash, sums, _)] = elsewhere(tmp_path, {ID: generate(ROWS)}, [config()], PYTHONHASHSEED=hash_seed)
    assert run_hash == first.run_hash
    assert sums == {name: hashlib.sha256(data).hexdigest() for name, data in logs(first).items()}


def test_in_a_thread(first: Result) -> None:
    made: list[Result] = []
    thread = threading.Thread(target=lambda: made.append(play(generate(ROWS))))
    thread.start()
    thread.join()
    assert logs(made[0]) == logs(first)


def test_inside_a_running_asyncio_loop(first: Result) -> None:
    async def cell() -> Result:
        return play(generate(ROWS))

    assert logs(asyncio.run(cell())) == logs(first)


def test_inside_a_running_trio_loop(first: Result) -> None:
    async def cell() -> Result:
        return play(generate(ROWS))

    assert logs(trio.run(cell)) == logs(first)


@pytest.mark.parametrize("feed", ["0ms", "2ms"])
def test_whatever_the_size_of_a_block(monkeypatch: pytest.MonkeyPatch, feed: str) -> None:
    made = config(simulator__latency={"order": JITTER, "report": "1ms", "feed": feed})
    whole = play(generate(ROWS), made)
    # The size is the default of several functions, so it is changed where batches are made: blocks follow them.
    read = reader.Tape.batches
    sizes = count(1)
    monkeypatch.setattr(reader.Tape, "batches", lambda tape, size=0: read(tape, 7 * next(sizes)))
    monkeypatch.setattr("tickwright.backtesting.CHUNK", 13)
    pieces = play(generate(ROWS), made)
    assert next(sizes) > 1
    assert logs(pieces) == logs(whole)
    assert pieces.run_hash == whole.run_hash


@pytest.mark.parametrize("way", ["order", "report", "feed"])
def test_a_seed_changes_what_is_drawn(way: str) -> None:
    latency: dict[str, Any] = {"order": "3ms", "report": "3ms", "feed": "1ms"} | {way: JITTER}
    runs = [play(generate(ROWS), config(simulator={"latency": latency, "seed": seed})) for seed in ("1", "1", "2")]
    assert runs[0].run_hash == runs[1].run_hash
    assert runs[0].run_hash != runs[2].run_hash


def variants() -> dict[str, dict[str, Any]]:
    """Configs that between them walk through every part that exists in two forms."""
    pair = {ID: {"tick": "0.01", "lot": "0.01", "base": "BTC", "quote": "USD"}}
    pair[OTHER] = pair[ID] | {"base": "ETH"}
    use = config()["strategies"]["one"]["use"]
    lognormal = {"order": JITTER, "report": JITTER, "feed": "0ms"}
    two = {
        "maker": {"use": "market_maker", "instruments": [ID, OTHER], "params": {"size": "0.5", "max_position": "5"}},
        "churn": {"use": use, "instruments": [OTHER]},
    }
    found = {f"queue {queue}": config(simulator__queue=queue) for queue in ("back", "optimistic", "pessimistic")}
    found["queue probabilistic"] = config(simulator__queue="probabilistic")
    found["no latency"] = config(simulator__latency="0ms")
    found["lognormal"] = config(simulator__latency=lognormal)
    found["feed"] = config(simulator__latency={"order": "1ms", "feed": "5ms"})
    found["rejects"] = config(simulator__reject_probability="0.3")
    found["two"] = config(instruments=pair, strategies=two)
    found["order flow"] = config()
    found["order flow"]["strategies"]["one"] = {
        "use": "order_flow", "instruments": [ID],
        "params": {"threshold": "0.1", "hold": "200ms", "allow_short": True},
    }  # fmt: skip
    found["twap"] = config()
    found["twap"]["strategies"]["one"] = {"use": "twap", "instruments": [ID], "params": {"step": "100ms", "qty": "9"}}
    return found


def test_compiled_and_interpreted_make_the_same_run(tmp_path: Path) -> None:
    """Both forms of the hot modules, each in a process of its own, the logs byte for byte."""
    found = variants()
    names, configs = list(found), list(found.values())
    tapes: dict[str, Tape] = {ID: generate(ROWS), OTHER: generate(ROWS, 8)}
    if not elsewhere(tmp_path, {}, [], TICKWRIGHT_PURE="0")[0]:
        pytest.skip("nothing is compiled here, or the sources have changed since: there is one form to run")
    forms = {}
    for pure in ("0", "1"):
        compiled, runs = elsewhere(tmp_path, tapes, configs, TICKWRIGHT_PURE=pure)
        assert compiled is (pure == "0")
        forms[pure] = dict(zip(names, runs, strict=True))
    assert forms["0"] == forms["1"]
    assert all(fills for _, _, fills in forms["0"].values()), {name: run[2] for name, run in forms["0"].items()}
