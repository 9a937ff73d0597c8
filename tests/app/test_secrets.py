"""Secrets: only named in a config, read from private places, never shown."""

import pickle

import pytest

from tickwright.config import load
from tickwright.document import ConfigError
from tickwright.secrets import Secret, SecretError, SecretRef

ID = "BTCUSDT.BINANCE"
CANARY = "canary-8f3a1c77d2e94b06"


def config(mode="backtest", credentials=None, params=None, **changes):
    return {
        "name": "small",
        "mode": mode,
        "account": {"currency": "USDT", "balances": {"USDT": 1000}},
        "venues": {"binance": {"adapter": "sim", "credentials": credentials or {}}},
        "instruments": {ID: {"tick": "0.01", "lot": "0.01", "base": "BTC", "quote": "USDT"}},
        "data": {"tapes": {ID: "package:demo"}},
        "strategies": {"one": {"use": "maker", "instruments": [ID], "params": params or {}}},
    } | changes


def refusal(given):
    with pytest.raises(ConfigError) as caught:
        load(given)
    return str(caught.value)


def test_a_secret_shows_itself_to_nobody():
    secret = Secret(CANARY)
    assert [str(secret), repr(secret), f"{secret}", f"{[secret]}"] == ["***", "***", "***", "[***]"]
    assert secret.reveal() == CANARY
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(secret)


def test_a_secret_is_read_from_the_environment_when_asked_for(monkeypatch):
    monkeypatch.setenv("TICKWRIGHT_TEST_KEY", CANARY)
    loaded = load(config("paper", {"key": "${env:TICKWRIGHT_TEST_KEY}"}))
    assert loaded.secrets("binance")["key"].reveal() == CANARY
    assert CANARY not in repr(loaded) + loaded.canonical()


def test_a_secret_file_must_be_private(tmp_path):
    path = tmp_path / "key"
    path.write_text(f"{CANARY}\n")
    path.chmod(0o600)
    assert SecretRef("${file:key}").read(tmp_path).reveal() == CANARY
    for mode in (0o640, 0o604, 0o660):
        path.chmod(mode)
        with pytest.raises(SecretError, match=f"expected a file that only its owner can read .0600., got {mode:04o}"):
            SecretRef("${file:key}").read(tmp_path)


def test_a_missing_secret_is_refused_before_a_paper_run_and_not_asked_for_in_a_backtest(tmp_path):
    credentials = {"key": "${env:TICKWRIGHT_NO_SUCH_KEY}", "pem": "${file:" + str(tmp_path / "gone") + "}"}
    load(config("backtest", credentials))
    text = refusal(config("paper", credentials))
    assert "venues.binance.credentials.key: expected the environment variable TICKWRIGHT_NO_SUCH_KEY to be set" in text
    assert f"venues.binance.credentials.pem: {tmp_path / 'gone'}: expected a readable file" in text


@pytest.mark.parametrize(
    "given",
    [
        config(credentials={"key": CANARY}),
        config(params={"api_key": CANARY}),
        config(params={"note": f"-----BEGIN PRIVATE KEY-----{CANARY}"}),
        config(state="-----BEGIN EC PRIVATE KEY-----" + CANARY),
    ],
)
def test_a_secret_written_into_a_config_is_refused_and_not_repeated(given):
    text = refusal(given)
    assert "not shown" in text
    assert CANARY not in text


def test_references_are_read_only_among_credentials():
    assert "${...} is read only under venues.<name>.credentials" in refusal(config(state="${env:HOME}"))
