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
POWERTRADE = ("POWERTRADE_API_KEY", "POWERTRADE_PRIVATE_KEY")


@pytest.fixture
def _login(monkeypatch):
    for name in (*TDX, *POWERTRADE):
        monkeypatch.setenv(name, "canary")


def test_these_there_are():
    ours = {"demo.yaml", "paper_local.yaml", "rfq_local.yaml", "two_venues_local.yaml"}
    real = {f"{kind}_{venue}.yaml" for kind in ("paper", "live") for venue in ("tdx", "powertrade")}
    assert ours | {name.replace(".", ".example.") if name.startswith("live") else name for name in real} <= set(NAMES)


@pytest.mark.usefixtures("_login")
@pytest.mark.parametrize("name", NAMES)
def test_each_loads_and_its_strategies_can_be_made(name):
    config = load(FOLDER / name)
    assert config.name == name.partition(".")[0]
    for strategy in load_strategies(config).values():
        strategy.create()
    for id in config.instruments:
        assert isinstance(config.instrument(id), Instrument)


@pytest.mark.parametrize("name", [name for name in NAMES if name.endswith("_local.yaml")])
def test_a_config_with_local_venues_needs_nothing_else_and_runs_on_paper_too(name, monkeypatch):
    for variable in (*TDX, *POWERTRADE):
        monkeypatch.delenv(variable, raising=False)
    for config in (load(FOLDER / name), load(FOLDER / name, mode="paper")):
        assert all(venue.local is not None for venue in config.venues.values())
        assert all(config.endpoint(venue) is None for venue in config.venues)
        assert not any(venue.credentials or venue.local_credentials for venue in config.venues.values())


def test_paper_on_the_real_venue_needs_no_key_and_describes_its_instruments(monkeypatch):
    for name in TDX:
        monkeypatch.delenv(name, raising=False)
    config = load(FOLDER / "paper_tdx.yaml")
    assert config.endpoint("tdx").url == "wss://api.t-dx.com/api/ws/v1/streams"
    assert config.venues["tdx"].credentials == {}
    assert set(config.instruments) == {id for one in config.strategies.values() for id in one.instruments}


def test_paper_on_the_real_powertrade_needs_no_key_and_asks_the_venue_for_its_instruments(monkeypatch):
    for name in POWERTRADE:
        monkeypatch.delenv(name, raising=False)
    config = load(FOLDER / "paper_powertrade.yaml")
    where = config.endpoint("powertrade")
    assert (where.url, where.http_url) == ("wss://proxy.ptlab.link", "https://proxy.ptlab.link")
    assert config.venues["powertrade"].credentials == {}
    assert config.instruments == {}


@pytest.mark.usefixtures("_login")
@pytest.mark.parametrize(
    ("venue", "key", "variable"),
    [("tdx", "password", "TDX_PASSWORD"), ("powertrade", "private_key", "POWERTRADE_PRIVATE_KEY")],
)
def test_the_live_examples_are_whole_but_for_their_keys(venue, key, variable, monkeypatch):
    path = FOLDER / f"live_{venue}.example.yaml"
    config = load(path)
    assert (config.mode, config.on_stop) == ("live", "cancel")
    assert load(path, mode="paper").mode == "paper"
    monkeypatch.delenv(variable)
    with pytest.raises(ConfigError) as caught:
        load(path)
    (fault,) = caught.value.faults
    assert f"venues.{venue}.credentials.{key}: expected the environment variable {variable} to be set" in str(fault)
