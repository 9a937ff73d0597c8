"""``doctor``: each check on something that is as it must be and on something that is not, against real sockets."""

import datetime
import fcntl
import json
import socket
import ssl
from email.utils import format_datetime
from functools import partial

import pytest
import trio
import trustme

from tickwright import doctor
from tickwright.cli import run as tickwright
from tickwright.config import load
from tickwright.doctor import examine, healthy, nearest_existing
from tickwright.engine.errors import TickwrightError
from tickwright.reach import HEAD_BYTES, Unreachable, reach
from tickwright.risk_keys import REQUIRED, RISK_KEYS
from tickwright.state import StateFolder

ID = "BTC/CHF.TDX"
NOW = 1_795_323_600.0
UUID = "3d5a9f10-6c2e-4b7a-8f11-0a1b2c3d4e5f"


def stamp(seconds):
    return format_datetime(datetime.datetime.fromtimestamp(seconds, datetime.UTC), usegmt=True)


def answer(date=None, extra=""):
    head = f"HTTP/1.1 404 Not Found\r\n{extra}"
    return (head + (f"Date: {date}\r\n" if date else "") + "\r\n").encode()


@pytest.fixture
async def venue(nursery):
    """A host that answers HTTP with what it is given; ``venue(reply)`` is its port."""

    async def serve(reply, context=None):
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")

        async def attend(stream):
            try:
                if context is not None:
                    stream = trio.SSLStream(stream, context, server_side=True, https_compatible=True)
                    await stream.do_handshake()
                if reply is None:
                    await trio.sleep_forever()
                if await stream.receive_some(4096):
                    await stream.send_all(reply)
                    await stream.aclose()
            except (trio.BrokenResourceError, ssl.SSLError):
                return

        nursery.start_soon(partial(trio.serve_listeners, attend, listeners))
        return listeners[0].socket.getsockname()[1]

    return serve


def config(port, tmp_path, mode="paper", **changes):
    given = {
        "name": "quotes",
        "mode": mode,
        "account": {"currency": "CHF", "balances": {"CHF": 1000}},
        "venues": {
            "tdx": {
                "adapter": "tdx",
                "url": f"ws://127.0.0.1:{port}/ws",
                "http_url": f"http://127.0.0.1:{port}/api",
                "allow_insecure_loopback": True,
            }
        },
        "instruments": {ID: {"tick": "0.5", "lot": "0.001", "base": "BTC", "quote": "CHF"}},
        "strategies": {"maker": {"use": "market_maker", "instruments": [ID], "allow": [ID]}},
        "risk": {name: 1 for name, known in RISK_KEYS.items() if known.live is REQUIRED},
        "state": str(tmp_path / "state"),
        "runs": str(tmp_path / "runs"),
    }
    return load(given | changes)


async def told(config, **given):
    async def instruments(config, name):
        return {ID: config.instrument(ID)}

    found = await examine(config, **({"asked": instruments, "wall": lambda: NOW} | given))
    return {one.check: one for one in found}


async def test_all_is_well(venue, tmp_path):
    port = await venue(answer(stamp(NOW)))
    found = await told(config(port, tmp_path))
    assert {one.status for one in found.values()} == {"ok", "skip"}
    assert healthy(list(found.values()))
    assert found["strategies"].text == "maker: MarketMaker"
    assert found["clock tdx"].text == "ours is -1000 to +0 ms ahead of the venue's"
    assert found["instruments tdx"].text == f"{ID} (tick 0.5, lot 0.001)"
    assert "without TLS" in found["reach tdx"].text
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize(
    ("ahead", "status"),
    [(0, "ok"), (-0.2, "ok"), (1.2, "ok"), (1.3, "warn"), (-0.5, "warn"), (2.1, "fail"), (-1.1, "fail"), (-60, "fail")],
)
async def test_the_clock_fails_only_if_the_whole_interval_is_outside(venue, tmp_path, ahead, status):
    """The venue tells whole seconds, so a difference of a second proves nothing."""
    port = await venue(answer(stamp(NOW)))
    limited = {name: 1 for name, known in RISK_KEYS.items() if known.live is REQUIRED}
    limited |= {"clock_warn_ms": 250, "clock_max_ms": 1000}
    found = await told(config(port, tmp_path, risk=limited), wall=lambda: NOW + ahead)
    # The venue's clock is somewhere in its second: ahead of its start by 0 to 1000 ms.
    assert found["clock tdx"].status == status, found["clock tdx"].text


