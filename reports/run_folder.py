"""One run's results on disk: where they go, and how they are found and read again."""

import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from attrs import fields

from tickwright.engine.errors import TickwrightError
from tickwright.engine.instrument import Instrument, Kind
from tickwright.reports.parquet import RUN

TABLES: Final = ("orders", "fills", "decisions", "notes", "equity", "positions")
_DECIMALS: Final = frozenset(
    field.name for field in fields(Instrument) if field.init and field.type in (Decimal, Decimal | None)
)


class RunError(TickwrightError):
    """A run folder cannot be made, found or read; the message names what is missing."""


def run_hash(log_hash: str, portfolio_lines: Iterable[str]) -> str:
    """SHA-256 over the order log, the fills and the final portfolio: equal runs have equal hashes, wherever they ran.

    `log_hash` is the recorder's; `portfolio_lines` say position and money of each line as exact text, in a fixed order.
    """
    total = hashlib.sha256()
    total.update(f"{log_hash}\n".encode())
    for line in portfolio_lines:
        total.update(f"{line}\n".encode())
    return total.hexdigest()


def make_run_folder(root: Path, name: str, config_text: str, config_hash: str, now: datetime) -> Path:
    """Make ``<root>/<utc>-<name>-<hash8>/`` with the resolved ``config.yaml`` in it.

    `now` is the time of day of the start, `config_hash` the hexadecimal hash of the resolved config. Where the folder
    exists already (two runs in one second) a number is added; the name is cut to what any file system takes.

    Raises:
        RunError: the folder cannot be made or written.
    """
    stamp = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    safe = re.sub(r"[^A-Za-z0-9_.-]+", "_", name).strip("._-")[:64] or "run"
    base = f"{stamp}-{safe}-{config_hash[:8]}"
    try:
        root.mkdir(parents=True, exist_ok=True)
        folder = _claim(root, base)
        (folder / "config.yaml").write_text(config_text, encoding="utf-8")
    except OSError as error:
        raise RunError(f"run folder {root / base}: cannot be made: {error.strerror or error}") from None
    return folder


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """What is done inside writes to a run folder: a full disk and the like become a `RunError` that says so."""
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise RunError(
            f"run folder {folder}: cannot be written: {reason}; what reached the disk before is still there"
        ) from error


def _claim(root: Path, base: str) -> Path:
    count = 1
    while True:
        folder = root / (base if count == 1 else f"{base}-{count}")
        try:
            folder.mkdir()
        except FileExistsError:
            count += 1
            continue
        return folder


