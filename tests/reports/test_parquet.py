"""The files a run leaves: exact, readable, the same bytes every time, whole even when a run is cut."""

import hashlib
from array import array
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tickwright.engine.portfolio import Portfolio
from tickwright.engine.records import ORDERS
from tickwright.reports.parquet import BULK, PENDING, STEADY
from tickwright.reports.run_folder import RunFolder

START = 1_723_161_600_000_000_000


def test_an_order_row_reads_in_names_and_decimals(open_run) -> None:
    writer, rows = open_run()
    terms = {"order": 7, "side": -1, "ticks": 6_000_050, "lots": 1000, "time_in_force": 3, "post_only": 1}
    rows.add("orders", ts=START, event=5, state=2, **terms)
    rows.add("orders", "too late", ts=START + 1, event=12, state=6, cum=400, cause=8, **terms)
    rows.add("orders", ts=START + 2, event=8, state=7, cum=1000, **terms)
    rows.flush()
    writer.close()
    first, second, third = RunFolder(writer.folder).table("orders").drop(["ts"]).to_pylist()
    assert first == {
        "seq": 1, "client_order_id": "bt-7", "order": 7, "instrument": "BTCUSDT.BINANCE", "strategy": "maker",
        "event": "ACK", "state": "OPEN", "side": "SELL", "order_type": "LIMIT", "time_in_force": "GTD",
        "post_only": True, "reduce_only": False, "price": Decimal("60000.50"), "qty": Decimal("0.01"),
        "filled_qty": Decimal(0), "leaves_qty": Decimal("0.01"), "cause": "NONE", "reason": None,
    }  # fmt: skip
    assert (second["cause"], second["reason"]) == ("FILL_EXPECTED", "too late")
    assert (second["filled_qty"], second["leaves_qty"]) == (Decimal("0.004"), Decimal("0.006"))
    assert third["leaves_qty"] == 0


def test_a_fee_that_the_venue_stated_takes_the_place_of_the_rate_s(open_run) -> None:
    stated = {(1, "b"): Decimal("0.123456789012345678901234567"), (1, "c"): Decimal("-2.5")}
    writer, rows = open_run(stated=stated)
    for trade in ("a", "b", "c"):
        rows.add("fills", trade, order=1, side=1, ticks=6_000_000, lots=1000, liquidity=1)
    rows.add("fills", "c", order=1, side=-1, ticks=6_000_000, lots=1000, liquidity=1, taken_back=1)
    rows.add("equity", market=0, strategy=-1, position_lots=2000, double_mark=12_000_000)
    rows.flush()
    writer.close()
    run = RunFolder(writer.folder)
    fees = run.table("fills")["fee"].to_pylist()
    by_rate = fees[0]
    assert by_rate > 0
    assert fees == [by_rate, Decimal("0.123456789012345678901234567"), Decimal("-2.5"), Decimal("2.5")]
    exact = -1200 - sum(Fraction(fee) for fee in fees)
    assert [Fraction(cash) for cash in run.table("equity")["cash"].to_pylist()] == [exact]


def test_times_keep_their_nanoseconds(open_run) -> None:
    writer, rows = open_run()
    rows.add("notes", "look", ts=START + 123_456_789, severity=2)
    rows.flush()
    writer.close()
    table = RunFolder(writer.folder).table("notes")
    assert str(table.schema.field("ts").type) == "timestamp[ns, tz=UTC]"
    assert table["ts"].cast("int64").to_pylist() == [START + 123_456_789]
    assert table["severity"].to_pylist() == ["CRIT"]


def test_a_market_order_has_no_price_unless_it_was_protected(open_run) -> None:
    writer, rows = open_run()
    rows.add("orders", order=1, side=1, type=1, lots=1)
    rows.add("orders", order=2, side=1, type=1, lots=1, ticks=100)
    rows.flush()
    writer.close()
    assert RunFolder(writer.folder).table("orders")["price"].to_pylist() == [None, Decimal("1.00")]


def test_an_external_order_keeps_the_name_it_came_with(open_run) -> None:
    writer, rows = open_run()
    rows.add("orders", "venue-order-9", order=-1, strategy=-1, event=27, state=2, side=1, lots=5)
    rows.add("orders", "gone", order=-1, strategy=-1, event=11, state=8, side=1, lots=5)
    rows.flush()
    writer.close()
    table = RunFolder(writer.folder).table("orders")
    assert table["client_order_id"].to_pylist() == ["venue-order-9"] * 2
    assert table["reason"].to_pylist() == [None, "gone"]
    assert table["strategy"].to_pylist() == [None, None]


