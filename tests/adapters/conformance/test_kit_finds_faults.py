"""Each check of the kit fails for a venue with the fault that it is there to find, and says what is wrong.

The venue is the one that a new adapter begins as, with one line of it turned into a mistake that people make.
"""

import importlib
import json
from decimal import Decimal

import pytest
from attrs import evolve

from tickwright.adapters.conformance.declared import faults
from tickwright.adapters.conformance.fuzz import check_fuzz
from tickwright.adapters.conformance.parity import check_parity
from tickwright.adapters.conformance.samples import check_sample, chosen, read_samples
from tickwright.adapters.conformance.tests import played
from tickwright.adapters.conformance.troubles import (
    check_bad_frames,
    check_gap,
    check_lost_ack,
    check_market_data,
    check_reconnect,
)


@pytest.fixture
def venue(acme):
    return acme.TestKitAcme.venue


@pytest.fixture
def part(acme):
    """A module of the venue, by its name."""
    return lambda name: importlib.import_module(f"kit_acme.{name}")


def sample(venue, kind):
    return next(each for each in chosen(venue) if each.kind == kind)


def test_a_declaration_that_contradicts_itself_is_told(part):
    declared = part("settings").KIT_ACME
    assert faults(declared) == []
    twice = (*declared.settings, evolve(declared.settings[0], kind="choice"), evolve(declared.settings[0], name="url"))
    told = faults(evolve(declared, hosts=("elsewhere.example",), needed=("password",), settings=twice, mirror="json"))
    assert [line.partition(":")[0] for line in told] == [
        "hosts", "hosts", "needed", "settings", "settings.messages_per_s", "mirror", "mirror",
    ]  # fmt: skip
    assert "url" in told[3]
    assert "messages_per_s" in told[3]


def test_a_sample_that_means_something_else_is_told(venue):
    with pytest.raises(AssertionError, match=r"line 2 \(in welcome\) of invented: expected Denied, received Welcome"):
        check_sample(evolve(venue, expected={"": venue.expected["denied"]}), sample(venue, "welcome"))
    with pytest.raises(AssertionError, match="expected a reader of this kind in `readers`"):
        check_sample(evolve(venue, readers={"http": print}), sample(venue, "welcome"))
    with pytest.raises(AssertionError, match="expected its meaning in `expected`"):
        check_sample(evolve(venue, expected={}), sample(venue, "welcome"))
    with pytest.raises(AssertionError, match=r"expected it to be understood, received .*trade\.price"):
        check_sample(venue, evolve(sample(venue, "trade"), message={**sample(venue, "trade").message, "price": "1e5"}))


def test_a_message_that_we_would_say_otherwise_is_told(venue):
    with pytest.raises(
        AssertionError, match=r"line 12 \(out cancel\).*expected .*'request': 3.*received .*'request': 4"
    ):
        check_sample(
            evolve(venue, encode=lambda one: json.dumps({**one.message, "request": 4})), sample(venue, "cancel")
        )


def test_a_file_of_samples_that_is_none_is_told(tmp_path):
    path = tmp_path / "samples.jsonl"
    with pytest.raises(AssertionError, match="expected a file of samples"):
        read_samples(path)
    path.write_text("\n")
    with pytest.raises(AssertionError, match="received an empty file"):
        read_samples(path)
    path.write_text('{"direction": "in", "kind": "x"}\n')
    with pytest.raises(
        AssertionError, match=r"samples.jsonl:1: expected the keys .* received none of \['source', 'mes"
    ):
        read_samples(path)


def test_a_codec_that_stumbles_is_told_with_the_mutant(venue, part):
    codec = part("codec")

    def careless(data):
        told = json.loads(data)
        return codec.Welcome() if told["type"] == "welcome" else None

    with pytest.raises(
        AssertionError, match=r"a mutant of line 2 \(in welcome\) raised (KeyError|TypeError|JSONDecode)"
    ):
        check_fuzz(evolve(venue, readers={"": careless}), sample(venue, "welcome"))


def test_a_codec_that_takes_anything_is_told(venue, part):
    unrecognised = part("codec").Unrecognised(kind="")
    with pytest.raises(AssertionError, match="expected BadMessage, received Unrecognised"):
        check_fuzz(evolve(venue, readers={"": lambda data: unrecognised}), sample(venue, "welcome"))