def write_summary(folder: Path, summary: Mapping[str, object]) -> None:
    """Write ``summary.json``, whole or not at all."""
    part = folder / "summary.json.part"
    part.write_text(json.dumps(summary, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    part.replace(folder / "summary.json")


class RunFolder:
    """A finished (or interrupted) run, read from its folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def open(cls, run: str | Path, root: Path = Path("runs")) -> "RunFolder":
        """A run by its path, or by its id (or any beginning of it that only one run has) under `root`.

        Raises:
            RunError: no such run, several runs that fit, or a folder that holds no run.
        """
        path = Path(run)
        if not path.is_dir():
            path = cls._by_id(str(run), root)
        if not (path / RUN).is_file():
            raise RunError(f"{path}: expected a run folder, found no {RUN} in it")
        return cls(path)

    @staticmethod
    def _by_id(run: str, root: Path) -> Path:
        known = sorted(each.name for each in root.iterdir() if each.is_dir()) if root.is_dir() else []
        if run in known:
            return root / run
        fitting = [name for name in known if run and (name.startswith(run) or run == name.rpartition("-")[2])]
        if len(fitting) == 1:
            return root / fitting[0]
        if fitting:
            raise RunError(f"run {run}: expected one run, found {len(fitting)} in {root}/: {', '.join(fitting[-5:])}")
        latest = f"; the latest are {', '.join(known[-3:])}" if known else ", which holds no runs"
        raise RunError(f"run {run}: expected a folder, or the id of a run in {root}/{latest}")

    @property
    def run_id(self) -> str:
        return self.path.resolve().name

    @cached_property
    def about(self) -> dict[str, Any]:
        """The id prefix, strategies and instruments of the run."""
        return self._json(RUN)

    @cached_property
    def summary(self) -> dict[str, Any]:
        return self._json("summary.json")

    @cached_property
    def config_text(self) -> str:
        return self._text("config.yaml")

    @cached_property
    def instruments(self) -> dict[str, Instrument]:
        """The instruments as they were in the run, by id."""
        return {row["id"]: _instrument(row) for row in self.about["instruments"]}

    def has(self, table: str) -> bool:
        """Whether the run left this table."""
        return (self.path / f"{table}.parquet").is_file()

    def table(self, name: str, columns: list[str] | None = None) -> Any:
        """One of orders, fills, decisions, notes, equity, positions as a pyarrow table.

        Raises:
            RunError: the table is missing, or its file was cut before its end was written.
        """
        import pyarrow.parquet as pq

        with self.parquet(name) as file:
            assert isinstance(file, pq.ParquetFile)
            return file.read(columns=columns)

    def parquet(self, name: str) -> Any:
        """A table's open Parquet file, for reading it a row group at a time."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        if name not in TABLES:
            raise RunError(f"{self.path}: expected one of the tables {', '.join(TABLES)}, received {name}")
        path = self.path / f"{name}.parquet"
        try:
            return pq.ParquetFile(path)
        except FileNotFoundError:
            raise RunError(f"{self.path}: {name}.parquet is missing; did the run end before it was written?") from None
        except (pa.ArrowInvalid, OSError) as error:
            raise RunError(f"{path}: expected a whole Parquet file, but {error}") from None

    def rows(self, table: str, client_order_id: str) -> list[dict[str, Any]]:
        """One order's rows of a table, in the order in which they happened; read a row group at a time."""
        import pyarrow as pa
        import pyarrow.compute as pc

        found: list[dict[str, Any]] = []
        with self.parquet(table) as file:
            for group in range(file.num_row_groups):
                ids = file.read_row_group(group, columns=["client_order_id"])["client_order_id"]
                mask = pc.equal(ids, client_order_id)
                if pc.any(mask).as_py():
                    rows = file.read_row_group(group).filter(mask)
                    at = rows.schema.get_field_index("ts")
                    found += rows.set_column(at, "ts", rows["ts"].cast(pa.int64())).to_pylist()
        return found

    def order_ids(self) -> list[str]:
        """The ids in the order log; one may come more than once."""
        ids: list[str] = self.table("orders", ["client_order_id"])["client_order_id"].to_pylist()
        return ids

    def currency(self, instrument: str) -> str:
        """What fees of an instrument are paid in; empty where the run does not know the instrument."""
        known = self.instruments.get(instrument)
        return known.settle_currency if known else ""

    def _text(self, name: str) -> str:
        try:
            return (self.path / name).read_text(encoding="utf-8")
        except FileNotFoundError:
            raise RunError(f"{self.path}: {name} is missing; did the run end before it was written?") from None

    def _json(self, name: str) -> dict[str, Any]:
        try:
            loaded = json.loads(self._text(name))
        except json.JSONDecodeError as error:
            raise RunError(f"{self.path / name}: expected JSON, but {error}") from None
        if not isinstance(loaded, dict):
            raise RunError(f"{self.path / name}: expected a JSON object, received {type(loaded).__name__}")
        return loaded


def _instrument(row: Mapping[str, Any]) -> Instrument:
    values: dict[str, Any] = {
        name: Decimal(value) if name in _DECIMALS and value is not None else value for name, value in row.items()
    }
    values["kind"] = Kind(values["kind"])
    values["legs"] = tuple((id, ratio) for id, ratio in values.get("legs", ()))
    return Instrument(**values)
