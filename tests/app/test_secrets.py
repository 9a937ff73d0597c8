"""Secrets: only named in a config, read from private places, never shown."""

import pickle

import pytest

from tickwright.config import load
from tickwright.document import ConfigError
from tickwright.risk_keys import REQUIRED, RISK_KEYS
from tickwright.secrets import Secret, SecretError, SecretRef, no_core_dumps

ID = "BTCUSDT.BINANCE"
CANARY = "canary-8f3a1c77d2e94b06"


def config(mode="backtest", credentials=None, params=None, **changes):
    return {
        "name": "small",
        "mode": mode,
        "account": {"currency": "USDT", "balances": {"USDT": 1000}},
        "venues": {"binance": {"adapter": "tdx", "credentials": credentials or {}}},
        "instruments": {ID: {"tick": "0.01", "lot": "0.01", "base": "BTC", "quote": "USDT"}},
        "data": {"tapes": {ID: "package:demo"}},
        "strategies": {"one": {"use": "maker", "instruments": [ID], "params": params or {}}},
    } | changes


def live(credentials):
    """A live config that lacks nothing but, perhaps, its secrets."""
    limits = dict.fromkeys((name for name, known in RISK_KEYS.items() if known.live is REQUIRED), 1)
    given = config("live", credentials, risk=limits)
    given["venues"]["binance"]["sub_account_id"] = "3d5a9f10-6c2e-4b7a-8f11-0a1b2c3d4e5f"
    given["strategies"]["one"]["allow"] = [ID]
    return given


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
    loaded = load(config("paper", {"api_key": "${env:TICKWRIGHT_TEST_KEY}"}))
    assert loaded.secrets("binance")["api_key"].reveal() == CANARY
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


def test_a_missing_secret_is_refused_before_a_live_run_and_not_asked_for_before(tmp_path):
    credentials = {"username": "${env:TICKWRIGHT_NO_SUCH_NAME}", "password": "${file:" + str(tmp_path / "gone") + "}"}
    load(config("backtest", credentials))
    load(config("paper", credentials))
    text = refusal(live(credentials))
    assert "credentials.username: expected the environment variable TICKWRIGHT_NO_SUCH_NAME to be set" in text
    assert f"venues.binance.credentials.password: {tmp_path / 'gone'}: expected a readable file" in text


@pytest.mark.parametrize(
    "given",
    [
        config(credentials={"api_key": CANARY}),
        config(params={"api_key": CANARY}),
        config(params={"note": f"-----BEGIN PRIVATE KEY-----{CANARY}"}),
        config(state="-----BEGIN EC PRIVATE KEY-----" + CANARY),
    ],
)
def test_a_secret_written_into_a_config_is_refused_and_not_repeated(given):
    text = refusal(given)
    assert "not shown" in text
    assert CANARY not in text


def test_a_process_that_holds_secrets_leaves_no_core():
    import resource

    before = resource.getrlimit(resource.RLIMIT_CORE)
    no_core_dumps()
    try:
        assert resource.getrlimit(resource.RLIMIT_CORE)[0] == 0
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, before)


def test_references_are_read_only_among_credentials():
    assert "${...} is read only under venues.<name>.credentials" in refusal(config(state="${env:HOME}"))