@pytest.mark.parametrize("date", [None, "yesterday", "\xff", "Mon, 99 Foo 2026 00:00:00 GMT"])
async def test_a_venue_that_tells_no_time_is_not_measured(venue, tmp_path, date):
    port = await venue(answer(date))
    found = await told(config(port, tmp_path))
    assert (found["clock tdx"].status, found["clock tdx"].text) == ("skip", "the venue does not tell its time")


async def test_a_host_that_is_not_there(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    found = await told(config(port, tmp_path))
    assert found["reach tdx"].status == "fail"
    assert f"127.0.0.1:{port}: expected a connection, got:" in found["reach tdx"].text
    assert found["instruments tdx"].status == "skip"


async def test_a_host_without_address(monkeypatch):
    async def none(*_, **__):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr("trio.open_tcp_stream", none)
    with pytest.raises(Unreachable, match=r"nowhere.invalid: expected an address, got none: Name or service not known"):
        await reach("wss://nowhere.invalid/")


async def test_a_host_that_says_nothing_is_given_up(venue, autojump_clock):
    port = await venue(None)
    with pytest.raises(Unreachable, match=r"127.0.0.1: expected an answer to HTTP within 5 s, got none"):
        await reach(f"http://127.0.0.1:{port}/")
    with pytest.raises(Unreachable, match=r"127.0.0.1: expected TLS within 5 s, got none"):
        await reach(f"https://127.0.0.1:{port}/")


async def test_a_connection_that_hangs_is_given_up(monkeypatch, autojump_clock):
    async def hang(*_, **__):
        await trio.sleep_forever()

    monkeypatch.setattr("trio.open_tcp_stream", hang)
    with pytest.raises(Unreachable, match="expected a connection within 5 s, got none"):
        await reach("wss://api.t-dx.com/")


async def test_an_answer_without_end_is_read_to_a_bound(venue):
    port = await venue(b"HTTP/1.1 200 OK\r\nX: " + b"x" * HEAD_BYTES * 4)
    assert (await reach(f"http://127.0.0.1:{port}/")).ahead_ms is None


async def test_words_that_are_no_tls_are_told(venue, tmp_path):
    port = await venue(b"hello\r\n")
    with pytest.raises(Unreachable, match=r"127.0.0.1: expected trusted TLS, got: "):
        await reach(f"wss://127.0.0.1:{port}/")


async def test_tls_must_be_trusted(venue):
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    port = await venue(answer(stamp(NOW)), context)
    with pytest.raises(Unreachable, match="expected trusted TLS, got: unable to get local issuer certificate"):
        await reach(f"wss://127.0.0.1:{port}/")
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    reached = await reach(f"https://127.0.0.1:{port}/", context=trusting, wall=lambda: NOW)
    assert reached.tls.startswith("TLSv1.")
    assert reached.ahead_ms == (-1000.0, 0.0)
    with pytest.raises(Unreachable, match="expected trusted TLS"):
        await reach(f"wss://localhost:{port}/", context=trusting)


# --- what is on this machine ------------------------------------------------------------------------------------------


def live(port, tmp_path, **credentials):
    venue = {
        "adapter": "tdx",
        "sub_account_id": UUID,
        "url": f"ws://127.0.0.1:{port}/ws",
        "http_url": f"http://127.0.0.1:{port}/api",
        "allow_insecure_loopback": True,
        "local_credentials": {"username": "${env:TW_USER}", "password": "${file:key}"} | credentials,
    }
    return partial(config, port, tmp_path, mode="live", venues={"tdx": venue})


async def test_secrets_are_looked_at_one_by_one(venue, tmp_path, monkeypatch):
    monkeypatch.setenv("TW_USER", "canary")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "key").write_text("canary")
    (tmp_path / "key").chmod(0o600)
    port = await venue(answer(stamp(NOW)))
    loaded = live(port, tmp_path)()
    found = await told(loaded)
    assert found["secret tdx.username"].text == "${env:TW_USER} is readable, by us alone"
    assert found["limits"].text == "all 8 that live requires are stated"
    assert healthy(list(found.values()))
    (tmp_path / "key").chmod(0o644)
    found = await told(loaded)
    assert found["secret tdx.password"].status == "fail"
    assert "expected a file that only its owner can read (0600), got 0644" in found["secret tdx.password"].text
    assert not healthy(list(found.values()))
    assert "canary" not in repr(found)


