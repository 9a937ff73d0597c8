"""A journal of several files: the newest is enough to go on, all of them are one chain, and no crash comes between."""

import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickwright.engine.chain import Head, JournalDamaged, JournalError, Record
from tickwright.engine.instrument import Instrument
from tickwright.engine.journal import Journal
from tickwright.engine.journal_folder import Disk, older_files
from tickwright.engine.journal_reading import open_reading, read_journal, verify_journal
from tickwright.engine.portfolio import Portfolio

DATA = Path(__file__).parent / "data"


class Still:
    """A clock that stands."""

    def now(self) -> int:
        return 1_700_000_000_000_000_000


def opened(folder: Path, disk: Disk | None = None) -> Journal:
    return Journal.open(folder, clock=Still(), disk=disk)


def note(journal: Journal, number: int) -> None:
    journal.append("note", {"n": number, "text": "x" * (number % 50)}, number)
    assert journal.commit()


def notes(folder: Path) -> list[int]:
    return [record.plain()["n"] for record in read_journal(folder) if record.kind == "note"]


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A journal of three files."""
    folder = tmp_path_factory.mktemp("journals") / "state"
    journal = opened(folder)
    for number in range(90):
        if number in (30, 60):
            assert journal.rotate({"orders": [number]})
        note(journal, number)
    journal.store().save("maker", {"n": 1})
    journal.close()
    return folder


def copy(folder: Path, to: Path) -> Path:
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(folder, to)
    to.chmod(0o700)
    return to


def test_files_follow_each_other_and_are_read_as_one(three: Path, tmp_path: Path) -> None:
    assert len(older_files(three)) == 2
    assert notes(three) == list(range(90))
    records = list(read_journal(three))
    assert [record.seq for record in records] == list(range(1, len(records) + 1))
    assert verify_journal(three).seq == len(records)
    for after in (1, 31, 32, 33, 64, 65, len(records) - 1):
        assert list(read_journal(three, after)) == records[after:]
    journal = opened(copy(three, tmp_path / "again"))
    assert journal.known.states == {"maker": {"n": 1}}
    assert next(iter(journal.records())).kind == "checkpoint"
    assert journal.prefix == records[0].plain()["prefix"]
    assert len(list(journal.records())) < 40, "only the last file is read at the start"
    journal.close()


def test_what_is_only_in_earlier_files_is_known_still(tmp_path: Path) -> None:
    journal = opened(tmp_path / "state")
    journal.append("baseline", {"balances": {"CHF": "7"}}, 5)
    journal.append("run", {"instruments": {}}, 6)
    journal.latch_store().save("latched")
    journal.store().save("maker", {"n": 3})
    nonce = journal.counter("nonce").take()
    journal.number_used(41)
    prefix = journal.prefix
    for _ in range(2):
        assert journal.rotate({})
    journal.close()
    again = opened(tmp_path / "state")
    assert again.prefix == prefix
    assert again.known.baseline == {"balances": {"CHF": "7"}, "ts": 5}
    assert (again.known.run, again.known.runs) == ({"instruments": {}}, 1)
    assert again.latch_store().load() == "latched"
    assert again.store().load("maker") == {"n": 3}
    assert again.counter("nonce").take() > nonce
    assert again.next_order_number == 42
    again.close()


def test_the_oldest_files_are_taken_away_and_that_is_recorded(tmp_path: Path) -> None:
    journal = opened(tmp_path / "state")
    journal.bound(1, 50_000)
    assert journal.full
    for number in range(12):
        note(journal, number)
        assert journal.rotate({})
    journal.close()
    files = older_files(tmp_path / "state")
    assert 0 < sum(path.stat().st_size for path in files) <= 50_000
    assert notes(tmp_path / "state") == list(range(12 - len(files), 12))
    gone = [record.plain()["file"] for record in read_journal(tmp_path / "state") if record.kind == "retired"]
    assert gone
    assert not {path.name for path in files} & set(gone)
    verify_journal(tmp_path / "state")


def test_a_reader_goes_on_into_the_next_file(tmp_path: Path) -> None:
    journal = opened(tmp_path / "state")
    for number in range(5):
        note(journal, number)
    reading = read_journal(tmp_path / "state")
    first = next(reading)
    assert not journal.rotate({}), "the log cannot be emptied while somebody reads"
    rest = list(reading)
    assert journal.rotate({})
    note(journal, 5)
    assert [record.seq for record in (first, *rest)] == list(range(1, len(rest) + 2))
    assert notes(tmp_path / "state") == list(range(6))
    journal.close()


def test_a_reader_that_stays_harms_nobody(tmp_path: Path) -> None:
    journal = opened(tmp_path / "state")
    note(journal, 0)
    reader = open_reading(tmp_path / "state")
    before = reader.execute("SELECT count(*) FROM records").fetchone()
    assert journal.rotate({})
    for number in range(1, 200):
        note(journal, number)
    assert reader.execute("SELECT count(*) FROM records").fetchone() == before
    reader.close()
    journal.close()
    assert notes(tmp_path / "state") == list(range(200))


def test_a_second_name_that_a_crash_left_is_read_once(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    journal = opened(folder)
    note(journal, 0)
    journal.close()
    last = verify_journal(folder).seq
    (folder / f"journal-{last:012d}.db").hardlink_to(folder / "journal.db")
    assert notes(folder) == [0]
    assert [record.seq for record in read_journal(folder)] == list(range(1, last + 1))
    assert verify_journal(folder).seq == last
    opened(folder).close()
    assert not (folder / f"journal-{last:012d}.db").exists()


STEPS = ("link", "replace", "remove", "sync", "overwrite", "connect")


class Failing(Disk):
    """A disk that fails at one of its steps, counted from when it is armed."""

    def __init__(self, step: str, nth: int) -> None:
        super().__init__(self.opening)  # type: ignore[arg-type]
        self.step, self.left = step, nth
        self.armed = False

    def opening(self, path: str, **how: object) -> sqlite3.Connection:
        self.at("connect")
        return sqlite3.connect(path, **how)  # type: ignore[arg-type]

    def at(self, step: str) -> None:
        if self.armed and step == self.step:
            self.left -= 1
            if self.left == 0:
                raise OSError(5, "Input/output error")

    def link(self, old: str, new: str, place: int) -> None:
        self.at("link")
        super().link(old, new, place)

    def replace(self, old: str, new: str, place: int) -> None:
        self.at("replace")
        super().replace(old, new, place)

    def remove(self, name: str, place: int) -> None:
        self.at("remove")
        super().remove(name, place)

    def sync(self, file: int) -> None:
        self.at("sync")
        super().sync(file)

    def overwrite(self, file: int, text: bytes) -> None:
        self.at("overwrite")
        super().overwrite(file, text)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("nth", [1, 2, 3, 5, 6])
def test_whatever_fails_while_a_file_is_begun_nothing_is_lost(tmp_path: Path, step: str, nth: int) -> None:
    disk = Failing(step, nth)
    journal = opened(tmp_path / "state", disk)
    note(journal, 0)
    disk.armed = True
    begun = journal.rotate({})
    disk.armed = False
    assert begun or not journal.dead or "the next file could not be begun" in journal.dead
    expected = [0]
    if not journal.dead:
        note(journal, 1)
        expected = [0, 1]
    journal.close()
    again = opened(tmp_path / "state")
    note(again, 2)
    again.close()
    assert notes(tmp_path / "state") == [*expected, 2]
    verify_journal(tmp_path / "state")
    assert not (tmp_path / "state" / "journal.next").exists()


# --- harm -------------------------------------------------------------------------------------------------------------


def given_back(folder: Path) -> list[Record]:
    """What it opens with, without what opening adds."""
    journal = opened(folder)
    try:
        return [record for record in journal.records() if record.kind in ("note", "checkpoint", "state")]
    finally:
        journal.close()


def flips(path: Path, places: Iterator[int] | list[int], to: Path) -> Iterator[Path]:
    original = path.read_bytes()
    for place in places:
        spoilt = bytearray(original)
        spoilt[place // 8] ^= 1 << place % 8
        folder = copy(path.parent, to)
        (folder / path.name).write_bytes(spoilt)
        (folder / path.name).chmod(0o600)
        yield folder


def test_a_turned_bit_in_the_newest_file_changes_nothing_or_is_found(three: Path, tmp_path: Path) -> None:
    whole = given_back(copy(three, tmp_path / "whole"))
    dice = Random(5)
    size = 8 * (three / "journal.db").stat().st_size
    refused = 0
    for folder in flips(three / "journal.db", [dice.randrange(size) for _ in range(250)], tmp_path / "harmed"):
        try:
            assert given_back(folder) == whole
        except JournalError:
            refused += 1
    assert refused > 25


def test_a_turned_bit_in_an_older_file_is_found_or_changes_nothing(three: Path, tmp_path: Path) -> None:
    whole = list(read_journal(three))
    dice = Random(6)
    older = older_files(three)[0]
    refused = 0
    for folder in flips(older, [dice.randrange(8 * older.stat().st_size) for _ in range(150)], tmp_path / "harmed"):
        assert given_back(copy(folder, tmp_path / "opened")), "it is not needed to go on"
        try:
            assert list(read_journal(folder)) == whole
        except JournalError:
            refused += 1
            with pytest.raises(JournalError):
                verify_journal(folder)
    assert refused > 15


def test_files_that_are_missing_exchanged_or_put_back_are_found(three: Path, tmp_path: Path) -> None:
    first, second = (path.name for path in older_files(three))
    folder = copy(three, tmp_path / "one")
    (folder / second).unlink()
    with pytest.raises(JournalDamaged, match="expected a file that follows"):
        list(read_journal(folder))
    folder = copy(three, tmp_path / "two")
    shutil.copy(folder / first, folder / second)
    with pytest.raises(JournalDamaged):
        list(read_journal(folder))
    folder = copy(three, tmp_path / "three")
    shutil.copy(folder / second, folder / "journal.db")
    with pytest.raises(JournalDamaged, match=f"record {verify_journal(three).seq - 32 + 1}|expected records up to"):
        opened(folder)
    folder = copy(three, tmp_path / "four")
    head = Head(3, bytes(32)).text()
    (folder / "journal.head").write_bytes(head)
    with pytest.raises(JournalDamaged, match="expected a file that goes on from"):
        opened(folder)


def test_what_a_file_follows_must_be_said(three: Path, tmp_path: Path) -> None:
    for statement in (
        "DELETE FROM origin",
        "UPDATE origin SET seq = seq + 1",
        "UPDATE origin SET hash = zeroblob(32)",
        "UPDATE origin SET seq = 'x'",
        "DROP TABLE origin",
        "DELETE FROM records WHERE kind = 'checkpoint'",
        "INSERT INTO origin SELECT * FROM origin",
    ):
        folder = copy(three, tmp_path / "origin")
        connection = sqlite3.connect(folder / "journal.db")
        connection.execute(statement)
        connection.commit()
        connection.close()
        with pytest.raises(JournalDamaged):
            opened(folder)


# --- earlier versions -------------------------------------------------------------------------------------------------


def first_version(folder: Path) -> str:
    """A journal as the first version's program left it; its prefix."""
    text = (DATA / "journal_v1.sql").read_text()
    folder.mkdir(0o700)
    connection = sqlite3.connect(folder / "journal.db")
    connection.executescript(text)
    connection.close()
    (folder / "journal.head").write_text(text.partition("Head: ")[2].partition("\n")[0] + "\n")
    for path in folder.iterdir():
        path.chmod(0o600)
    return text.partition('"prefix":"')[2][:6]


