"""``tickwright why`` of runs in paper: out of the journal where the run folder does not have the whole of an order."""

import importlib.util
import json
import shutil
from pathlib import Path

import pytest
import trio

from tickwright.cli import run as tickwright
from tickwright.engine.terms import Side
from tickwright.state import StateFolder

spec = importlib.util.spec_from_file_location("trading_rig", Path(__file__).parent / "test_trading.py")
rig = importlib.util.module_from_spec(spec)
spec.loader.exec_module(rig)


@pytest.fixture
def told(capsys):
    """What the verb says, as data."""

    def asked(run, client_order_id, *more):
        capsys.readouterr()
        assert tickwright(["why", str(run), client_order_id, "--json", *more]) == 0
        return json.loads(capsys.readouterr().out)

    return asked


def without_numbers(data):
    """A story without the running numbers of its records, which are others in the journal."""
    data = json.loads(json.dumps(data))
    for row in data["events"] + data["fills"]:
        del row["seq"]
    return data


async def play(run, market):
    """An order of 0.5, filled to 0.2; gives its id."""
    market.book(100_000, 100_010)
    await trio.sleep(0.1)
    order = next(iter(run.parts.core.orders.open_orders()))
    market.trade(Side.SELL, 100_000, 300)
    await trio.sleep(0.1)
    return order.client_order_id


async def test_it_is_told_while_the_run_goes_on_and_the_same_afterwards(autojump_clock, tmp_path, told):
    fees = {"maker": "0.001", "taker": "0.002"}
    config = rig.config_in(tmp_path, venues={"tdx": {"adapter": "tdx", "fees": fees}})
    before = {}

    async def script(run, market):
        StateFolder.open(config.state_folder).point(run.folder)
        before["id"] = await play(run, market)
        for place in (tmp_path / "run.yaml", config.state_folder, run.folder):
            before[place] = told(place, before["id"])

    async with rig.trading(config, script) as (_, result):
        places = [place for place in before if place != "id"]
        assert len(places) == 3
        story = before[places[0]]
        assert all(before[place] == story for place in places)
        assert [event["event"] for event in story["events"]] == ["INTENT", "SEND_START", "ACK", "FILL"]
        assert story["outcome"]["state"] == "PARTIALLY_FILLED"
        assert (story["outcome"]["fees"], story["outcome"]["fee_currency"]) == ("10", "CHF")
        (decision,) = story["decisions"]
        assert {"MAX_ORDER_QTY", "PRICE_COLLAR"} <= {each["code"] for each in decision["controls"]}
        ended = told(tmp_path / "run.yaml", before["id"])
        assert ended["outcome"]["state"] == "CANCELED"
        assert without_numbers(ended) == without_numbers(told(result.folder, before["id"]))


async def test_a_run_that_was_cut_short_is_told_from_its_folder(autojump_clock, tmp_path, told):
    config = rig.config_in(tmp_path)
    kept = {}

    async def script(run, market):
        StateFolder.open(config.state_folder).point(run.folder)
        kept["id"] = await play(run, market)
        shutil.copytree(run.folder, tmp_path / "cut")

    async with rig.trading(config, script):
        assert (tmp_path / "cut" / "orders.parquet").stat().st_size == 4
        story = told(tmp_path / "cut", kept["id"])
        assert story["events"][0]["event"] == "INTENT"
        assert len(story["decisions"]) == 1


async def test_an_order_that_was_taken_over_is_told_from_its_beginning(autojump_clock, tmp_path, told, capsys):
    config = rig.config_in(tmp_path, on_stop="leave")
    kept = {}

    async def once(run, market):
        kept["id"] = await play(run, market)

    async def again(run, market):
        StateFolder.open(config.state_folder).point(run.folder)
        run.parts.core.desks[0].strategy.bids = 1
        market.book(100_000, 100_010)
        await trio.sleep(0.1)

    async with rig.trading(config, once):
        pass
    async with rig.trading(config, again) as (_, second):
        events = [event["event"] for event in told(second.folder, kept["id"])["events"]]
        assert events[0] == "INTENT"
        assert "RESTART" in events
        assert tickwright(["why", str(second.folder), "nobody-1"]) == 1
        assert "expected one of its 1 order, received nobody-1" in capsys.readouterr().err
        whole = told(config.state_folder, kept["id"])
        # Where the runs are gone, the journal alone still tells all of it: fees, and every control with its figures.
        shutil.rmtree(config.runs_folder)
        alone = told(config.state_folder, kept["id"])
        assert alone["outcome"] == whole["outcome"]
        assert alone["outcome"]["fees"] is not None
        assert alone["decisions"] == whole["decisions"]
        (decision,) = alone["decisions"]
        weighed = {each["code"]: each for each in decision["controls"]}
        assert len(weighed) > 10
        assert sum(each["headroom"] is not None for each in weighed.values()) > 5
        assert tickwright(["why", str(config.state_folder), kept["id"]]) == 0
        assert "fee not known" not in capsys.readouterr().out


def test_a_config_that_never_ran_in_paper_or_live_has_no_journal(tmp_path, capsys):
    (tmp_path / "run.yaml").write_text("name: past\n")
    assert tickwright(["why", str(tmp_path / "run.yaml"), "bt-1"]) == 1
    assert "expected a run in paper or live, found no journal in" in capsys.readouterr().err