async def test_paper_only_warns_of_secrets_that_it_does_not_need(venue, tmp_path, monkeypatch):
    monkeypatch.delenv("TW_USER", raising=False)
    port = await venue(answer(stamp(NOW)))
    venues = {
        "adapter": "tdx",
        "url": f"ws://127.0.0.1:{port}/",
        "http_url": f"http://127.0.0.1:{port}/",
        "allow_insecure_loopback": True,
        "local_credentials": {"username": "${env:TW_USER}"},
    }
    found = await told(config(port, tmp_path, venues={"tdx": venues}))
    assert found["secret tdx.username"].status == "warn"
    assert healthy(list(found.values()))


async def test_limits_of_paper_are_told_for_live(venue, tmp_path):
    port = await venue(answer(stamp(NOW)))
    found = await told(config(port, tmp_path, risk={"max_order_qty": 1}))
    assert "live would also require max_order_notional, max_position" in found["limits"].text
    assert found["limits"].status == "ok"


async def test_the_state_folder(venue, tmp_path):
    port = await venue(answer(stamp(NOW)))
    loaded = config(port, tmp_path)
    folder = StateFolder.make(tmp_path / "state")
    assert (await told(loaded))["state folder"].status == "ok"
    folder.kill_file.write_text("not today")
    found = await told(loaded)
    assert found["KILL file"].status == "warn"
    assert found["KILL file"].text.endswith("the run will start with global killed: not today")
    with (folder.path / "journal.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write("4711\n")
        lock.flush()
        found = await told(loaded)
        assert "expected to be alone, found process 4711" in found["state folder"].text
        assert found["state folder"].status == "fail"
    folder.path.chmod(0o755)
    found = await told(loaded)
    assert "found 0755 (chmod 700 makes it right)" in found["state folder"].text


async def test_a_full_disk(venue, tmp_path):
    port = await venue(answer(stamp(NOW)))
    found = await told(config(port, tmp_path, risk={"journal_min_free_mb": 10**9}))
    assert found["disk state"].status == found["disk runs"].status == "fail"
    assert nearest_existing(tmp_path / "a" / "b") == tmp_path


async def test_no_leave_to_make_the_state_folder(venue, tmp_path, monkeypatch):
    port = await venue(answer(stamp(NOW)))
    loaded = config(port, tmp_path)
    monkeypatch.setattr(doctor.os, "access", lambda *_: False)
    assert (await told(loaded))["state folder"].status == "fail"
    StateFolder.make(tmp_path / "state")
    assert "expected a folder that we may write to" in (await told(loaded))["state folder"].text


async def test_a_strategy_that_cannot_be_loaded(venue, tmp_path):
    port = await venue(answer(stamp(NOW)))
    broken = {"maker": {"use": "no.such:Thing", "instruments": [ID], "allow": [ID]}}
    found = await told(config(port, tmp_path, strategies=broken))
    assert found["strategies"].status == "fail"
    assert "strategies.maker.use" in found["strategies"].text


STRATEGY = """from tickwright import Strategy

class Mine(Strategy):
    pass
"""


@pytest.mark.parametrize(("mode", "status"), [("paper", "warn"), ("live", "fail")])
async def test_a_strategy_that_everybody_may_change(venue, tmp_path, mode, status, monkeypatch):
    monkeypatch.setenv("TW_USER", "canary")
    (tmp_path / "key").write_text("canary")
    (tmp_path / "key").chmod(0o600)
    (tmp_path / "mine.py").write_text(STRATEGY)
    port = await venue(answer(stamp(NOW)))
    monkeypatch.chdir(tmp_path)
    mine = {"maker": {"use": "./mine.py:Mine", "instruments": [ID], "allow": [ID]}}
    make = live(port, tmp_path) if mode == "live" else partial(config, port, tmp_path)
    loaded = make(strategies=mine)
    assert "strategy maker" not in await told(loaded)
    (tmp_path / "mine.py").chmod(0o666)
    found = await told(loaded)
    assert found["strategy maker"].status == status
    assert found["strategy maker"].text.endswith("mine.py: everybody may write there, and it runs as us")


# --- instruments ------------------------------------------------------------------------------------------------------


async def refuses(config, name):
    raise TickwrightError("TDX: expected the list of pairs, received 503")


async def hangs(config, name):
    await trio.sleep_forever()


async def knows_nothing(config, name):
    return {}


async def test_paper_takes_the_config_s_word_where_the_venue_is_silent(venue, tmp_path):
    port = await venue(answer(stamp(NOW)))
    found = await told(config(port, tmp_path), asked=refuses)
    assert found["instruments tdx"].text.startswith(f"{ID}: as the config says")
    assert found["instruments tdx"].status == "ok"


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        (refuses, "TDX: expected the list of pairs, received 503"),
        (knows_nothing, f"expected {ID} at the venue, got none"),
    ],
)
async def test_an_instrument_that_nobody_describes_fails(venue, tmp_path, asked, text):
    port = await venue(answer(stamp(NOW)))
    found = await told(config(port, tmp_path, instruments={}), asked=asked)
    assert (found["instruments tdx"].status, found["instruments tdx"].text) == ("fail", text)