def test_decisions_carry_code_action_and_every_figure(open_run) -> None:
    writer, rows = open_run(evidence=("bid_ticks", "worst_lots"))
    rows.add("decisions", order=1, bid_ticks=5, worst_lots=-6)
    rows.add("decisions", '{"code": "MAX_ORDER_QTY"}', order=2, verdict=2, action=1)
    rows.flush()
    writer.close()
    passed, denied = RunFolder(writer.folder).table("decisions").to_pylist()
    assert (passed["verdict"], passed["action"], passed["denial"]) == ("PASS", "NEW", None)
    assert (passed["bid_ticks"], passed["worst_lots"]) == (5, -6)
    assert (denied["verdict"], denied["action"]) == ("MAX_ORDER_QTY", "REPLACE")
    assert denied["denial"] == '{"code": "MAX_ORDER_QTY"}'


def test_fees_follow_the_liquidity_and_are_exact(open_run, btc, xbt) -> None:
    """Linear: price x size x rate. Inverse: size / price rounded to 1e-18 of base, times the rate; makers are paid."""
    writer, rows = open_run(instruments=(btc, xbt))
    rows.add("fills", "t1", order=1, side=1, liquidity=0, ticks=6_000_050, lots=1001)
    rows.add("fills", "t2", order=1, side=1, liquidity=1, ticks=6_000_050, lots=1001)
    rows.add("fills", "t3", order=2, market=1, side=-1, liquidity=0, ticks=119_999, lots=7)
    rows.flush()
    writer.close()
    maker, taker, inverse = RunFolder(writer.folder).table("fills").to_pylist()
    assert maker["value"] == Decimal("60000.50") * Decimal("0.01001")
    assert maker["fee"] == Decimal("60000.50") * Decimal("0.01001") * Decimal("0.0002")
    assert taker["fee"] == Decimal("60000.50") * Decimal("0.01001") * Decimal("0.0005")
    worth = (Decimal(7) / Decimal("59999.5")).quantize(Decimal("1e-18"))
    assert inverse["value"] == worth
    assert inverse["fee"] == worth * Decimal("-0.0001")
    assert [maker["liquidity"], taker["liquidity"]] == ["MAKER", "TAKER"]


def feed(rows, portfolio: Portfolio, count: int) -> None:
    """Fills and samples of two strategies in two markets, the portfolio booking the same."""
    for n in range(1, count + 1):
        market, strategy, side = n % 2, n // 2 % 2, 1 if n % 3 else -1
        ticks, lots = (6_000_000 + 37 * n % 1000, 100 + n % 50) if market == 0 else (120_000 + 7 * n % 100, 10 + n % 9)
        rows.add("orders", ts=START + n, order=n, market=market, strategy=strategy, event=2, side=side, lots=lots)
        where = {"ts": START + n, "order": n, "market": market, "strategy": strategy, "side": side}
        rows.add("fills", f"t{n}", ticks=ticks, lots=lots, liquidity=n % 5 == 0, **where)
        portfolio.fill(market, strategy, side, lots, ticks, int(n % 5 != 0))
        for owner in (-1, 0, 1):
            held = portfolio.position(market, owner).lots
            rows.add(
                "equity", ts=START + n, market=market, strategy=owner, position_lots=held, double_mark=2 * ticks + 1
            )


def test_equity_is_the_portfolios_total_to_the_last_digit(open_run, btc, xbt) -> None:
    """Cash from fills plus position at its mark, for linear and inverse markets, per strategy and for the account."""
    writer, rows = open_run(instruments=(btc, xbt), strategies=("a", "b"))
    portfolio = Portfolio([btc, xbt], ["a", "b"], currency="USDT", rates={"BTC": Decimal(60000)})
    totals = []
    original = rows.add

    def add(table: str, text: str = "", **values: int) -> None:
        original(table, text, **values)
        if table == "equity":
            totals.append(portfolio.position(values["market"], values["strategy"]).total(values["double_mark"]))

    rows.add = add
    feed(rows, portfolio, 200)
    rows.flush()
    writer.close()
    assert RunFolder(writer.folder).table("equity")["total"].to_pylist() == totals


