"""The summary: what counts as an order, money to the last digit, and how it looks in a terminal."""

import io
import json
from decimal import Decimal

import pytest

from tickwright.engine.portfolio import Portfolio
from tickwright.reports.curve import curves
from tickwright.reports.positions import PositionLine, final_lines, portfolio_lines, write_positions
from tickwright.reports.run_folder import RunFolder
from tickwright.reports.summary import RunFacts, summarise
from tickwright.reports.terminal import grouped, print_summary

START = 1_723_161_600_000_000_000
SECOND = 10**9
FACTS = RunFacts(
    run_hash="ab" * 32, compiled=True, events=1000, wakes=40, wall_s=0.25, name="demo",
    data_start_ns=START, data_end_ns=START + 5,
)  # fmt: skip
REQUIRED = {
    "run_id", "run_hash", "compiled", "events", "wakes", "orders", "fills", "denied", "rejected", "position",
    "realized_pnl", "unrealized_pnl", "fees", "events_per_second", "wall_s",
}  # fmt: skip


@pytest.fixture
def lived(open_run, btc) -> tuple[RunFolder, list[PositionLine]]:
    """Six orders: two filled (one in part, then canceled), one rejected, two denied, one still open."""
    writer, rows = open_run()
    portfolio = Portfolio([btc], ["maker"], currency="USDT")

    def order(number: int, *steps: tuple[int, int]) -> None:
        for event, state in steps:
            rows.add("orders", order=number, event=event, state=state, side=1, lots=1000)

    def fill(number: int, side: int, ticks: int, lots: int, taker: int) -> None:
        rows.add("fills", f"t{number}", order=number, side=side, ticks=ticks, lots=lots, liquidity=taker)
        portfolio.fill(0, 0, side, lots, ticks, 1 - taker)

    def sample(second: int, double_mark: int) -> None:
        portfolio.mark(START + second * SECOND, [double_mark])
        for owner in (-1, 0):
            held = portfolio.position(0, owner).lots
            at = START + second * SECOND
            rows.add("equity", ts=at, strategy=owner, position_lots=held, double_mark=double_mark)

    order(1, (0, 0), (2, 1), (5, 2))
    sample(0, 2 * 6_000_000)
    fill(1, 1, 6_000_000, 1000, 0)
    order(1, (8, 7))
    sample(1, 2 * 6_100_000 + 1)
    order(2, (0, 0), (2, 1), (5, 2))
    fill(2, -1, 6_050_000, 400, 1)
    order(2, (8, 3), (10, 4), (11, 8))
    sample(2, 2 * 5_900_000)
    order(3, (0, 0), (2, 1), (6, 9))
    order(4, (1, 11))
    order(5, (1, 11))
    order(6, (0, 0), (2, 1), (5, 2))
    for number, verdict in ((1, 0), (2, 0), (4, 2), (5, 2), (6, 0), (6, 1)):
        rows.add("decisions", order=number, verdict=verdict)
    rows.flush()
    writer.close()
    lines = final_lines(portfolio, ["maker"])
    write_positions(writer.folder, lines)
    return RunFolder(writer.folder), lines


def test_every_required_key_is_there_with_its_type(lived) -> None:
    summary = summarise(lived[0], FACTS, lived[1])
    assert set(summary) >= REQUIRED
    for key in ("events", "wakes", "orders", "fills", "denied", "rejected"):
        assert type(summary[key]) is int
    assert summary["compiled"] is True
    assert json.loads(json.dumps(summary)) == summary


def test_orders_are_those_sent_denied_those_that_were_not(lived) -> None:
    summary = summarise(lived[0], FACTS, lived[1])
    assert (summary["orders"], summary["denied"], summary["rejected"], summary["canceled"]) == (4, 2, 1, 1)
    assert summary["outcomes"] == {"OPEN": 1, "FILLED": 1, "CANCELED": 1, "REJECTED": 1, "DENIED": 2}
    assert summary["denials"] == {"MAX_ORDER_QTY": 2, "NUMBER_INVALID": 1}
    assert summary["fills"] == 2
    assert summary["fill_ratio"] == 0.5


def test_money_is_exact_text(lived) -> None:
    """Bought 0.01 at 60000 as maker, sold 0.004 at 60500 as taker, marked at 59000."""
    summary = summarise(lived[0], FACTS, lived[1])
    assert summary["position"] == {"BTCUSDT.BINANCE": "0.006"}
    assert summary["realized_pnl"] == {"USDT": "2"}
    assert summary["unrealized_pnl"] == {"USDT": "-6"}
    assert summary["fees"] == {"USDT": "0.241"}
    assert summary["turnover"] == {"USDT": "842"}
    assert summary["maker_share"] == {"USDT": round(600 / 842, 6)}


def test_drawdown_is_measured_from_the_peak_to_the_last_digit(lived) -> None:
    """At the peak 0.01 is worth 1000.005 more each, less the maker's fee; at the end the total is -4.241."""
    peak = Decimal("0.01") * Decimal("1000.005") - Decimal("0.12")
    summary = summarise(lived[0], FACTS, lived[1])
    assert Decimal(summary["max_drawdown"]["USDT"]) == peak - Decimal("-4.241")


