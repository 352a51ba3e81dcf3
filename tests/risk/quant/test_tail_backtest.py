import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from risk.quant.distributions import normal_quantile, normal_shortfall
from risk.quant.features import LEVELS
from risk.quant.shortfall_tests import fz0_loss
from risk.quant.tail_backtest import judge
from risk.quant.tail_forecasts import BASELINES, METHODS, Forecasts
from risk.quant.tail_risk import Method
from tests.risk.quant.simulated import garch_returns

Matrix = NDArray[np.float64]


def forecasts(losses: Matrix, volatility: Mapping[Method, Matrix]) -> Forecasts:
    """Of losses (assets x days) by methods that take them for normal; those that are not named have none."""
    asset, day = np.nonzero(~np.isnan(losses))

    def tail(of: Callable[..., Any]) -> dict[tuple[Method, float], Matrix]:
        nothing = np.full(losses.shape, np.nan)
        return {
            (method, level): (volatility.get(method, nothing) * float(of(level)))[asset, day]
            for method in (*METHODS, *BASELINES)
            for level in LEVELS
        }

    return Forecasts(asset, day, losses[asset, day], tail(normal_quantile), tail(normal_shortfall))


def result(found: Forecasts, method: Method, level: float = 0.975) -> Any:
    return next(one for one in judge(found) if (one.method, one.level) == (method, level))


def wavy(assets: int, days: int) -> Matrix:
    """Volatilities that are known and change."""
    phase = np.arange(assets)[:, None] / 7
    return np.asarray(0.04 * np.exp(0.3 * np.sin(phase + np.arange(days) / 20)))


@pytest.fixture(scope="module")
def true_model() -> Forecasts:
    volatility = wavy(200, 600)
    losses = volatility * np.random.default_rng(1).normal(size=volatility.shape)
    return forecasts(losses, {Method.COMBINED: volatility, Method.EWMA_FILTERED: 0.6 * volatility})


def test_true_model_is_found_true(true_model):
    found = result(true_model, Method.COMBINED)

    assert (found.forecasts, found.tested_assets, found.baseline) == (120_000, 200, False)
    assert found.rate_low < 0.025 < found.rate_high
    assert found.shortfall_statistic == pytest.approx(0, abs=0.05)
    # Of a true model 95 % pass, and with few exceedances a little less or more.
    for passed in (found.kupiec_passed, found.christoffersen_passed, found.dynamic_quantile_passed):
        assert passed == pytest.approx(0.95, abs=0.06)
    assert found.simulated_dynamic_quantile_passed == pytest.approx(0.95, abs=0.04)


def test_risk_that_is_too_small_fails_everything(true_model):
    found = result(true_model, Method.EWMA_FILTERED)

    assert found.rate > 0.1
    assert found.rate_low > 0.025
    assert found.shortfall_statistic > 3
    assert (found.kupiec_passed, found.christoffersen_passed, found.dynamic_quantile_passed) == (0, 0, 0)


def test_hits_are_those_beyond_the_value_at_risk():
    volatility = np.full((1, 120), 1.0)
    losses = np.zeros((1, 120))
    losses[0, :6] = normal_quantile(0.975) + 1e-9
    losses[0, 6] = normal_quantile(0.975)
    found = result(forecasts(losses, {Method.COMBINED: volatility}), Method.COMBINED)

    assert (found.forecasts, found.exceedances, found.rate) == (120, 6, 0.05)
    assert found.shortfall_statistic == pytest.approx(2 * normal_quantile(0.975) / normal_shortfall(0.975) - 1)


def test_interval_of_the_rate_knows_that_assets_fall_together():
    assets, days = 25, 2_000
    random = np.random.default_rng(2)
    alone = random.normal(size=(assets, days))
    together = np.tile(random.normal(size=days), (assets, 1))
    apart, common = (
        result(forecasts(losses, {Method.COMBINED: np.ones((assets, days))}), Method.COMBINED, 0.95)
        for losses in (alone, together)
    )

    # Identical assets are worth one, so the interval is five times as wide as that of 25 which are not.
    assert common.rate_high - common.rate_low == pytest.approx(5 * (apart.rate_high - apart.rate_low), rel=0.25)