def test_a_refusal_without_a_field_is_told(venue, part, monkeypatch):
    monkeypatch.setattr(part("codec").BadMessage, "field", "", raising=False)

    def nameless(data):
        raise part("codec").BadMessage("", "something", "something else")

    with pytest.raises(AssertionError, match="expected BadMessage to name a field"):
        check_fuzz(evolve(venue, readers={"": nameless}), sample(venue, "welcome"))


def failing(check, *given):
    """What a check says that does not pass."""
    with pytest.raises(AssertionError) as caught:
        played(check, *given)
    return str(caught.value)


@pytest.mark.slow
def test_a_link_that_does_not_subscribe_again_is_found(venue, part, monkeypatch, tmp_path):
    ready, times = part("link").Link._ready, []

    def once(self, at):
        times.append(at)
        events = ready(self, at)
        if len(times) > 1:
            self._out.clear()
            self._asked.clear()
        return events

    monkeypatch.setattr(part("link").Link, "_ready", once)
    assert "that the run knows what the venue knows" in failing(check_reconnect, venue, tmp_path)


@pytest.mark.slow
def test_a_link_that_counts_nothing_misses_the_gap(venue, part, monkeypatch, tmp_path):
    book = part("link").Link._book

    def trusting(self, told, at):
        if not told.whole and told.instrument in self._last:
            self._last[told.instrument] = told.seq - 1
        return book(self, told, at)

    monkeypatch.setattr(part("link").Link, "_book", trusting)
    assert "expected BookLost within 40 s" in failing(check_gap, venue, tmp_path)


@pytest.mark.slow
def test_a_venue_that_knows_no_order_when_it_is_asked_is_found(venue, part, monkeypatch, tmp_path):
    async def nothing(self, *given):
        return None

    async def empty(self, *given):
        return ()

    monkeypatch.setattr(part("queries").Queries, "order", nothing)
    monkeypatch.setattr(part("queries").Queries, "open_orders", empty)
    told = failing(check_lost_ack, venue, tmp_path, "silence")
    assert "the order to be found by asking" in told


@pytest.mark.slow
def test_a_wire_that_sends_twice_is_found(venue, part, monkeypatch, tmp_path):
    submit = part("venue").KitAcme.submit

    def twice(self, order):
        submit(self, order)
        submit(self, order)

    monkeypatch.setattr(part("venue").KitAcme, "submit", twice)
    told = failing(check_lost_ack, venue, tmp_path, "disconnect")
    assert "expected 1 frames at the venue, it has 2" in told or "to be sent once" in told


@pytest.mark.slow
def test_a_link_that_tells_nobody_of_bad_frames_is_found(venue, part, monkeypatch, tmp_path):
    link = part("link")
    monkeypatch.setattr(link.Link, "receive", silent(link))
    assert "expected frames that cannot be read to be told as refused" in failing(check_bad_frames, venue, tmp_path)


def silent(link):
    def receive(self, frame, at):
        try:
            return self._meaning(frame, at)
        except link.BadMessage:
            return []

    return receive


@pytest.mark.slow
def test_a_codec_that_forgets_what_is_gone_is_found(venue, part, monkeypatch, tmp_path):
    book = part("codec").Codec._book

    def hoarding(self, data):
        told = book(self, data)
        return evolve(told, changes=tuple(change for change in told.changes if change[2]))

    monkeypatch.setattr(part("codec").Codec, "_book", hoarding)
    assert "that the book is " in failing(check_market_data, venue, tmp_path)


@pytest.mark.slow
def test_a_venue_that_charges_more_than_is_said_is_found(venue, part, monkeypatch, tmp_path):
    monkeypatch.setattr(part("exchange"), "TAKER_FEE", Decimal("0.002"))
    assert "seed 1: the simulator comes to" in failing(check_parity, venue, tmp_path, 1)


@pytest.mark.slow
def test_a_venue_that_fills_another_first_is_found(venue, part, monkeypatch, tmp_path):
    market = part("exchange").Market

    def pushy(self, order):
        line = self.orders[order.side]
        line.insert(sum(1 for other in line if order.side * (other.ticks - order.ticks) > 0), order)
        self.changed(order)

    monkeypatch.setattr(market, "rest", pushy)
    assert "the simulator says" in failing(check_parity, venue, tmp_path, 1)
