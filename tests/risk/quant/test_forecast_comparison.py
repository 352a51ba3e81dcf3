import numpy as np
import pytest

from risk.quant.forecast_comparison import diebold_mariano, long_run_variance, model_confidence_set
from risk.quant.random_numbers import Stream

RANDOM = np.random.default_rng(1)


def test_long_run_variance_is_that_of_statsmodels():
    from statsmodels.stats.sandwich_covariance import S_hac_simple

    values = np.random.default_rng(2).normal(size=300).cumsum() / 10
    theirs = S_hac_simple((values - values.mean())[:, None], nlags=5)[0, 0] / 300

    assert long_run_variance(values, lags=5) == pytest.approx(theirs)


def test_better_forecast_is_told():
    difference = np.random.default_rng(2).normal(0.3, 1, 400)
    found = diebold_mariano(np.zeros(400), difference)

    assert found.statistic < -3
    assert found.p_value < 0.01
    assert diebold_mariano(difference, np.zeros(400)).statistic == -found.statistic


def test_equal_forecasts_are_told_apart_as_rarely_as_the_test_says():
    random = np.random.default_rng(3)
    p = [diebold_mariano(*random.normal(size=(2, 300))).p_value for _ in range(1000)]

    assert (np.array(p) < 0.05).mean() == pytest.approx(0.05, abs=0.025)


def test_forecasts_that_never_differ_cannot_be_compared():
    assert np.isnan(diebold_mariano(np.ones(50), np.ones(50)).p_value)
    assert np.isnan(diebold_mariano(np.full(50, np.nan), np.ones(50)).p_value)


@pytest.fixture(scope="module")
def losses():
    common = RANDOM.normal(size=400)
    return np.stack([common + RANDOM.normal(mean, 0.5, 400) for mean in (0.0, 0.02, 0.4, 1.0)])


def test_confidence_set_keeps_the_best_and_drops_the_bad(losses):
    found = model_confidence_set(losses, stream=Stream(1))

    assert found.included(size=0.1) == {0, 1}
    assert found.models[:2] == (3, 2)
    assert found.p_values[-1] == 1
    assert list(found.p_values) == sorted(found.p_values)


def test_confidence_set_agrees_with_that_of_arch(losses):
    from arch.bootstrap import MCS

    theirs = MCS(losses.T, size=0.1, reps=1000, block_size=10, method="max", seed=3)
    theirs.compute()
    ours = model_confidence_set(losses, stream=Stream(1))

    assert ours.included(size=0.1) == set(theirs.included)
    p_values = dict(zip(ours.models, ours.p_values, strict=True))
    for model, p in theirs.pvalues["Pvalue"].items():
        assert p_values[model] == pytest.approx(p, abs=0.06)


def test_dates_with_a_missing_loss_do_not_count(losses):
    holes = np.concatenate([losses, np.full((4, 50), np.nan)], axis=1)

    assert model_confidence_set(holes, stream=Stream(1)) == model_confidence_set(losses, stream=Stream(1))


def test_models_that_never_differ_all_stay():
    same = np.tile(RANDOM.normal(size=100), (3, 1))

    assert model_confidence_set(same, stream=Stream(1)).included(size=0.1) == {0, 1, 2}