def test_interval_of_the_rate_is_that_of_the_moving_block_bootstrap():
    assets, days, block = 20, 3_000, 25
    random = np.random.default_rng(3)
    shocks = random.normal(size=days + 4)
    common = (shocks[4:] + shocks[3:-1] + shocks[2:-2]) / np.sqrt(3)  # three days hang together
    losses = np.sqrt(0.5) * (common + random.normal(size=(assets, days)))
    losses[random.random(losses.shape) < 0.3] = np.nan
    found = result(forecasts(losses, {Method.COMBINED: np.ones((assets, days))}), Method.COMBINED, 0.95)
    beyond = losses > normal_quantile(0.95)
    hits, size = beyond.sum(axis=0), (~np.isnan(losses)).sum(axis=0)
    starts = random.integers(0, days - block + 1, (2_000, days // block))
    drawn = (starts[:, :, None] + np.arange(block)).reshape(2_000, -1)
    rates = hits[drawn].sum(axis=1) / size[drawn].sum(axis=1)

    low, high = np.quantile(rates, [0.025, 0.975])
    assert (found.rate_low, found.rate_high) == (pytest.approx(low, abs=0.001), pytest.approx(high, abs=0.001))


def test_assets_with_few_forecasts_are_counted_but_not_tested():
    losses = np.random.default_rng(4).normal(size=(3, 120))
    losses[2, 99:] = np.nan
    found = result(forecasts(losses, {Method.COMBINED: wavy(3, 120) / 0.04}), Method.COMBINED)

    assert (found.forecasts, found.tested_assets) == (339, 2)


def test_asset_that_was_never_exceeded_says_nothing_of_dynamics():
    losses = np.random.default_rng(4).normal(size=(3, 200))
    losses[0] = -1
    found = result(forecasts(losses, {Method.COMBINED: wavy(3, 200) / 0.04}), Method.COMBINED, 0.95)

    assert (found.tested_assets, found.dynamic_quantile_assets) == (3, 2)


def test_traffic_light_looks_at_the_last_250_forecasts():
    losses = np.full((4, 300), -1.0)
    losses[:, :20] = 9  # long ago
    for row, exceedances in enumerate((4, 5, 9, 10)):
        losses[row, 60 : 60 + exceedances] = 9
    losses[3, 70:110] = np.nan
    losses[:, 50:60] = -1
    found = forecasts(losses, {Method.COMBINED: np.ones((4, 300))})
    light = result(found, Method.COMBINED, 0.99)

    # The fourth has 260 forecasts, of which the last 250 leave out ten of the early ones and keep ten.
    assert light.traffic_light_assets == 4
    assert (light.traffic_light_green, light.traffic_light_yellow, light.traffic_light_red) == (0.25, 0.5, 0.25)
    other = result(found, Method.COMBINED, 0.95)
    assert (other.traffic_light_assets, other.traffic_light_green) == (0, None)


@pytest.fixture(scope="module")
def rivals() -> tuple[Matrix, dict[Method, Matrix]]:
    """Losses, and methods that see them well, a little worse, and badly."""
    losses = garch_returns(series=12, days=500, seed=5) / 100
    variance = np.full(12, 16e-4)
    path = np.empty_like(losses)
    for day in range(500):
        path[:, day] = np.sqrt(variance)
        variance = 0.9 * variance + 0.1 * losses[:, day] ** 2
    shapes = {Method.COMBINED: 1.0, Method.EWMA_FILTERED: 0.9, Method.GARCH_STUDENT: 0.98, Method.HISTORICAL: 0.5}
    return losses, {method: factor * path for method, factor in shapes.items()}


def daily(losses: Matrix, volatility: Matrix, level: float) -> Matrix:
    """FZ0 of percent, the mean of each day."""
    at_risk, shortfall = (100 * volatility * float(of(level)) for of in (normal_quantile, normal_shortfall))
    return np.asarray(np.nanmean(fz0_loss(100 * losses, at_risk, shortfall, level=level), axis=0))


def test_difference_to_the_benchmark_is_tested_as_statsmodels_does(rivals):
    import statsmodels.api as sm

    losses, methods = rivals
    ours, benchmark = (daily(losses, methods[name], 0.975) for name in (Method.COMBINED, Method.EWMA_FILTERED))
    hac = {"maxlags": int(4 * (500 / 100) ** (2 / 9)), "use_correction": False}
    theirs = sm.OLS(ours - benchmark, np.ones(500)).fit(cov_type="HAC", cov_kwds=hac)

    found = forecasts(losses, methods)
    combined = result(found, Method.COMBINED)
    assert combined.fz0 == pytest.approx(ours.mean())
    assert combined.fz0_difference == pytest.approx(theirs.params[0])
    assert combined.fz0_p_value == pytest.approx(theirs.pvalues[0])
    itself = result(found, Method.EWMA_FILTERED)
    assert (itself.fz0_difference, itself.fz0_p_value) == (0, None)


def test_confidence_set_is_that_of_arch(rivals):
    from arch.bootstrap import MCS

    losses, methods = rivals
    matrix = np.stack([daily(losses, volatility, 0.99) for volatility in methods.values()])
    theirs = MCS(matrix.T, size=0.1, reps=1000, block_size=10, method="max", seed=3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs.compute()
    names: Any = list(methods)

    found = {name: result(forecasts(losses, methods), name, 0.99) for name in names}

    assert {name for name in names if found[name].in_confidence_set} == {names[place] for place in theirs.included}
    assert not found[Method.HISTORICAL].in_confidence_set
    for place, p in theirs.pvalues["Pvalue"].items():
        assert found[names[place]].confidence_set_p_value == pytest.approx(p, abs=0.06)


def test_losses_are_compared_where_every_method_made_a_forecast(rivals):
    losses, methods = rivals
    late = methods[Method.HISTORICAL].copy()
    late[:, :200] = np.nan
    late[:5] = np.nan
    found = result(forecasts(losses, methods | {Method.HISTORICAL: late}), Method.COMBINED)

    assert (found.forecasts, found.compared_forecasts) == (6_000, 7 * 300)
    assert found.fz0 == pytest.approx(daily(losses[5:, 200:], methods[Method.COMBINED][5:, 200:], 0.975).mean())


def test_method_without_a_forecast_says_nothing_and_hinders_nobody(rivals):
    found = forecasts(*rivals)
    silent = result(found, Method.GARCH_FILTERED)

    assert (silent.forecasts, silent.tested_assets, silent.compared_forecasts) == (0, 0, 0)
    assert (silent.rate, silent.rate_low, silent.kupiec_passed, silent.shortfall_statistic) == (None,) * 4
    assert (silent.fz0, silent.in_confidence_set) == (None, None)
    assert result(found, Method.COMBINED).compared_forecasts == 6_000
