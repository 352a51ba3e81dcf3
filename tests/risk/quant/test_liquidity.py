import numpy as np
import pytest

from risk.quant.liquidity import liquidity
from risk.quant.standard_errors import of_mean, of_median, of_share

PRICES = np.array([[100.0, 110.0, 99.0, 99.0]])
NONE = np.full((1, 4), np.nan)


def test_measures_are_their_definitions():
    volumes, caps = np.array([[1e6, 2e6, 3e6, 4e6]]), np.full((1, 4), 1e8)
    found = liquidity(PRICES, volumes, caps)

    moves = np.abs(np.log([1.1, 0.9, 1.0]))
    assert found.median_volume[0] == 2.5e6
    assert found.amihud[0] == pytest.approx(np.mean(moves / np.array([2.0, 3.0, 4.0])))
    assert found.turnover[0] == pytest.approx(0.025)
    assert found.zero_return_share[0] == pytest.approx(1 / 3)
    assert found.days_since_trade[0] == 0
    assert found.liquidation_days[0] == pytest.approx(0.4)
    deviation = np.log([1.1, 0.9, 1.0]).std(ddof=1)
    assert found.liquidation_cost[0] == pytest.approx(deviation * np.sqrt(0.04))


def test_volume_that_was_not_reported_is_not_zero():
    found = liquidity(PRICES, NONE, NONE)

    for value in (found.median_volume, found.amihud, found.turnover, found.days_since_trade, found.liquidation_cost):
        assert np.isnan(value).all()
    assert found.volume_observations.tolist() == [0]


def test_impact_is_of_the_days_with_both_a_return_and_a_trade():
    prices = np.array([[100.0, np.nan, 110.0, 99.0, 99.0, 98.0]])
    found = liquidity(prices, np.array([[5.0, 5.0, 5.0, 0.0, 5.0, np.nan]]), np.full((1, 6), np.nan))

    # Of five volumes one is zero, one is of the first price and one of no price.
    assert found.volume_observations.tolist() == [5]
    assert found.amihud_observations.tolist() == [2]


def test_nobody_trading_is_told_from_nothing_reported():
    found = liquidity(PRICES, np.array([[5.0, 0.0, 0.0, 0.0]]), NONE)

    assert found.days_since_trade.tolist() == [3]
    assert found.median_volume.tolist() == [0]
    assert found.liquidation_days.tolist() == [np.inf]


def test_errors_are_in_the_units_of_what_they_belong_to():
    random = np.random.default_rng(1)
    prices = np.exp(random.normal(0, 0.03, (1, 90)).cumsum(axis=1))
    volumes = np.exp(random.normal(14, 0.5, (1, 90)))
    found, wider = (liquidity(prices, factor * volumes, volumes) for factor in (1.0, 1000.0))

    impact = np.abs(np.diff(np.log(prices))) / volumes[:, 1:] * 1e6
    assert found.median_volume_error.tolist() == of_median(volumes).tolist()
    assert found.amihud_error == pytest.approx(of_mean(impact))
    assert found.zero_return_error.tolist() == of_share(np.array([0]), np.array([89])).tolist()
    assert wider.median_volume_error[0] == pytest.approx(1000 * found.median_volume_error[0])
    assert wider.amihud_error[0] == pytest.approx(found.amihud_error[0] / 1000)


def test_what_was_not_reported_has_no_error():
    found = liquidity(PRICES, NONE, NONE)

    assert np.isnan([found.median_volume_error[0], found.amihud_error[0]]).all()
