import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.quant.drawdown import current_drawdown, drawdown
from risk.quant.status import Status

prices = st.lists(st.floats(0.01, 1e4), min_size=2, max_size=50)


def test_maximum_is_the_published_one():
    # mixed_returns of empyrical's tests, max drawdown -0.1.
    value = np.cumprod(1 + np.array([0.0, 0.01, 0.10, -0.04, 0.02, 0.03, 0.02, 0.01, -0.10]))[None]

    assert drawdown(value).maximum[0] == pytest.approx(0.1)


def test_current_is_the_distance_from_the_peak():
    prices = np.array([[100.0, 200, 50, 150]])

    assert (current_drawdown(prices)[0], drawdown(prices).maximum[0]) == (0.25, 0.75)


@given(prices)
def test_maximum_is_the_worst_pair_of_days(series):
    worst = max(1 - later / earlier for place, earlier in enumerate(series) for later in series[place:])

    assert drawdown(np.array([series])).maximum[0] == pytest.approx(worst)


@given(prices, st.floats(0.5, 0.99))
def test_conditional_drawdown_is_between_the_mean_and_the_maximum(series, level):
    found = drawdown(np.array([series]), level=level)
    depths = 1 - np.array(series) / np.maximum.accumulate(series)

    assert depths.mean() - 1e-12 <= found.conditional[0] <= found.maximum[0] + 1e-12


def test_conditional_drawdown_is_the_mean_of_the_deepest_days():
    series = np.array([100.0, *np.linspace(99, 60, 39)])  # 40 days, the deepest 5 % are 0.40 and 0.3897
    depths = np.sort(1 - series / 100)

    assert drawdown(series[None], level=0.95).conditional[0] == pytest.approx(depths[-2:].mean())


def test_missing_days_are_left_out():
    prices = np.array([[np.nan, 100.0, np.nan, 50.0, np.nan]])

    assert (current_drawdown(prices)[0], drawdown(prices).observations[0]) == (0.5, 2)


@pytest.mark.parametrize("series", [[100.0], [np.nan, np.nan], [0.0, -1.0], [np.inf, 5.0]])
def test_fewer_than_two_prices_have_no_drawdown(series):
    found = drawdown(np.array([series]))

    assert found.status.tolist() == [Status.TOO_FEW_OBSERVATIONS]
    assert np.isnan([current_drawdown(np.array([series])), found.maximum, found.conditional]).all()
