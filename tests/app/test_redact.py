"""Secrets never show: twenty canaries through every path that ends before a person's eyes."""

import io
import json
import logging
import os
import stat
import traceback

import pytest
import trio
from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st

from tickwright.engine.secret import Secret
from tickwright.engine.terms import OrderEvent, OrderState
from tickwright.engine.wire import LoginRefused
from tickwright.live_view import View
from tickwright.redact import HIDDEN, Cleaned, Redactor
from tickwright.run_log import RunLog
from tickwright.shown import text as shown_text
from tickwright.state import StateError

NOW = 1_795_323_600_000_000_000
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJ1aWQiOiJjYW5hcnktand0In0.c2lnLWNhbmFyeS0x"
PEM = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIcanaryPEMcanaryPEM\n-----END EC PRIVATE KEY-----"
KNOWN = ("canary-password-1", "canary|totp\\2", "canary\nkey\n3", 'canary"secret"4', "canary-ünï-5")
"""Secrets of the run: their texts are known."""


def redactor():
    return Redactor([Secret(one) for one in KNOWN])


PLANTED = {
    "a password in a message": (f"login as desk with {KNOWN[0]} failed", KNOWN[0]),
    "its form in a repr": (f"sent {KNOWN[1]!r}", repr(KNOWN[1])[1:-1]),
    "its form in JSON": (f"sent {json.dumps(KNOWN[2])}", json.dumps(KNOWN[2])[1:-1]),
    "with quotes in it": (f"sent {KNOWN[3]}", KNOWN[3]),
    "in another alphabet": (f"sent {KNOWN[4]}", KNOWN[4]),
    "a token of the venue": (f"frame {{'a': '{JWT}'}}", "eyJ1aWQi"),
    "a token cut off": (f"frame {JWT[:40]}", JWT[5:35]),
    "a bearer header": ("Authorization: Bearer canary-opaque-8", "canary-opaque-8"),
    "a bearer header as JSON": ('{"Authorization": "Bearer canary-opaque-9"}', "canary-opaque-9"),
    "a signed header": ("TDXV1-HMAC-SHA256 ApiKey=canary-10 Nonce=1 Signature=canary-10s", "canary-10"),
    "a key file": (f"loaded {PEM} from x", "canaryPEM"),
    "a key file cut off": (f"loaded {PEM[:45]}", "MHcCAQEE"),
    "a query": ("GET https://api.t-dx.com/x?listenKey=canary-13&y=1 failed", "canary-13"),
    "a user of an address": ("proxy http://me:canary-14@127.0.0.1:8080/", "canary-14"),
    "a field by its name": ('{"password": "canary-15", "username": "desk"}', "canary-15"),
    "a field of python": ("{'api_secret': 'canary-16'}", "canary-16"),
    "an argument": ("connect(totp_secret=canary-17, port=1)", "canary-17"),
    "an escaped body": ('body "{\\"refreshToken\\": \\"canary-18\\"}"', "canary-18"),
    "a cookie": ("Set-Cookie: session=canary-19; Secure", "canary-19"),
    "an environment": ("TW_API_KEY=canary-20 TW_NAME=x", "canary-20"),
}


def test_there_are_twenty():
    assert len(PLANTED) == 20
    for planted, canary in PLANTED.values():
        assert canary in planted


def assert_clean(text):
    for name, (_, canary) in PLANTED.items():
        assert canary not in text, name
    for canary in KNOWN:
        assert canary not in text


def failing():
    """An error as a login makes one, with a cause and in a group, all canaries in its words."""
    errors = []
    for planted, _ in PLANTED.values():
        try:
            try:
                raise ConnectionError(planted)
            except ConnectionError as cause:
                raise LoginRefused(f"TDX: {planted}") from cause
        except LoginRefused as error:
            errors.append(error)
    return ExceptionGroup("unhandled", errors)


def test_texts():
    clean = redactor()
    for planted, _ in PLANTED.values():
        text = clean.text(planted)
        assert_clean(text)
        assert HIDDEN in text


def test_traces_groups_and_causes():
    error = failing()
    redactor().scrub(error)
    trace = "".join(traceback.format_exception(error))
    assert_clean(trace)
    assert trace.count("LoginRefused") >= 20
    assert "ConnectionError" in trace


