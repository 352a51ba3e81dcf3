import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from risk.quant.standard_errors import effective_size, of_mean, of_median, of_share

ROWS, DAYS = 4_000, 90


def autoregression(coefficient: float) -> np.ndarray:
    """Rows of a normal autoregression of the first order around 10, of variance one."""
    random = np.random.default_rng(3)
    values = np.empty((ROWS, DAYS))
    values[:, 0] = random.normal(size=ROWS)
    for day in range(1, DAYS):
        fresh = random.normal(size=ROWS)
        values[:, day] = coefficient * values[:, day - 1] + np.sqrt(1 - coefficient**2) * fresh
    return 10 + values


def test_of_independent_values_they_are_the_textbook_ones():
    values = autoregression(0.0)

    assert np.median(of_mean(values)) == pytest.approx(1 / np.sqrt(DAYS), rel=0.05)
    # Of a normal law the median varies by the root of pi / 2 more than the mean.
    assert np.median(of_median(values)) == pytest.approx(np.sqrt(np.pi / 2 / DAYS), rel=0.1)


@pytest.mark.parametrize("coefficient", [0.3, 0.6])
def test_of_values_that_go_together_they_are_what_the_estimates_vary_by(coefficient):
    values = autoregression(coefficient)

    # A quarter's own correlation is too small on the average, and so are these, but not by much.
    assert 0.85 < np.median(of_mean(values)) / values.mean(axis=1).std() < 1.05
    assert 0.85 < np.median(of_median(values)) / np.median(values, axis=1).std() < 1.1


def test_a_correlation_of_neighbours_divides_the_size():
    values = np.tile([1.0, 1.0, -1.0, -1.0], 250)[None]
    apart = values - values.mean()
    correlation = (apart[:, 1:] * apart[:, :-1]).sum() / (apart**2).sum()

    assert effective_size(values)[0] == pytest.approx(1000 * (1 - correlation) / (1 + correlation))
    assert effective_size(np.tile([1.0, -1.0], 500)[None])[0] == 1000


def test_share_of_none_or_all_is_no_certainty():
    none, half, everything = of_share(np.array([0, 45, 90]), np.array([90, 90, 90]))

    assert half == pytest.approx(np.sqrt(0.25 / 94))
    assert none == pytest.approx(everything)
    assert none == pytest.approx(np.sqrt(2 / 94 * 92 / 94 / 94))
    assert np.isnan(of_share(np.array([0]), np.array([0]))[0])


@given(arrays(np.float64, (3, 40), elements=st.floats(-1e6, 1e6) | st.just(np.nan)))
def test_none_is_negative_and_nobody_else_matters(values):
    for error in (of_mean, of_median):
        found = error(values)
        known = found[~np.isnan(found)]
        assert (known >= 0).all()
        for row in range(3):
            assert error(values[row : row + 1]).tobytes() == found[row : row + 1].tobytes()


def test_nothing_observed_has_none():
    nothing = np.full((1, 5), np.nan)

    assert np.isnan([of_mean(nothing)[0], of_median(nothing)[0]]).all()