def test_a_run_that_only_loses_draws_down_from_zero(open_run) -> None:
    writer, rows = open_run()
    rows.add("fills", "t", order=1, side=1, ticks=100, lots=100_000, liquidity=1)
    rows.add("equity", ts=START, strategy=-1, position_lots=100_000, double_mark=190)
    rows.flush()
    writer.close()
    assert curves(RunFolder(writer.folder))["USDT"].max_drawdown == "0.0505"


def test_instruments_of_one_currency_add_up_and_others_stay_apart(open_run, btc, xbt) -> None:
    import attrs

    eth = attrs.evolve(btc, id="ETHUSDT.BINANCE", base="ETH")
    writer, rows = open_run(instruments=(btc, eth, xbt))
    for market in (0, 1):
        rows.add("fills", "t", order=1, market=market, side=1, ticks=100, lots=100_000)
    for second in range(3):
        for market in (0, 1, 2):
            held = 0 if market == 2 else 100_000
            at = START + second * SECOND
            rows.add(
                "equity", ts=at, market=market, strategy=-1, position_lots=held, double_mark=200 + 20 * second * market
            )
    rows.flush()
    writer.close()
    found = curves(RunFolder(writer.folder))
    assert list(found) == ["BTC", "USDT"]
    assert found["USDT"].ts.tolist() == [START, START + SECOND, START + 2 * SECOND]
    assert found["USDT"].values.tolist() == pytest.approx([-0.0004, 0.0996, 0.1996], abs=1e-12)
    assert found["BTC"].values.tolist() == [0.0, 0.0, 0.0]


def test_an_execution_taken_back_leaves_no_trace_in_the_sums(open_run, btc) -> None:
    """Position, cash and turnover stand as if it had never been; the portfolio says the same."""
    writer, rows = open_run()
    portfolio = Portfolio([btc], ["maker"], currency="USDT")
    for side, back in ((1, 0), (-1, 1)):
        rows.add("fills", "t", order=1, side=side, ticks=6_000_000, lots=1000, liquidity=1, taken_back=back)
    portfolio.fill(0, 0, 1, 1000, 6_000_000, 0)
    portfolio.reverse(0, 0, 1, 1000, 6_000_000, 0)
    rows.add("equity", ts=START, strategy=-1, double_mark=12_000_000)
    rows.flush()
    writer.close()
    run = RunFolder(writer.folder)
    assert run.table("equity")["total"].to_pylist() == [portfolio.position(0).total(12_000_000)] == [Decimal(0)]
    summary = summarise(run, FACTS, final_lines(portfolio, ["maker"]))
    assert (summary["fills"], summary["turnover"], summary["maker_share"]) == (0, {"USDT": "0"}, {})


def test_an_empty_run_has_a_summary(open_run) -> None:
    writer, _ = open_run()
    writer.close()
    facts = RunFacts(run_hash="", compiled=False, events=0, wakes=0, wall_s=0.0)
    summary = summarise(RunFolder(writer.folder), facts, [])
    assert (summary["orders"], summary["fill_ratio"], summary["events_per_second"]) == (0, 0.0, 0.0)
    assert summary["denials"] == summary["max_drawdown"] == {}
    out = io.StringIO()
    print_summary(summary, out)
    assert "fills" in out.getvalue()


def test_positions_are_saved_exactly(lived) -> None:
    account, maker = lived[0].table("positions").to_pylist()
    assert (account["strategy"], maker["strategy"]) == (None, "maker")
    assert account["position"] == Decimal("0.006")
    assert account["fees"] == Decimal("0.241")
    assert account["avg_px"] == 60000.0


def test_portfolio_lines_do_not_depend_on_order_or_trailing_zeros(lived) -> None:
    lines = lived[1]
    assert portfolio_lines(lines) == portfolio_lines(lines[::-1])
    assert portfolio_lines(lines)[0] == "BTCUSDT.BINANCE - 0.006 2 -6 0.241 USDT"


def test_without_a_terminal_the_summary_is_plain_text(lived) -> None:
    out = io.StringIO()
    print_summary(summarise(lived[0], FACTS, lived[1]), out)
    text = out.getvalue()
    assert "\x1b" not in text
    assert "  denied by us        2\n    MAX_ORDER_QTY     2\n" in text
    assert "  realised PnL        2 USDT\n" in text
    assert "  events/s            4,000\n" in text
    assert f"  run hash            {'ab' * 32}\n" in text


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("colour", [True, False])
def test_a_terminal_gets_colour_unless_it_is_refused(lived, monkeypatch: pytest.MonkeyPatch, colour: bool) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    if not colour:
        monkeypatch.setenv("NO_COLOR", "1")
    out = Terminal()
    print_summary(summarise(lived[0], FACTS, lived[1]), out, width=100)
    assert "MAX_ORDER_QTY" in out.getvalue()
    assert ("\x1b[31m-6 USDT" in out.getvalue()) is colour


def test_thousands_are_set_apart_without_losing_a_digit() -> None:
    assert [grouped(text) for text in ("-1234567.000000000000000001", "0", "999.5")] == [
        "-1,234,567.000000000000000001", "0", "999.5",
    ]  # fmt: skip
