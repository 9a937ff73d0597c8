"""What a scalar's text means, by the type that is wanted."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tickwright import scalars
from tickwright.document import Place, Scalar
from tickwright.scalars import Refused

PLAIN_TRAPS = [
    *("no", "yes", "on", "off", "y", "n", "No", "YES", "On", "true", "False", "~", "null", "", "=", "<<"),
    *("012", "12:30:45", "1_000", "0x1F", "0o17", "0b1", "1e3", "5", ".5", "1.", ".inf", "-.INF", ".nan", "2024-01-01"),
]
NOT_NUMBERS = [
    *("no", "on", "true", "~", "", "012", "00.5", "-01", "12:30:45", "1_000", "0x1F", "0o17", "2024-01-01"),
    *(".inf", ".nan", "inf", "nan", "+1", ".5", "5.", "1e", "1,5", "1e999", "1e-41", "1" + 40 * "0", "\uff11"),
    *(" 1", "1 ", "1\n"),
]


def plain(text):
    return Scalar(Place("f"), text)


def quoted(text):
    return Scalar(Place("f"), text, quoted=True)


@pytest.mark.parametrize("text", PLAIN_TRAPS)
def test_text_that_some_yaml_reads_as_something_else_must_be_quoted(text):
    with pytest.raises(Refused):
        scalars.text(plain(text))
    assert scalars.text(quoted(text)) == text


@pytest.mark.parametrize("text", ["binance", "./my.py:Class", "v1.2.3", "BTC/CHF.TDX", "nope", "08:00-16:30", "1INCH"])
def test_ordinary_text_needs_no_quotes(text):
    assert scalars.text(plain(text)) == text


@pytest.mark.parametrize(
    ("text", "value"), [("1", 1), ("-0.50", "-0.5"), ("1e6", 1_000_000), ("2.5E-3", "0.0025"), ("0", 0), ("0e0", 0)]
)
def test_a_number_is_read_from_its_digits_plain_or_quoted(text, value):
    assert scalars.number(plain(text)) == scalars.number(quoted(text)) == Decimal(value)


@pytest.mark.parametrize("text", NOT_NUMBERS)
def test_what_is_not_plainly_a_number_is_refused_plain_and_quoted(text):
    for scalar in (plain(text), quoted(text)):
        with pytest.raises(Refused):
            scalars.number(scalar)


def test_integers_are_whole_numbers():
    assert scalars.integer(plain("1e3")) == 1000
    assert scalars.integer(plain("2.0")) == 2
    with pytest.raises(Refused):
        scalars.integer(plain("2.5"))


@pytest.mark.parametrize("text", ["no", "yes", "on", "off", "True", "TRUE", "y", "1", "0", "~", "null", "False", ""])
def test_only_true_and_false_are_truth_values(text):
    with pytest.raises(Refused):
        scalars.truth(plain(text))


def test_truth_values_are_plain():
    assert scalars.truth(plain("true")) is True
    assert scalars.truth(plain("false")) is False
    with pytest.raises(Refused) as caught:
        scalars.truth(quoted("true"))
    assert caught.value.hint == "remove the quotes"


@pytest.mark.parametrize(
    ("text", "nanos"),
    [
        ("5ms", 5000000),
        ("250us", 250000),
        ("10ns", 10),
        ("1s", 10**9),
        ("1m", 60 * 10**9),
        ("1h", 3600 * 10**9),
        ("1d", 86400 * 10**9),
        ("0", 0),
        ("0.5us", 500),
        ("0ms", 0),
    ],
)
def test_durations_are_nanoseconds(text, nanos):
    assert scalars.duration(plain(text)) == nanos
    assert scalars.duration(plain(scalars.show_duration(nanos))) == nanos


@pytest.mark.parametrize("text", ["5", "ms", "05ms", "-5ms", "5 ms", "0.5ns", "1e3ms", "5MS", "200000d", ""])
def test_other_durations_are_refused(text):
    with pytest.raises(Refused):
        scalars.duration(plain(text))


def test_utc_times_are_nanoseconds_since_1970():
    assert scalars.utc_time(plain("1970-01-01T00:00:01Z")) == 10**9
    assert scalars.utc_time(quoted("2024-08-09T00:00:00.000000001Z")) == 1_723_161_600 * 10**9 + 1
    assert scalars.show_utc_time(1_723_161_600 * 10**9 + 500_000_000) == "2024-08-09T00:00:00.5Z"


@pytest.mark.parametrize(
    "text",
    ["2024-08-09", "2024-08-09T00:00:00", "2024-08-09 00:00:00Z", "2024-02-30T00:00:00Z", "2024-08-09T25:00:00Z"],
)
def test_other_times_are_refused(text):
    with pytest.raises(Refused):
        scalars.utc_time(plain(text))


@settings(max_examples=100, deadline=None)
@given(st.decimals(min_value=-(10**15), max_value=10**15, places=12, allow_nan=False))
def test_a_shown_number_reads_back_as_the_same_number_and_text(value):
    shown = scalars.show_number(value)
    assert scalars.number(plain(shown)) == value
    assert scalars.show_number(scalars.number(plain(shown))) == shown