def test_what_a_line_held_before_the_run_counts_as_bought_at_its_first_mark(open_run, btc, xbt) -> None:
    """The same fills after an opening position of 500 and -70 lots: what differs is the opening position's own move."""
    curves = []
    for name, opening in (("none", (0, 0)), ("some", (500, -70))):
        writer, rows = open_run(name, instruments=(btc, xbt), strategies=("a", "b"))
        held = dict(enumerate(opening))
        for n in range(6):
            market = n % 2
            mark = 12_000_000 + 400 * n if market == 0 else 240_000 + 40 * n
            if n > 1:
                rows.add("fills", f"t{n}", ts=n, order=n, market=market, side=1, ticks=mark // 2, lots=3, liquidity=1)
                held[market] += 3
            rows.add("equity", ts=n, market=market, strategy=-1, position_lots=held[market], double_mark=mark)
        rows.flush()
        writer.close()
        curves.append(RunFolder(writer.folder).table("equity")["total"].to_pylist())
    moves = [there - here for here, there in zip(*curves, strict=True)]
    assert moves[::2] == [0, Decimal("0.005") * 4, Decimal("0.005") * 8]
    short = [Fraction(70 * 4, 240_000 + 40 * n) for n in (1, 3, 5)]  # a price in the contract's units is a quarter
    for move, worth in zip(moves[1::2], short, strict=True):
        assert abs(Fraction(move) - (worth - short[0])) <= Fraction(3, 10**18)
    assert moves[1] == 0 > moves[3] > moves[5]


def test_the_same_records_give_the_same_bytes(open_run, btc, xbt) -> None:
    """However they were cut into blocks, and whatever the folder is called."""
    digests = []
    for name, cut in (("one", 10**9), ("two", 7)):
        writer, rows = open_run(name, instruments=(btc, xbt), strategies=("a", "b"))
        original, added = rows.add, 0

        def add(table: str, text: str = "", *, rows=rows, original=original, cut=cut, **values: int) -> None:
            nonlocal added
            added += 1
            original(table, text, **values)
            if added % cut == 0:
                rows.flush()

        rows.add = add
        feed(rows, Portfolio([btc, xbt], ["a", "b"], currency="USDT", rates={"BTC": Decimal(60000)}), 60)
        rows.flush()
        writer.close()
        files = sorted(writer.folder.iterdir())
        digests.append({file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files})
    assert digests[0] == digests[1]
    assert set(digests[0]) == {
        "run.json", "orders.parquet", "fills.parquet", "decisions.parquet", "notes.parquet", "equity.parquet",
    }  # fmt: skip


def test_a_run_without_records_leaves_empty_tables_with_their_columns(open_run) -> None:
    writer, _ = open_run(evidence=("bid_ticks",))
    writer.close()
    run = RunFolder(writer.folder)
    for name in ("orders", "fills", "decisions", "notes", "equity"):
        assert run.table(name).num_rows == 0
    assert run.table("decisions").schema.field("bid_ticks").type == "int64"


def test_a_cut_run_opens(open_run) -> None:
    """Ctrl+C in the middle of a run: what was recorded until then is there."""
    writer, rows = open_run()

    def cut() -> None:
        with writer:
            rows.add("orders", order=1, event=2, lots=5)
            rows.flush("orders")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cut()
    assert RunFolder(writer.folder).table("orders").num_rows == 1
    writer.close()


def test_a_block_of_other_columns_is_refused(open_run) -> None:
    writer, _ = open_run(evidence=("bid_ticks",))
    with pytest.raises(ValueError, match="table decisions: expected columns"):
        writer.block("decisions", ("seq",), array("q", [1]), [""])
    writer.close()


@pytest.mark.parametrize(("gathering", "groups"), [(BULK, [65_536] * 5), (STEADY, [8192] * 40)])
def test_row_groups_are_written_while_the_run_goes_on(open_run, gathering, groups) -> None:
    """Memory holds some row groups at most: of a long run most is on disk before it is closed."""
    writer, _ = open_run(gathering=gathering)
    block = array("q", bytes(8 * len(ORDERS) * 8192))
    for _ in range(40):
        writer.block("orders", ORDERS, block, [""] * 8192)
    assert len(writer.behind.waiting) <= PENDING
    writer.behind.wait()
    assert len(writer.files["orders"].texts) == 0
    writer.close()
    file = pq.ParquetFile(writer.folder / "orders.parquet")
    assert [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)] == groups


def test_nothing_in_a_file_says_where_it_was_made(open_run, tmp_path: Path) -> None:
    writer, _ = open_run("somewhere")
    writer.close()
    for file in writer.folder.iterdir():
        assert b"somewhere" not in file.read_bytes()


def test_codes_may_share_a_name(open_run) -> None:
    """The gate's list of codes has gaps; each of them once brought four bytes of stray memory into the file."""
    writer, rows = open_run(codes=("", "MAX_QTY", *[""] * 1000, "USER_CHECK"))
    for verdict in (0, 1, 2, 1002, 1003):
        rows.add("decisions", verdict=verdict)
    rows.flush()
    writer.close()
    with RunFolder(writer.folder).parquet("decisions") as file:
        assert file.read()["verdict"].to_pylist() == ["PASS", "MAX_QTY", "", "USER_CHECK", None]
        verdict = file.metadata.row_group(0).column(file.schema_arrow.get_field_index("verdict"))
        assert verdict.total_uncompressed_size < 200
