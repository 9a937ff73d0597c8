"""``tickwright journal``: prove, export, or go on without a part that is lost."""

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tickwright.cli import DONE, JOURNAL_REFUSED
from tickwright.commands.options import json_option, print_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tickwright.engine.accepting import Loss
    from tickwright.engine.journal_folder import Folder

RUN = click.argument("run", metavar="RUN", type=click.Path(path_type=str))


@click.group()
def journal() -> None:
    """Look at a run's journal. RUN is its config, its state folder or a run folder."""


@journal.command()
@RUN
@json_option
def verify(run: str, as_json: bool) -> None:
    """Prove every record of RUN's journal, in all its files; ends with 5 and the record's number where one is wrong.

    Nothing is changed; it may be done while the run goes on.
    """
    from tickwright.engine.journal_folder import older_files
    from tickwright.engine.journal_reading import verify_journal
    from tickwright.state import find_state

    folder = find_state(run).path
    end = verify_journal(folder)
    files = len(older_files(folder)) + 1
    if as_json:
        print_json({"ok": True, "records": end.seq, "hash": end.hash.hex(), "files": files, "lost": end.lost})
        return
    click.echo(f"{folder}: {end.seq} records in {files} files, each as it was written")
    if end.lost:
        click.echo(f"{end.lost} rows after the last are damaged; the next start sets them aside and says so")


@journal.command()
@RUN
@click.option("--format", "kind", type=click.Choice(("jsonl", "parquet")), default="jsonl", show_default=True)
@click.option("--out", required=True, metavar="FILE", help="Where to; - is stdout (jsonl).")
@click.option("--after", type=click.IntRange(0), default=0, help="Only records after this number.")
@click.option("--kind", "kinds", multiple=True, metavar="KIND", help="Only records of this kind; may be repeated.")
@json_option
def export(run: str, kind: str, out: str, after: int, kinds: tuple[str, ...], as_json: bool) -> None:
    """Write the records of RUN's journal to a file, the chain checked on the way.

    As lines of JSON, or as a Parquet table with seq, ts, kind and body (JSON). It may be done while the run goes on.
    """
    from tickwright.engine.journal_reading import read_journal, write_lines
    from tickwright.state import find_state

    folder = find_state(run).path
    wanted = (each for each in read_journal(folder, after) if not kinds or each.kind in kinds)
    if kind == "parquet":
        if out == "-":
            raise click.UsageError("--out: expected a file for parquet, got -")
        from tickwright.reports.journal_table import write_table

        count = write_table(wanted, Path(out))
    elif out == "-":
        count = write_lines(wanted, sys.stdout)
    else:
        with Path(out).open("w", encoding="utf-8") as file:
            count = write_lines(wanted, file)
    if as_json and out != "-":
        print_json({"ok": True, "records": count, "out": out})
    else:
        click.echo(f"{count} records", err=True)


@journal.command()
@RUN
@click.option("--keep", type=click.IntRange(1), metavar="NUMBER", help="The last record that is kept, typed again.")
@click.option("--reason", default="", metavar="TEXT", help="For the record; needed with --keep.")
@click.pass_context
def accept_loss(ctx: click.Context, run: str, keep: int | None, reason: str) -> None:
    """Go on without the end of RUN's journal, after a power cut or a damaged disk.

    Says what is lost, and changes nothing. With --keep and the number that it says, the rest is given up: what is
    damaged is set aside in the state folder, and a record says by whom and why. Ends with 5 until then.
    """
    from tickwright.engine.accepting import accept, assess
    from tickwright.state import find_state

    path = find_state(run).path
    with held(path) as folder:
        loss = assess(folder)
        if loss.whole:
            click.echo(f"{path}: all {loss.kept.seq} records are there; nothing is lost, nothing was changed")
            ctx.exit(DONE)
        click.echo(told(path, loss))
        if keep is None:
            command = f'tickwright journal accept-loss {run} --keep {loss.kept.seq} --reason "..."'
            click.echo(f"to go on without it: {command}")
            ctx.exit(JOURNAL_REFUSED)
        if keep != loss.kept.seq:
            raise click.UsageError(f"--keep: expected {loss.kept.seq}, got {keep}; nothing was changed")
        if not reason.strip():
            raise click.UsageError("--reason: expected why, for the record; nothing was changed")
        aside = accept(folder, loss, Now(), operator_name(), reason)
    click.echo(f"{path}: goes on after record {loss.kept.seq}; what was there before is in {path / aside}")


def told(path: Path, loss: "Loss") -> str:
    """The loss in plain words."""
    from tickwright.engine.times import as_text

    lost = f"{loss.lost} records are" if loss.lost != 1 else "1 record is"
    if loss.lost < 0:
        lost = "an unknown number of records may be"
    return (
        f"{path}: {loss.reason.removesuffix('; nothing was changed')}\n"
        f"{lost} lost; the last that can be proven is number {loss.kept.seq}, of {as_text(loss.kept.ts)}.\n"
        "Orders may have been sent and executed since, and kills and states of strategies may be gone.\n"
        "The next start asks the venue: executions since then are booked, and an order of ours that only the lost\n"
        "records knew halts everything until a person has looked. On paper they are simply gone."
    )


class Now:
    """The machine's time."""

    def now(self) -> int:
        import time

        return time.time_ns()


def operator_name() -> str:
    from tickwright.commands.running import operator

    return operator()


@contextmanager
def held(path: Path) -> "Iterator[Folder]":
    """The state folder, held: no run may write meanwhile."""
    from tickwright.engine.journal_folder import Disk, Folder

    folder = Folder(path, Disk())
    folder.enter()
    try:
        folder.take()
        yield folder
    finally:
        folder.leave()
