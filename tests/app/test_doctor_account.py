"""The doctor at a venue whose public side answers anybody: that the account's keys are taken is asked for, too."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tickwright.cli import run as tickwright

CONFIG = """name: quotes
mode: live
account: {{currency: USD, balances: {{USD: 100000}}}}
venues:
  powertrade:
    adapter: powertrade
    url: {ws_url}
    http_url: {http_url}
    allow_insecure_loopback: true
    local_credentials:
      api_key: ${{env:TW_KEY}}
      private_key: ${{file:{private_key_file}}}
strategies:
  maker:
    use: market_maker
    instruments: [BTC-USD.POWERTRADE]
    allow: [BTC-USD.POWERTRADE]
    params: {{behind_ticks: 4, post_only: false}}
risk:
  max_order_qty: 1
  max_order_notional: 100000
  max_position: 5
  max_gross_notional: 1000000
  max_traded_notional: 1000000
  max_daily_loss: 100000
  max_strategy_position: 5
  max_strategy_loss: 100000
"""


@pytest.fixture
def served():
    """What a local PowerTrade in a process of its own says of itself."""
    command = [sys.executable, "-c", "from tickwright.cli import main; main()", "venue", "serve"]
    process = subprocess.Popen([*command, "powertrade", "--json"], stdout=subprocess.PIPE, text=True)
    yield json.loads(process.stdout.readline())
    process.terminate()
    process.communicate(timeout=10)


@pytest.mark.slow
def test_a_key_that_the_venue_does_not_take_fails(served, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TW_KEY", served["api_key"])
    Path("quotes.yaml").write_text(CONFIG.format_map(served))
    assert tickwright(["doctor", "quotes.yaml"]) == 0, capsys.readouterr().out
    other = Path("other.pem")
    key = ec.generate_private_key(ec.SECP256R1())
    other.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()))
    other.chmod(0o600)
    Path("quotes.yaml").write_text(CONFIG.format_map({**served, "private_key_file": other.resolve()}))
    capsys.readouterr()
    assert tickwright(["doctor", "quotes.yaml"]) == 1
    out = capsys.readouterr().out
    assert "the venue does not tell of the account" in out
    assert "Unauthorized" in out