def test_crash_reports():
    with pytest.raises(ExceptionGroup) as caught, redactor().crash_reports():
        raise failing()
    assert_clean("".join(traceback.format_exception(caught.value)))
    assert_clean(repr(caught.value))


def test_an_error_of_the_system_and_a_note_are_cleaned():
    error = OSError(5, f"cannot send {KNOWN[0]}")
    error.add_note(f"while sending {KNOWN[0]}")
    error.__cause__ = error
    with pytest.raises(OSError, match="cannot send") as caught, redactor().crash_reports():
        raise error
    assert KNOWN[0] not in "".join(traceback.format_exception(caught.value))


@pytest.fixture
def log(tmp_path):
    """A log of a run, with the canaries among its secrets; its file and what it told a person."""
    echoed = []
    made = RunLog(lambda: NOW, redactor(), echoed.append)
    made.echoed = echoed
    made.told("before there is a file")
    made.open(tmp_path / "log.jsonl", "run-1", "k7tw", ("BTC/CHF.TDX",), ("maker",))
    yield made
    made.close()


def lines(tmp_path):
    return [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]


def test_every_way_into_the_log(log, tmp_path):
    maker = log.strategy("maker")
    for planted, canary in PLANTED.values():
        log.told(planted)
        maker.info(planted, note=planted, frame={"a": [planted, {"b": planted.encode()}]}, token=canary)
        with log.libraries():
            logging.getLogger("trio-websocket").warning("frame %s", planted)
    try:
        raise failing()
    except ExceptionGroup:
        maker.exception("handler failed")
    log.strategy("maker").warning("odd", client_order_id="k7tw-3", secret_of_mine=KNOWN[0])
    raw = (tmp_path / "log.jsonl").read_text()
    assert_clean(raw)
    assert_clean("\n".join(log.echoed))
    assert len(raw.splitlines()) == 1 + 20 * 3 + 2
    assert "LoginRefused" in raw


def test_every_line_says_of_which_run_and_strategy_and_order_it_is(log, tmp_path):
    log.strategy("maker").info("quoting", client_order_id="k7tw-3")
    first, second = lines(tmp_path)
    assert first["run_id"] == second["run_id"] == "run-1"
    assert first["event"] == "before there is a file"
    wanted = {"strategy_id": "maker", "client_order_id": "k7tw-3", "event": "quoting", "severity": "info"}
    assert wanted.items() <= second.items()
    assert log.echoed[1:] == ["maker: quoting client_order_id=k7tw-3"]
    assert second["at"] == "2026-11-22T05:00:00.000000000Z"


def rows(*row):
    import numpy as np

    return np.array(row, np.int64)


def test_records_of_the_core_are_lines_too(log, tmp_path):
    columns = ("seq", "ts", "order", "market", "strategy", "event", "state")
    row = rows(1, NOW, 12, 0, 0, OrderEvent.REJECT, OrderState.REJECTED)
    log.block("orders", columns, row, ["insufficient balance for " + KNOWN[0]])
    log.block("orders", columns, rows(2, NOW, -3, 0, -1, OrderEvent.ADOPT, OrderState.OPEN), [""])
    log.block("notes", ("seq", "ts", "severity"), rows(3, NOW, 3), ["the journal failed"])
    log.block("equity", ("seq", "ts"), rows(4, NOW), [""])
    _, order, external, note = lines(tmp_path)
    assert order == {
        "at": "2026-11-22T05:00:00.000000000Z",
        "severity": "info",
        "run_id": "run-1",
        "client_order_id": "k7tw-12",
        "strategy_id": "maker",
        "instrument": "BTC/CHF.TDX",
        "state": "REJECTED",
        "reason": f"insufficient balance for {HIDDEN}",
        "event": "reject",
    }
    assert (external["client_order_id"], external["strategy_id"]) == ("external-3", "")
    assert (note["severity"], note["event"]) == ("critical", "the journal failed")


def test_the_file_is_ours_alone_and_never_a_link(log, tmp_path):
    assert stat.S_IMODE((tmp_path / "log.jsonl").stat().st_mode) == 0o600
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StateError, match="found a symbolic link"):
        RunLog(lambda: NOW).open(tmp_path / "link", "x", "x", (), ())


