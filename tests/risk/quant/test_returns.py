from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.quant.returns import bad_prints, between_moves, returns, winsorise

NAN = np.nan
prices = st.lists(st.one_of(st.just(NAN), st.floats(1e-6, 1e6)), min_size=1, max_size=60)


def test_log_return_is_the_log_of_the_ratio():
    assert returns([[100, 110, 99]]).values[0].tolist() == [
        pytest.approx(NAN, nan_ok=True),
        pytest.approx(np.log(1.1)),
        pytest.approx(np.log(0.9)),
    ]


def test_return_over_a_short_gap_has_the_variance_of_one_day():
    found = returns([[100, NAN, NAN, 121]])

    assert np.isnan(found.values[0, :3]).all()
    assert found.values[0, 3] == pytest.approx(np.log(1.21) / np.sqrt(3))
    assert found.days.tolist() == [[0, 0, 0, 3]]


def test_long_gap_gives_no_return_and_starts_a_segment():
    found = returns([[100, 101, NAN, NAN, NAN, 200, 202]])

    assert np.flatnonzero(~np.isnan(found.values[0])).tolist() == [1, 6]
    assert np.flatnonzero(found.is_first[0]).tolist() == [1, 6]


def test_moves_of_a_price_that_is_rarely_made_share_the_variance_of_the_days_between_them():
    found = between_moves([[100, 100, 100, 100, 100, 121, NAN, 110, 110]])

    assert np.flatnonzero(found.days[0]).tolist() == [5, 7]
    assert found.values[0, [5, 7]] == pytest.approx([np.log(1.21) / np.sqrt(5), np.log(110 / 121) / np.sqrt(2)])
    assert found.is_first[0].tolist().index(True) == 5


def test_price_that_moves_every_day_has_the_same_returns_between_its_moves():
    walk = np.exp(np.random.default_rng(1).normal(0, 0.05, (2, 60)).cumsum(axis=1))

    assert between_moves(walk).values.tobytes() == returns(walk).values.tobytes()


@pytest.mark.parametrize("price", [0.0, -1.0, np.inf, -np.inf, NAN])
def test_what_is_no_price_was_not_observed(price):
    assert returns([[100, price, 121]]).values[0, 2] == pytest.approx(np.log(1.21) / np.sqrt(2))


def test_nothing_is_filled_forward():
    # A filled gap would show as zero returns.
    assert not (returns([[100, NAN, 105, NAN, NAN, NAN, NAN, 90]]).values == 0).any()


@given(prices, st.floats(1e-3, 1e3))
def test_returns_do_not_depend_on_the_unit_of_prices(series, unit):
    ours, other = returns(series), returns(np.array(series) * unit)

    assert ours.values == pytest.approx(other.values, nan_ok=True, abs=1e-9)
    assert np.array_equal(ours.is_first, other.is_first)


@given(prices)
def test_unscaled_returns_of_a_segment_add_up_to_its_whole_change(series):
    found = returns(series)
    moved = np.nansum(found.values * np.sqrt(found.days))
    days = np.flatnonzero(~np.isnan(series))
    breaks = sum(np.log(series[after] / series[before]) for before, after in pairwise(days) if after - before > 3)

    total = np.log(series[days[-1]] / series[days[0]]) - breaks if days.size else 0.0
    assert moved == pytest.approx(total, abs=1e-9)


@given(st.lists(prices, min_size=1, max_size=4))
def test_sequences_hold_the_observed_returns_in_their_order(rows):
    length = max(map(len, rows))
    found = returns([[NAN] * (length - len(row)) + row for row in rows])
    packed = found.sequences()

    for row, values, size in zip(found.values, packed.values, packed.size, strict=True):
        assert values[len(values) - size :].tolist() == row[~np.isnan(row)].tolist()
        assert not values[: len(values) - size].any()


def test_print_that_reverses_is_not_believed():
    series = np.full(60, 100.0) * np.exp(np.random.default_rng(1).normal(0, 0.02, 60))
    series[30] *= 1e6

    assert np.flatnonzero(bad_prints(series)[0]).tolist() == [30]


def test_print_of_two_days_that_reverses_is_not_believed():
    series = np.full(60, 100.0) * np.exp(np.random.default_rng(1).normal(0, 0.02, 60))
    series[30:32] *= 0.2

    assert np.flatnonzero(bad_prints(series)[0]).tolist() == [30, 31]


def test_crash_that_stays_has_happened():
    series = np.full(60, 100.0) * np.exp(np.random.default_rng(1).normal(0, 0.02, 60))
    series[30:] *= 0.05

    assert not bad_prints(series).any()


@pytest.mark.parametrize(("factor", "is_believed"), [(90.0, True), (1 / 90, True), (1e6, False), (1e-6, False)])
def test_first_price_is_believed_up_to_a_factor_of_a_hundred(factor, is_believed):
    series = np.full(60, 100.0) * np.exp(np.random.default_rng(1).normal(0, 0.02, 60))
    series[0] *= factor

    assert np.flatnonzero(bad_prints(series)[0]).tolist() == ([] if is_believed else [0])


def test_first_price_is_believed_where_the_two_after_it_do_not_agree():
    series = np.full(60, 100.0) * np.exp(np.random.default_rng(1).normal(0, 0.02, 60))
    series[0] *= 1e6
    series[1] *= 1e3

    assert not bad_prints(series)[0, 0]


def test_what_several_venues_saw_has_happened():
    series = np.full(60, 100.0) * np.exp(np.random.default_rng(1).normal(0, 0.02, 60))
    series[30] *= 1e6

    assert not bad_prints(series, is_single_venue=False).any()


def test_move_below_a_factor_of_1_6_is_believed_even_in_a_quiet_series():
    series = np.full(60, 100.0) * np.exp(np.random.default_rng(1).normal(0, 1e-4, 60))
    series[30] *= 1.5

    assert not bad_prints(series).any()


def test_winsorising_pulls_an_outlier_to_eight_deviations():
    values = np.array([[-2.0, -1.0, 0.0, 1.0, 2.0, 500.0, -1.0, 1.0, 0.0]])
    # The median is 0, the median distance from it 1.
    assert winsorise(values).max() == 8.0
    assert winsorise(values)[0, :5].tolist() == [-2.0, -1.0, 0.0, 1.0, 2.0]


def test_winsorising_leaves_a_series_that_hardly_moves():
    values = np.array([[0.0] * 9 + [0.3]])

    assert winsorise(values).tolist() == values.tolist()
