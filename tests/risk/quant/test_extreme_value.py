import numpy as np
import pytest
from scipy import stats

from risk.quant.extreme_value import ParetoTail, fit, quantile, shortfall
from risk.quant.status import Status


def tail_of(xi: float) -> ParetoTail:
    one = np.ones(1)
    return ParetoTail(2 * one, xi * one, 0.5 * one, np.array([100]), np.array([1000]), np.array([Status.OK]))


@pytest.mark.parametrize("xi", [-0.2, 0.0, 0.3])
def test_parameters_of_a_pareto_tail_are_found_again(xi):
    losses = np.random.default_rng(1).random((1, 200_000))
    beyond = losses > 0.9
    losses[beyond] = 0.9 + stats.genpareto.rvs(xi, scale=0.7, size=beyond.sum(), random_state=2)
    found = fit(losses)

    assert found.shape[0] == pytest.approx(xi, abs=0.03)
    assert found.scale[0] == pytest.approx(0.7, rel=0.03)
    assert found.threshold[0] == pytest.approx(0.9, abs=0.01)


@pytest.mark.parametrize("xi", [-0.2, 0.0, 0.3])
def test_quantile_is_that_of_the_distribution(xi):
    assert quantile(tail_of(xi), level=0.99)[0] == pytest.approx(2 + stats.genpareto.ppf(0.9, xi, scale=0.5))


@pytest.mark.parametrize("xi", [-0.2, 0.0, 0.3])
def test_shortfall_is_the_mean_of_the_quantiles_beyond(xi):
    levels = 1 - 0.01 * (np.arange(200_000) + 0.5) / 200_000
    mean = np.mean([2 + stats.genpareto.ppf(1 - (1 - levels) / 0.1, xi, scale=0.5)])

    assert shortfall(tail_of(xi), level=0.99)[0] == pytest.approx(mean, rel=2e-3)


def test_level_inside_the_bulk_is_not_answered():
    assert np.isnan(quantile(tail_of(0.3), level=0.8))


def test_too_few_excesses_have_no_tail():
    assert fit(np.random.default_rng(1).random((1, 199))).status.tolist() == [Status.TOO_FEW_OBSERVATIONS]


def test_excesses_that_do_not_differ_have_no_tail():
    found = fit(np.ones((1, 400)))

    assert found.status.tolist() == [Status.NO_TAIL_MODEL]
    assert np.isnan(found.shape).all()


def test_missing_losses_are_left_out():
    losses = np.random.default_rng(1).standard_t(4, (1, 500))
    holes = np.concatenate([losses, np.full((1, 300), np.nan)], axis=1)[:, ::-1]

    assert fit(holes).shape[0] == pytest.approx(fit(losses).shape[0], rel=1e-12)


@pytest.mark.parametrize("xi", [-0.2, 0.1, 0.3])
def test_error_of_the_shape_is_what_it_varies_by(xi):
    losses = stats.genpareto.rvs(xi, size=(3000, 1000), random_state=np.random.default_rng(1))
    found = fit(losses, share=0.2)

    assert np.nanmedian(found.shape_error) == pytest.approx(np.nanstd(found.shape), rel=0.1)


def test_shape_beyond_a_half_has_no_error():
    assert np.isnan(tail_of(0.5).shape_error).all()
    # With 100 excesses of an exponential law: (2^2 / 3) / 100.
    assert tail_of(0.0).shape_error[0] == pytest.approx(np.sqrt(4 / 3 / 100))
