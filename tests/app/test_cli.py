"""The command line: verbs, exit codes, what goes to stdout and what to stderr, and how fast help answers."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import tickwright
from tickwright.cli import EXIT_CODES, VERBS, cli, run
from tickwright.config import load

DEMO = Path(tickwright.__file__).resolve().parent.parent / "configs" / "demo.yaml"


@pytest.fixture
def demo(tmp_path, monkeypatch):
    """The demo with a strategy of our own, in a folder that is the working directory."""
    (tmp_path / "mine.py").write_text(
        "from decimal import Decimal\nfrom attrs import define\nfrom tickwright import Strategy\n"
        "@define(kw_only=True)\nclass Mine(Strategy):\n    size: Decimal\n    quiet: bool = False\n"
    )
    (tmp_path / "demo.yaml").write_text(DEMO.read_text().replace("market_maker", "./mine.py:Mine"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "demo.yaml"


@pytest.mark.usefixtures("demo")
def test_check_shows_every_value_and_where_it_came_from(capsys):
    assert run(["check", "demo.yaml", "--set", "risk.max_order_qty=2"]) == 0
    out, err = capsys.readouterr()
    rows = {line.split()[0]: line.split()[1:] for line in out.splitlines()}
    lines = Path("demo.yaml").read_text().splitlines()
    at = next(number for number, line in enumerate(lines, 1) if line.startswith("  max_position"))
    assert rows["risk.max_order_qty"] == ["2", "--set"]
    assert rows["risk.max_position"] == ["5", f"demo.yaml:{at}"]
    assert rows["risk.max_open_orders"] == ["20", "default"]
    assert rows["simulator.latency"][0] == "5ms"
    assert rows["strategies.maker.params.size"][0] == "0.01"
    assert rows["strategies.maker.params.quiet"] == ["false", "default"]
    assert "can be run" in err


@pytest.mark.usefixtures("demo")
def test_check_as_json_is_one_object(capsys):
    assert run(["check", "demo.yaml", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["ok"], answer["name"], answer["hash8"]) == (True, "demo", load("demo.yaml").hash8)
    assert answer["config"]["risk"]["max_order_qty"] == "1"
    assert answer["origins"]["journal.durability"] == "default"
    assert answer["classes"]["maker"].endswith(":Mine")


def test_check_prints_the_schema_without_a_config(capsys):
    assert run(["check", "--schema"]) == 0
    assert "max_order_qty" in json.loads(capsys.readouterr().out)["properties"]["risk"]["properties"]


@pytest.mark.usefixtures("demo")
@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("risk.max_order_qty=abc", "--set: risk.max_order_qty: expected a positive decimal, got 'abc'"),
        ("strategies.maker.params.size=x", "--set: strategies.maker.params.size: expected a decimal, got 'x'"),
        ("strategies.maker.params.sise=1", "got 'sise' (did you mean 'size'?)"),
        ("strategies.maker.use=./gone.py:Mine", "--set: strategies.maker.use: expected a file at ./gone.py, got none"),
        ("strategies.maker.use=market_makr", "(did you mean 'market_maker'?)"),
    ],
)
def test_a_bad_config_is_exit_code_2_with_one_line_an_error_on_stderr(setting, message, capsys):
    assert run(["check", "demo.yaml", "--set", setting, "--json"]) == 2
    out, err = capsys.readouterr()
    assert len(err.splitlines()) == 1
    assert message in err
    assert json.loads(out) == {"ok": False, "errors": err.splitlines()}


def test_a_missing_file_is_exit_code_2(tmp_path, capsys):
    assert run(["check", str(tmp_path / "gone.yaml")]) == 2
    assert (
        capsys.readouterr().err
        == f"{tmp_path / 'gone.yaml'}: expected a readable file, got: No such file or directory\n"
    )


@pytest.mark.parametrize("arguments", [["chek"], ["check"], ["check", "--nope"], ["new", "strategy", "1x"], ["new"]])
def test_wrong_usage_is_exit_code_2_and_leaves_stdout_empty(arguments, capsys):
    assert run(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err


def test_every_verb_of_the_table_is_a_command_with_the_exit_codes_documented(capsys):
    assert run(["--help"]) == 0
    out = capsys.readouterr().out
    assert "2  bad config or usage" in out
    for code in range(9):
        assert f"  {code}  " in EXIT_CODES
    for name in VERBS:
        assert run([name, "--help"]) == 0
        assert name in out
    assert cli.get_command(None, "nothing") is None  # type: ignore[arg-type]


def test_strategies_list_names_what_is_installed(capsys):
    assert run(["strategies", "list", "--json"]) == 0
    assert "market_maker" in [one["name"] for one in json.loads(capsys.readouterr().out)]


def test_new_strategy_writes_three_files_once(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(["new", "strategy", "my_maker"]) == 0
    assert capsys.readouterr().out.split() == ["my_maker.py", "my_maker.yaml", "test_my_maker.py"]
    for name in ("my_maker.py", "test_my_maker.py"):
        ast.parse((tmp_path / name).read_text())
    assert "class MyMaker(Strategy)" in (tmp_path / "my_maker.py").read_text()
    assert load(tmp_path / "my_maker.yaml").strategies["my_maker"].use == "./my_maker.py:MyMaker"
    (tmp_path / "my_maker.py").write_text("mine")
    assert run(["new", "strategy", "my_maker"]) == 2
    assert (tmp_path / "my_maker.py").read_text() == "mine"


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert run(["new", "strategy", "mine", "--dir", str(tmp_path / "file" / "under")]) == 1
    assert capsys.readouterr().err == f"tickwright: {tmp_path / 'file' / 'under'}: Not a directory\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only some systems have a full device")
def test_a_full_disk_under_stdout_is_one_line():
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-c", "from tickwright.cli import main; main()", "strategies", "list"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr) == (1, "tickwright: stdout: No space left on device\n")


def test_help_imports_nothing_heavy():
    """Help answers in under 0.3 s; what would break that is an import, and an import can be seen exactly."""
    code = (
        "import sys; from tickwright.cli import run; run(['--help']);"
        "heavy = {'numpy', 'pyarrow', 'rich', 'ruamel', 'trio', 'structlog', 'attrs', 'tickwright.config'};"
        "sys.exit(','.join(sorted(heavy & set(sys.modules))) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
