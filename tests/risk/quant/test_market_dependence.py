import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.quant.market_dependence import market_dependence, over_same_days, weighted_index
from risk.quant.status import Status

random = np.random.default_rng(1)
market = random.normal(0, 0.03, 500)


def test_beta_is_the_slope_of_least_squares():
    own = 1.7 * market + random.normal(0, 0.02, 500)
    found = market_dependence(own[None], market, market)

    assert found.beta[0] == pytest.approx(np.polyfit(market, own, 1)[0])
    below = market < market.mean()
    assert found.downside_beta[0] == pytest.approx(np.polyfit(market[below], own[below], 1)[0])


@given(st.floats(0.1, 5), st.floats(-0.01, 0.01))
def test_copy_of_the_market_has_its_factor_as_beta_and_falls_with_it(factor, shift):
    found = market_dependence((factor * market + shift)[None], market, market)

    assert found.beta[0] == pytest.approx(factor)
    assert found.downside_beta[0] == pytest.approx(factor)
    assert found.tail_dependence[0] == 1


def test_market_beside_a_return_over_several_days_is_that_of_the_same_days():
    index = np.array([0.01, 0.02, np.nan, 0.04, 0.08, 0.16])
    days = np.array([[1, 2, 0, 2, 2, 3], [3, 0, 1, 1, 0, 1]])
    found = over_same_days(index, days)

    nan = np.nan
    # Days of the market that are not known, or before its first, are no days to compare with.
    assert found[0] == pytest.approx(
        [0.01, 0.03 / np.sqrt(2), nan, nan, 0.12 / np.sqrt(2), 0.28 / np.sqrt(3)], nan_ok=True
    )
    assert found[1] == pytest.approx([nan, 0.02, nan, 0.04, 0.08, 0.16], nan_ok=True)


def test_beta_of_a_copy_that_is_seen_on_every_fifth_day_is_one():
    days = np.where(np.arange(500) % 5 == 4, 5, 0)[None]
    moves = np.where(days > 0, np.add.reduceat(market, np.arange(0, 500, 5)).repeat(5) / np.sqrt(5), np.nan)
    found = market_dependence(moves, over_same_days(market, days), over_same_days(market, days))

    assert found.beta[0] == pytest.approx(1)
    assert found.tail_dependence[0] == 1
    assert abs(market_dependence(moves, market, market).beta[0]) < 0.9


def test_independent_series_falls_with_the_market_by_chance_alone():
    own = np.random.default_rng(3)
    found = market_dependence(own.normal(size=(1, 40_000)), *own.normal(size=(2, 40_000)))

    assert found.tail_dependence[0] == pytest.approx(0.05, abs=0.02)


def test_days_without_both_values_do_not_count():
    own, index = 2 * market, market.copy()
    own[::7], index[::5] = np.nan, np.nan
    found = market_dependence(own[None], index, index)

    assert found.beta[0] == pytest.approx(2)
    assert found.observations[0] == np.count_nonzero(~np.isnan(own) & ~np.isnan(index))


def test_too_short_and_still_markets_say_so():
    assert market_dependence(market[None, :59], market[:59], market[:59]).status.tolist() == [
        Status.TOO_FEW_OBSERVATIONS
    ]
    still = market_dependence(market[None], np.zeros(500), np.zeros(500))
    assert still.status.tolist() == [Status.CONSTANT]
    assert np.isnan(still.beta).all()


def test_index_weighs_by_the_caps_of_the_day_before():
    returns = np.array([[np.nan, 0.10, np.nan], [np.nan, -0.02, 0.05], [np.nan, 0.3, 0.3]])
    caps = np.array([[300.0, 999, 1], [100.0, 50, 1], [np.nan, np.nan, 1]])

    index = weighted_index(returns, caps)
    assert np.isnan(index[0])
    assert index[1:] == pytest.approx([(300 * 0.10 - 100 * 0.02) / 400, 0.05])


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("cap", [1.1e14, 1e308, np.inf, 0.0, -1.0])
def test_what_cannot_be_a_cap_weighs_nothing(cap):
    returns = np.array([[np.nan, 0.10], [np.nan, 900_000.0], [np.nan, 900_000.0]])

    assert weighted_index(returns, np.array([[300.0, 1], [cap, 1], [cap, 1]]))[1] == 0.10


@pytest.mark.parametrize("heavy", [0.0, 0.8])
def test_errors_of_the_betas_are_those_of_statsmodels(heavy):
    import statsmodels.api as sm

    spread = 0.02 * (1 + heavy * 30 * np.abs(market))
    own = 1.7 * market + np.random.default_rng(4).normal(0, 1, 500) * spread
    own[100:140] = np.nan
    found = market_dependence(own[None], market, market)

    both = ~np.isnan(own)
    for error, use in (
        (found.beta_error, both),
        (found.downside_beta_error, both & (market < market[both].mean())),
    ):
        fit = sm.OLS(own[use], sm.add_constant(market[use])).fit(cov_type="HC1")
        assert error[0] == pytest.approx(fit.bse[1], rel=1e-9)


def test_error_of_the_tail_dependence_is_that_of_a_share_of_the_tail():
    own = market + np.random.default_rng(4).normal(0, 0.02, 500)
    found = market_dependence(own[None], market, market)

    share = (found.tail_dependence[0] * 25 + 2) / 29
    assert found.tail_dependence_error[0] == pytest.approx(np.sqrt(share * (1 - share) / 29))