def test_a_journal_of_the_first_version_is_read_and_gone_on_with(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    prefix = first_version(folder)
    assert [record.kind for record in read_journal(folder)] == [
        *("journal", "counter", "baseline", "note", "latches", "state", "counter")
    ]
    assert verify_journal(folder).seq == 7
    journal = opened(folder)
    assert (journal.prefix, journal.next_order_number) == (prefix, 8)
    assert journal.store().load("maker") == {"n": 3}
    note(journal, 1)
    assert journal.rotate({})
    note(journal, 2)
    journal.close()
    assert [record.plain().get("n") for record in read_journal(folder) if record.kind == "note"] == [None, 1, 2]
    again = opened(folder)
    assert again.prefix == prefix
    again.close()


# --- money ------------------------------------------------------------------------------------------------------------


MOVES = st.lists(
    st.tuples(
        st.sampled_from(["fill", "fill", "fill", "reverse", "reprice", "adjust", "transfer"]),
        st.integers(0, 1),
        st.sampled_from([-1, 0]),
        st.sampled_from([1, -1]),
        st.integers(1, 10**9),
        st.integers(1, 10**12),
        st.integers(0, 1),
    ),
    max_size=30,
)


def play(books: Portfolio, moves: list[tuple[str, int, int, int, int, int, int]]) -> None:
    from decimal import Decimal

    for move, market, owner, side, lots, ticks, maker in moves:
        fee = Decimal(lots % 7) / 100 if lots % 3 == 0 else None
        match move:
            case "fill":
                books.fill(market, owner, side, lots, ticks, maker, fee)
            case "reverse":
                books.reverse(market, owner, side, lots, ticks, maker, fee)
            case "reprice":
                books.reprice(market, owner, side, lots, ticks, ticks + 3, maker)
            case "adjust":
                books.cash_adjust(Decimal(side * lots) / 1000, "funding", market, owner)
            case "transfer":
                books.transfer("USD", Decimal(side * lots), "adopted", "XYZ")


@given(MOVES, MOVES)
def test_books_that_recover_a_memo_go_on_as_those_that_gave_it(before: list, after: list) -> None:  # type: ignore[type-arg]
    from decimal import Decimal

    spot = Instrument(
        id="ABC/USD.XYZ", tick_size=Decimal("0.5"), lot_size=Decimal("0.1"), base="ABC", quote="USD",
        maker_fee=Decimal("-0.0001"), taker_fee=Decimal("0.0007"),
    )  # fmt: skip
    other = Instrument(id="DEF/USD.XYZ", tick_size=Decimal("0.01"), lot_size=Decimal(1), base="DEF", quote="USD")

    def books() -> Portfolio:
        made = Portfolio((spot, other), ("maker",), currency="USD", balances={"USD": Decimal(1000)})
        made.open_at("XYZ", {"USD": Decimal(500)})
        return made

    one, two = books(), books()
    play(one, before)
    one.mark(5, [10, 20])
    two.recover(one.memo())
    two.mark(5, [10, 20])
    for each in (one, two):
        play(each, after)
        each.mark(6, [None, 21])
    assert one.memo() == two.memo()
    assert one.equity == two.equity
    assert one.balances() == two.balances()
    assert one.balance("USD", "XYZ") == two.balance("USD", "XYZ")
    for first, second in zip((one.account, *one.ledgers), (two.account, *two.ledgers), strict=True):
        assert first.total == second.total
        for line, twin in zip(first.lines, second.lines, strict=True):
            assert (line.lots, line.cash, line.fees, line.realized, line.avg_px) == (
                *(twin.lots, twin.cash, twin.fees, twin.realized, twin.avg_px),
            )


def test_a_memo_leaves_out_nothing_that_a_line_or_books_keep() -> None:
    """Whoever adds an attribute is to say here whether it moves with the memo."""
    from tickwright.engine.cost import OpenCost
    from tickwright.engine.position import Position

    derived = {
        *("instrument", "digits", "inverse", "inverse_num", "inverse_den", "unit_atoms", "half_atoms", "maker_atoms"),
        *("taker_atoms", "gain_atoms", "pico", "pico_small", "gain_num", "gain_den", "cash_known", "cash_as_of"),
    }
    names = declared("position.pxd") | declared("cost.pxd")
    source = (Path(__file__).parents[2] / "engine" / "position.py").read_text()
    memo = source.partition("def memo(")[2].partition("def recover(")[0]
    assert {name for name in names - derived if f"self.{name}" not in memo} == set()
    assert {"lots", "far_cost", "adjusted"} <= names
    assert Position.memo is not OpenCost
    told = declared("portfolio.pxd")
    carried = {"account", "ledgers", "marks", "transferred", "held_at", "adjustments", "digits", "payments"}
    # What the config and the baseline say, what is read anew from the market, and what the journal's own day says.
    anew = {"currency", "instruments", "rates", "scale", "rate_of", "opening", "meters", "opening_worth", "day"}
    assert told - carried - anew == set(), "is it in Portfolio.memo?"


def declared(header: str) -> set[str]:
    """The attributes that a header gives its class."""
    text = (Path(__file__).parents[2] / "engine" / header).read_text()
    lines = [line.strip() for line in text.splitlines() if line.startswith("    cdef ") and "(" not in line]
    return {line.split()[-1] for line in lines}
