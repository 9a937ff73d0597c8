"""Nothing is known before it happens, queue models keep their order, and time is where each side sees it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from e2e_rig import ID, Tape, config, generate, play

from tickwright import Result

ROWS = 2000
OTHER = "ETH/USD.SIM"
LATENCIES: dict[str, Any] = {
    "none": "0ms",
    "fixed": "3ms",
    "lognormal": {"order": {"median": "3ms", "sigma": "0.7"}, "report": "2ms"},
    "feed": {"order": "3ms", "report": "2ms", "feed": {"median": "4ms", "sigma": "0.5"}},
}


def witness(path: Path, **changes: Any) -> dict[str, Any]:
    made = config("Witness", **changes)
    made["strategies"]["one"]["params"] = {"path": str(path)}
    return made


def poison(tape: Tape, at: int) -> Tape:
    """The same rows up to `at`; afterwards another market: levels swept away, huge trades, the price halved."""
    made = tape.copy()
    after = made[at:]
    after["price"] = np.round(np.maximum(after["price"] * 0.5, 0.01), 2)
    after["qty"] = np.round(after["qty"] * 1000 + 7, 2)
    flip = after["kind"] == 0
    after["side"][flip] = -after["side"][flip]
    return made


def before(result: Result, ts: int) -> dict[str, list[dict[str, Any]]]:
    """Everything written down up to a time, decisions with every figure they used."""
    found = {}
    for name in ("orders", "fills", "decisions", "notes"):
        table = result.run.table(name)
        table = table.set_column(table.schema.get_field_index("ts"), "ts", table["ts"].cast("int64"))
        found[name] = [row for row in table.to_pylist() if row["ts"] < ts]
    return found


@pytest.mark.parametrize("latency", LATENCIES)
@pytest.mark.parametrize("share", [0.4, 0.75])
def test_what_comes_later_changes_nothing_before(latency: str, share: float, tmp_path: Path) -> None:
    tape = generate(ROWS)
    at = int(ROWS * share)
    while not tape["last"][at - 1] or tape["ts"][at] == tape["ts"][at - 1]:
        at += 1
    ts = int(tape["ts"][at])
    paths = [tmp_path / "clean", tmp_path / "poisoned"]
    runs = [
        play(each, witness(path, simulator__latency=LATENCIES[latency]))
        for each, path in zip((tape, poison(tape, at)), paths, strict=True)
    ]
    clean, poisoned = (before(run, ts) for run in runs)
    assert len(clean["fills"]) > 5
    assert clean == poisoned
    heard = [[line for line in path.read_text().splitlines() if int(line.split()[0]) < ts] for path in paths]
    assert len(heard[0]) > 100
    assert heard[0] == heard[1]
    assert runs[0].run_hash != runs[1].run_hash


def filled(result: Result) -> dict[str, Any]:
    sums: dict[str, Any] = {}
    for row in result.fills.drop(["ts"]).to_pylist():
        sums[row["client_order_id"]] = sums.get(row["client_order_id"], 0) + row["qty"]
    return sums


@pytest.mark.parametrize("seed", [7, 8, 9])
def test_queue_models_bracket_a_result(seed: int) -> None:
    """The same passive orders on the same tape, whatever fills: order by order, no model beats a kinder one."""
    runs = {}
    for queue in ("optimistic", "probabilistic", "back", "pessimistic"):
        made = config("Rest", simulator__queue=queue)
        made["risk"] |= {"max_position": "100000", "max_open_orders": "9000", "max_daily_loss": "1e9"}
        runs[queue] = play(generate(6000, seed), made)
    counts = {queue: run.summary["orders"] for queue, run in runs.items()}
    assert len(set(counts.values())) == 1, [(run.summary["outcomes"], run.summary["denials"]) for run in runs.values()]
    best, likely, back, worst = (filled(run) for run in runs.values())
    names = set(best)
    assert names >= set(back) >= set(worst)
    assert all(best[name] >= back.get(name, 0) >= worst.get(name, 0) for name in names)
    assert sum(best.values()) >= sum(likely.values()) >= sum(worst.values())
    assert sum(best.values()) > sum(worst.values()) > 0


def test_strategies_see_the_market_later_than_the_venue(tmp_path: Path) -> None:
    """With a feed latency every book is seen that much later, the same otherwise; fills name rows of the tape."""
    runs = [
        play(generate(ROWS), witness(tmp_path / feed, simulator__latency={"order": "1ms", "feed": feed}))
        for feed in ("0ms", "5ms")
    ]
    prompt, late = (
        [line.split(" ", 1) for line in (tmp_path / feed).read_text().splitlines() if " book " in line]
        for feed in ("0ms", "5ms")
    )
    assert [said for _, said in prompt] == [said for _, said in late]
    assert {int(b[0]) - int(a[0]) for a, b in zip(prompt, late, strict=True)} == {5_000_000}
    assert runs[1].summary["events"] == ROWS
    assert runs[0].run_hash != runs[1].run_hash
    ts = generate(ROWS)["ts"]
    for run in runs:
        fills = run.fills
        for cause, told in zip(fills["cause"].to_pylist(), fills["ts"].cast("int64").to_pylist(), strict=True):
            assert ts[cause - 1] <= told


def test_a_part_of_the_tape(tmp_path: Path) -> None:
    """Between start and end the strategy hears what it hears there in a whole run, and the book is whole at once."""
    tape = generate(ROWS)
    start, end = int(tape["ts"][600]) // 10**6 * 10**6, int(tape["ts"][1500]) // 10**6 * 10**6
    span = {"start": iso(start), "end": iso(end)}
    play(tape, witness(tmp_path / "whole"))
    part = play(tape, witness(tmp_path / "part", data=span))
    whole_books, part_books = (
        [line for line in (tmp_path / name).read_text().splitlines() if " book " in line or " trade " in line]
        for name in ("whole", "part")
    )
    inside = [line for line in whole_books if start <= int(line.split()[0]) < end]
    # The first message of the part is the book that stands at its beginning.
    assert part_books[1:] == inside
    assert int(part_books[0].split()[0]) == start
    assert part.summary["data_start"].startswith("2022-01-01T00:00:00.")
    assert part.summary["status"] == "done"


def test_a_part_without_rows_says_so(tmp_path: Path) -> None:
    result = play(generate(200), witness(tmp_path / "none", data={"end": "2021-12-31T00:00:00Z"}))
    assert (result.summary["events"], result.summary["data_start"], result.summary["data_end"]) == (0, None, None)
    assert any("no rows" in text for text in result.run.table("notes")["text"].to_pylist())


def iso(ns: int) -> str:
    return str(np.datetime64(ns, "ms")) + "Z" if ns < 10**15 else str(np.datetime64(ns // 10**6, "ms")) + "Z"


def test_one_strategy_on_two_instruments(tmp_path: Path) -> None:
    """Two tapes are merged by time; each instrument has its own position; the account is the sum."""
    terms = {"tick": "0.01", "lot": "0.01", "base": "BTC", "quote": "USD"}
    made = witness(tmp_path / "two", instruments={ID: terms, OTHER: terms | {"base": "ETH"}})
    made["strategies"]["one"]["instruments"] = [ID, OTHER]
    tapes = {ID: generate(1000), OTHER: generate(1000, 8)}
    result = play(tapes, made)
    lines = [line.split() for line in (tmp_path / "two").read_text().splitlines()]
    times = [int(line[0]) for line in lines]
    assert times == sorted(times)
    assert {line[2] for line in lines if line[1] == "book"} == {ID, OTHER}
    assert result.summary["events"] == 2000
    rows = result.positions.to_pylist()
    assert len(rows) == 4
    for instrument in (ID, OTHER):
        account, own = (row for row in rows if row["instrument"] == instrument)
        assert (account["strategy"], own["strategy"]) == (None, "one")
        assert account["position"] == own["position"]
    assert set(result.fills["instrument"].to_pylist()) == {ID, OTHER}
