"""Black's formula: published values, what must hold of every option, and arrays as single numbers."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tickwright.strategies.black76 import CALL, PUT, black_76, normal

forwards = st.floats(0.01, 1e6)
ratios = st.floats(0.2, 5.0)
years = st.floats(0.0, 5.0)
volatilities = st.floats(0.0, 3.0)
rates = st.floats(-0.1, 0.2)
rights = st.sampled_from((CALL, PUT))


@pytest.mark.parametrize(
    ("x", "expected"),
    [(0.0, 0.5), (1.0, 0.8413447460685429), (-1.0, 0.15865525393145705), (-10.0, 7.619853024160526e-24)],
)
def test_the_normal_distribution_also_far_out(x, expected):
    assert float(normal(x)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("forward", "strike", "time", "volatility", "rate", "right", "expected"),
    [
        # Haug, The Complete Guide to Option Pricing Formulas, 2nd edition, section 1.1.4: on Brent, 1.7011 each.
        (19.0, 19.0, 0.75, 0.28, 0.10, CALL, 1.7011),
        (19.0, 19.0, 0.75, 0.28, 0.10, PUT, 1.7011),
        # Hull, Options, Futures, and Other Derivatives, a put on a crude oil future, 1.12.
        (20.0, 20.0, 4 / 12, 0.25, 0.09, PUT, 1.12),
        # At the money without interest: F (2 N(sigma sqrt(T) / 2) - 1).
        (100.0, 100.0, 1.0, 0.2, 0.0, CALL, 7.965567455405804),
    ],
)
def test_known_values(forward, strike, time, volatility, rate, right, expected):
    found = float(black_76(forward, strike, time, volatility, right, rate))
    digits = 2 if expected == 1.12 else 4
    assert found == pytest.approx(expected, abs=0.5001 * 10**-digits)


@given(forwards, ratios, years, volatilities, rates)
@settings(max_examples=200)
def test_a_call_less_a_put_is_the_discounted_forward_less_the_strike(forward, ratio, time, volatility, rate):
    strike = forward * ratio
    call, put = black_76(forward, strike, time, volatility, [CALL, PUT], rate)
    parity = math.exp(-rate * time) * (forward - strike)
    assert call - put == pytest.approx(parity, abs=1e-9 * (forward + strike))


@given(forwards, ratios, years, volatilities, rates, rights)
@settings(max_examples=200)
def test_no_option_is_worth_less_than_exercising_or_more_than_what_it_is_on(
    forward, ratio, time, volatility, rate, right
):
    strike = forward * ratio
    discount = math.exp(-rate * time)
    value = float(black_76(forward, strike, time, volatility, right, rate))
    hair = 1e-9 * (forward + strike)
    most = forward if right == CALL else strike
    assert max(right * (forward - strike), 0.0) * discount - hair <= value <= most * discount + hair


@given(forwards, ratios, st.floats(0.01, 5.0), st.floats(0.05, 2.0), rights)
@settings(max_examples=100)
def test_more_volatility_and_more_time_are_never_worth_less(forward, ratio, time, volatility, right):
    strike = forward * ratio
    hair = 1e-9 * (forward + strike)
    value = float(black_76(forward, strike, time, volatility, right))
    assert float(black_76(forward, strike, time, volatility * 1.1, right)) >= value - hair
    assert float(black_76(forward, strike, time * 1.1, volatility, right)) >= value - hair


@given(st.lists(st.tuples(forwards, ratios, years, volatilities, rights), min_size=1, max_size=10))
@settings(max_examples=50)
def test_an_array_gives_what_each_element_gives(rows):
    forward, ratio, time, volatility, right = (np.array(column) for column in zip(*rows, strict=True))
    together = black_76(forward, forward * ratio, time, volatility, right)
    alone = [float(black_76(f, f * k, t, v, r)) for f, k, t, v, r in rows]
    assert together.tolist() == alone


@pytest.mark.parametrize(("right", "expected"), [(CALL, [10.0, 0.0]), (PUT, [0.0, 10.0])])
@pytest.mark.parametrize("gone", [{"years": 0.0}, {"years": -1.0}, {"volatility": 0.0}])
def test_without_time_or_volatility_it_is_worth_what_exercising_gives(right, expected, gone):
    given = {"years": 1.0, "volatility": 0.5} | gone
    assert black_76(100.0, [90.0, 110.0], right=right, **given).tolist() == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("forward", 0.0),
        ("forward", math.nan),
        ("strike", -1.0),
        ("years", math.inf),
        ("volatility", -0.1),
        ("right", 0),
    ],
)
def test_what_no_option_has_is_refused_by_name(name, value):
    good = {"forward": 100.0, "strike": 90.0, "years": 1.0, "volatility": 0.5, "right": CALL}
    with pytest.raises(ValueError, match=f"^{name}: expected"):
        black_76(**(good | {name: value}))
