from math import inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.quant.conformal import calibrate, expected_errors, intervals


@pytest.mark.parametrize("coverage", [0.8, 0.9])
def test_exchangeable_outcomes_are_covered_as_promised(coverage):
    random = np.random.default_rng(1)
    held = []
    for _ in range(400):
        outcomes = random.standard_t(3, 120)
        found = calibrate(np.zeros(100), outcomes[:100], ["a"] * 100, coverage=coverage)
        spans = intervals(np.zeros(20), ["a"] * 20, found, lowest=-inf, highest=inf)
        held.append(((outcomes[100:] >= spans.lower) & (outcomes[100:] <= spans.upper)).mean())

    # The promise is coverage .. coverage + 1 / (n + 1); 0.006 is three standard errors of 400 calibrations.
    assert coverage - 0.006 * 2 < np.mean(held) < coverage + 1 / 101 + 0.006 * 2


def test_reach_is_the_order_statistic_of_the_theorem():
    found = calibrate(np.zeros(19), np.arange(1.0, 20.0), ["a"] * 19, coverage=0.9)

    assert found.of("a") == 18.0  # the ceil(20 x 0.9)-th of 19


def test_buckets_have_their_own_reach_and_small_ones_that_of_all():
    outcomes = np.r_[np.full(50, 1.0), np.full(50, 9.0), 100.0]
    found = calibrate(np.zeros(101), outcomes, [("calm", 1)] * 50 + [("wild", 1)] * 50 + [("rare", 1)], coverage=0.9)

    assert tuple(found.of((name, 1)) for name in ("calm", "wild", "rare", "unknown")) == (1.0, 9.0, 9.0, 9.0)
    assert dict(found.size) == {("calm", 1): 50, ("wild", 1): 50, ("rare", 1): 1}


@given(st.lists(st.floats(0, 100), min_size=1, max_size=30))
def test_wider_promises_have_wider_intervals_within_the_range(outcomes):
    values = np.array(outcomes)
    narrow, wide = (
        intervals(
            np.full(1, 50.0),
            ["a"],
            calibrate(np.full(len(values), 50.0), values, ["a"] * len(values), coverage=coverage),
            lowest=0,
            highest=100,
        )
        for coverage in (0.8, 0.9)
    )
    assert 0 <= wide.lower[0] <= narrow.lower[0] <= 50 <= narrow.upper[0] <= wide.upper[0] <= 100


def test_nothing_to_learn_from_gives_the_whole_range():
    found = calibrate(np.array([np.nan]), np.array([1.0]), ["a"], coverage=0.9)
    spans = intervals(np.array([50.0]), ["a"], found, lowest=0, highest=100)

    assert (spans.lower.tolist(), spans.upper.tolist()) == ([0.0], [100.0])


def test_expected_error_is_the_mean_of_the_last_medians_to_the_power_of_the_response():
    errors = [np.array([1.0, -2.0, 3.0]), np.array([4.0, np.nan, -4.0]), np.array([9.0])]

    assert expected_errors(errors, dates=2, response=1.0)[1:].tolist() == [2.0, 3.0, 6.5]
    assert expected_errors(errors, dates=1, response=0.5)[1:].tolist() == [2.0**0.5, 2.0, 3.0]
    assert np.isnan(expected_errors(errors, dates=2, response=1.0)[0])


def test_month_that_was_foretold_exactly_does_not_promise_the_next():
    assert expected_errors([np.zeros(5)], dates=2, response=0.5)[1] == pytest.approx(1e-3)  # as if off by a millionth


def test_scaled_reach_is_as_many_times_as_far_everywhere():
    found = calibrate(np.zeros(60), np.arange(60.0), ["a"] * 30 + ["b"] * 30, coverage=0.9)
    twice = found.scaled(2.0)

    assert [twice.of(name) for name in ("a", "b", "c")] == [2 * found.of(name) for name in ("a", "b", "c")]
    assert (twice.coverage, twice.size) == (found.coverage, found.size)
