"""The files of ``configs/`` say what they promise."""

from pathlib import Path

import pytest

import tickwright
from tickwright.config import load
from tickwright.document import ConfigError
from tickwright.engine.instrument import Instrument
from tickwright.plugins import load_strategies

FOLDER = Path(tickwright.__file__).resolve().parent.parent / "configs"
NAMES = sorted(path.name for path in FOLDER.glob("*.yaml"))
TDX = ("TDX_USERNAME", "TDX_PASSWORD", "TDX_TOTP_SECRET")


@pytest.fixture
def _login(monkeypatch):
    for name in TDX:
        monkeypatch.setenv(name, "canary")


def test_these_there_are():
    assert {"demo.yaml", "paper_local.yaml", "paper_tdx.yaml", "live_tdx.example.yaml"} <= set(NAMES)


@pytest.mark.usefixtures("_login")
@pytest.mark.parametrize("name", NAMES)
def test_each_loads_and_its_strategies_can_be_made(name):
    config = load(FOLDER / name)
    assert config.name == name.partition(".")[0]
    for strategy in load_strategies(config).values():
        strategy.create()
    for id in config.instruments:
        assert isinstance(config.instrument(id), Instrument)


def test_paper_on_the_local_venue_needs_nothing_else(monkeypatch):
    for name in TDX:
        monkeypatch.delenv(name, raising=False)
    config = load(FOLDER / "paper_local.yaml")
    assert config.mode == "paper"
    assert config.venues["tdx"].local is not None
    assert config.endpoint("tdx") is None


def test_paper_on_the_real_venue_needs_no_key_and_describes_its_instruments(monkeypatch):
    for name in TDX:
        monkeypatch.delenv(name, raising=False)
    config = load(FOLDER / "paper_tdx.yaml")
    assert config.endpoint("tdx").url == "wss://api.t-dx.com/api/ws/v1/streams"
    assert config.venues["tdx"].credentials == {}
    assert set(config.instruments) == {id for one in config.strategies.values() for id in one.instruments}


@pytest.mark.usefixtures("_login")
def test_the_live_example_is_whole_but_for_its_keys(monkeypatch):
    config = load(FOLDER / "live_tdx.example.yaml")
    assert (config.mode, config.on_stop) == ("live", "cancel")
    assert load(FOLDER / "live_tdx.example.yaml", mode="paper").mode == "paper"
    monkeypatch.delenv("TDX_PASSWORD")
    with pytest.raises(ConfigError) as caught:
        load(FOLDER / "live_tdx.example.yaml")
    (fault,) = caught.value.faults
    assert "venues.tdx.credentials.password: expected the environment variable TDX_PASSWORD to be set" in str(fault)
