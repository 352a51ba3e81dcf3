import numpy as np
import pytest

from risk.quant.outcomes import outcomes

moves = np.random.default_rng(1).normal(0, 0.04, 30)
prices = 100 * np.exp(np.r_[0.0, moves.cumsum()])


def test_outcomes_are_their_definitions():
    found = outcomes(prices[None])

    assert found.volatility[0] == pytest.approx(np.sqrt((moves**2).mean() * 365))
    assert found.expected_shortfall[0] == pytest.approx(-np.sort(moves)[:3].mean())
    assert found.drawdown[0] == pytest.approx((1 - prices / np.maximum.accumulate(prices)).max())
    # 1.755 is the normal's shortfall at 90 %.
    tail = -np.sort(moves)[:3].mean() * np.sqrt(365) / 1.754983
    assert found.log_risk[0] == pytest.approx(0.5 * np.log(found.volatility[0] * tail))


@pytest.mark.parametrize(("low", "has_fallen"), [(69.9, 1.0), (70.1, 0.0)])
def test_fall_is_a_close_more_than_thirty_percent_below_the_first(low, has_fallen):
    path = np.full(31, 100.0)
    path[10] = low

    assert outcomes(path[None]).has_fallen.tolist() == [has_fallen]


def test_price_that_never_moves_has_no_risk_to_learn_from():
    found = outcomes(np.full((1, 31), 5.0))

    assert (found.volatility[0], found.is_known[0]) == (0.0, True)
    assert np.isnan(found.log_risk[0])


def test_calmer_than_the_first_anchor_of_the_map_is_all_the_same():
    once = np.full((2, 31), 5.0)
    once[0, 30] = 5.0001
    once[1, 30] = 4.9999

    assert outcomes(once).log_risk == pytest.approx(np.log([0.01, 0.01]))


def test_source_that_ends_leaves_the_outcome_unknown():
    censored = np.r_[prices[:20], np.full(11, np.nan)]
    found = outcomes(np.vstack([censored, prices]))

    assert found.is_known.tolist() == [False, True]
    assert np.isnan([found.drawdown[0], found.has_fallen[0], found.log_risk[0]]).all()
    assert found.observations.tolist() == [19, 30]