async def test_a_venue_that_does_not_answer_is_given_up(venue, tmp_path, autojump_clock):
    port = await venue(answer(stamp(NOW)))
    loaded = config(port, tmp_path, instruments={})
    found = await told(loaded, asked=hangs)
    assert found["instruments tdx"].text == "expected an answer within 20 s, got none"


# --- the verb ---------------------------------------------------------------------------------------------------------


LOCAL = f"""name: quotes
mode: paper
account: {{currency: CHF, balances: {{CHF: 1000}}}}
venues: {{tdx: {{adapter: tdx, local: true}}}}
strategies: {{maker: {{use: market_maker, instruments: [{ID}]}}}}
"""


def test_the_verb_prints_a_table_or_json(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "quotes.yaml").write_text(LOCAL)
    assert tickwright(["doctor", "quotes.yaml"]) == 0
    out = capsys.readouterr().out
    assert "venue tdx     -   served on this machine for the run" in out
    assert tickwright(["doctor", "quotes.yaml", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] is True
    assert {"config", "strategies", "limits", "secrets", "state folder"} <= {one["check"] for one in told["findings"]}


def test_a_config_that_does_not_load_is_a_finding(tmp_path, capsys):
    (tmp_path / "quotes.yaml").write_text(LOCAL.replace("mode: paper", "mode: papre"))
    assert tickwright(["doctor", str(tmp_path / "quotes.yaml")]) == 1
    out = capsys.readouterr().out
    assert "FAIL" in out
    assert "quotes.yaml:2: mode: expected backtest, paper or live, got 'papre'" in out
    assert tickwright(["doctor", str(tmp_path / "gone.yaml"), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["ok"] is False