def test_a_log_that_has_grown_begins_anew(log, tmp_path, monkeypatch):
    monkeypatch.setattr("tickwright.run_log.SIZE_MAX", 600)
    for number in range(10):
        log.told(f"line {number}")
    assert [line["event"] for line in lines(tmp_path)][-1] == "line 9"
    assert (tmp_path / "log.jsonl").stat().st_size <= 600
    assert (tmp_path / "log.jsonl.1").stat().st_size <= 600


def test_a_full_disk_stops_no_run(log, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    log.told("lost")
    assert log.lost == 1


def test_a_library_that_formats_wrongly_is_logged_all_the_same(log, tmp_path):
    with log.libraries():
        logging.getLogger("x").warning("%d things", "no")
        logging.getLogger("x").error("worse")
        logging.getLogger("x").info("chatter")
    assert [(line["severity"], line["event"]) for line in lines(tmp_path)[1:]] == [
        ("warning", "%d things"),
        ("error", "worse"),
    ]


async def test_the_terminal(log, nursery):
    out = io.StringIO()
    view = View(out, line_s=0.01)
    log.echo = view.say
    for planted, _ in PLANTED.values():
        log.told(planted)
    with trio.move_on_after(0.3):
        await view.show(lambda: SNAPSHOT)
    assert_clean(out.getvalue())
    assert "login as desk" in out.getvalue()


SNAPSHOT = {
    "run_id": "r",
    "name": "quotes",
    "mode": "paper",
    "status": "trading",
    "uptime_s": 1.0,
    "pid": 1,
    "venues": [],
    "books": [],
    "strategies": [],
    "orders": [],
    "open_orders": 0,
    "money": dict.fromkeys(("currency", "pnl", "realised", "unrealised", "fees", "equity"), "0"),
    "denials": [],
    "latches": [],
    "loop_lag_ms": {"p50": 0.0, "p99": 0.0, "max": 0.0},
    "journal": {"healthy": True, "reason": "", "lag_ms": 0.0, "records": 0},
    "counters": {},
}


def test_records_pass_clean_to_where_they_are_kept():
    class Kept:
        texts = ()

        def block(self, table, columns, rows, texts):
            self.texts += tuple(texts)

    kept = Kept()
    sink = Cleaned(kept, redactor())
    planted = [one for one, _ in PLANTED.values()]
    sink.block("notes", (), None, planted)
    sink.block("orders", (), None, ["", *planted])
    assert_clean("\n".join(kept.texts))
    assert len(kept.texts) == 41
    sink.block("fills", (), None, ["trade-1"])
    assert kept.texts[-1] == "trade-1"


def test_values_that_hold_a_secret():
    @define
    class Login:
        password: Secret = field(factory=lambda: Secret(KNOWN[0]))

    for holder in (Login(), [Login()], {"x": Login()}):
        assert KNOWN[0] not in repr(holder)
    assert KNOWN[0] not in repr(redactor()) + str(redactor())
    assert redactor().event(None, "info", {"held": Secret(KNOWN[0]), "n": 1, "none": None}) == {
        "held": HIDDEN,
        "n": 1,
        "none": None,
    }
    with pytest.raises(TypeError):
        json.dumps(Secret(KNOWN[0]))


def test_what_is_deep_or_long_is_cut():
    nested = value = []
    for _ in range(50):
        value.append([])
        value = value[0]
    value.append(KNOWN[0])
    clean = redactor()
    assert KNOWN[0] not in json.dumps(clean.value(nested))
    assert len(clean.text("x" * 1_000_000)) == 1 << 14


@pytest.mark.parametrize(
    "text",
    [
        "BTC/CHF.TDX: expected sequence 1042, received 1047",
        "k7tw-12: filled 0.25 at 61250.5, fee 0.3",
        "kill strategy maker: odd fills",
        "wss://api.t-dx.com/api/ws/v1/streams: link up",
        "the price is = 5 and the total: 7",
    ],
)
def test_ordinary_words_stay(text):
    assert redactor().text(text) == text


def test_short_secrets_are_not_looked_for():
    assert Redactor([Secret("abc")]).text("abcabc") == "abcabc"


@given(st.text(max_size=80), st.text(max_size=80))
def test_a_known_secret_never_passes(before, after):
    for canary in KNOWN:
        assert canary not in redactor().text(before + canary + after)


def test_the_words_of_status_are_clean():
    assert HIDDEN in shown_text({**SNAPSHOT, "run_id": redactor().text(KNOWN[0])})
