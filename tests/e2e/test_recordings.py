"""Recorded markets as they are: sizes off the lot, inverse contracts, prices on the venue's own grid."""

import json

import pytest
from click.testing import CliRunner
from e2e_rig import ID, config, generate, play

from tickwright.adapters.tape import TapeError, write_tape
from tickwright.cli import cli


def test_level_sizes_off_the_lot_are_rounded_and_said(tmp_path) -> None:
    tape = generate(1000).copy()
    levels = [int(row) for row in ((tape["kind"] == 0) & (tape["qty"] > 0)).nonzero()[0][5:500:100]]
    tape["qty"][levels] += 0.004
    whole, rounded = play(generate(1000)), play(tape)
    assert whole.summary["rounded"] == {}
    assert rounded.summary["rounded"] == {ID: {"levels": len(levels), "first_row": levels[0]}}
    assert rounded.run_hash == whole.run_hash
    notes = rounded.run.table("notes")["text"].to_pylist()
    assert (
        notes[-1] == f"{ID}: 5 level sizes off the lot, rounded to whole lots, the first in row {levels[0]} of the tape"
    )


def test_trade_sizes_off_the_lot_are_refused() -> None:
    tape = generate(1000).copy()
    tape["qty"][(tape["kind"] == 1).nonzero()[0][3]] += 0.004
    with pytest.raises(TapeError, match="a multiple of the lot"):
        play(tape)


def test_the_command_says_what_was_rounded(tmp_path) -> None:
    tape = generate(300).copy()
    tape["qty"][10] = 0.001
    write_tape(tmp_path / "off.parquet", [{name: tape[name] for name in tape.dtype.names}])
    (tmp_path / "off.yaml").write_text(json.dumps(config(data={"tapes": {ID: "off.parquet"}})))
    ran = CliRunner().invoke(cli, ["run", str(tmp_path / "off.yaml"), "--json"])
    assert ran.exit_code == 0, ran.output
    assert f"{ID}: 1 level size off the lot, rounded to whole lots, the first in row 10 of the tape" in ran.stderr
    assert json.loads(ran.stdout)["rounded"] == {ID: {"levels": 1, "first_row": 10}}
