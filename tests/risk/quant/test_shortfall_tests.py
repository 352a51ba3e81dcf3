import numpy as np
import pytest

from risk.quant.distributions import normal_quantile, normal_shortfall
from risk.quant.shortfall_tests import acerbi_szekely, fz0_loss, quantile_loss

LOSSES = np.random.default_rng(1).normal(size=(20, 10_000))
VAR, ES = np.full(LOSSES.shape, normal_quantile(0.975)), np.full(LOSSES.shape, normal_shortfall(0.975))


def test_true_shortfall_has_statistic_zero():
    assert acerbi_szekely(LOSSES, VAR, ES, level=0.975) == pytest.approx(0, abs=0.05)


def test_shortfall_that_is_too_small_has_a_positive_statistic():
    assert acerbi_szekely(LOSSES, VAR, ES / 2, level=0.975) == pytest.approx(1, abs=0.1)


def test_days_without_a_forecast_do_not_count():
    losses = np.array([[3.0, 3.0, -1.0, np.nan]])
    var, es = np.array([[2.0, np.nan, 2.0, 2.0]]), np.full((1, 4), 2.5)

    assert acerbi_szekely(losses, var, es, level=0.9) == pytest.approx((3 / 2.5) / (2 * 0.1) - 1)
    assert np.isnan(acerbi_szekely(losses, np.full((1, 4), np.nan), es, level=0.9))


def test_loss_beyond_a_shortfall_of_zero_has_no_ratio():
    losses, var, es = np.array([[3.0, 3.0]]), np.array([[2.0, 0.0]]), np.array([[2.5, 0.0]])

    assert acerbi_szekely(losses, var, es, level=0.9) == pytest.approx(3 / 2.5 / 0.1 - 1)


def test_fz0_is_the_published_formula():
    # Patton, Ziegel and Chen (2019), (6), in returns: y = -4, v = -2, e = -3, alpha = 0.05.
    y, v, e, alpha = -4.0, -2.0, -3.0, 0.05
    published = -1 / (alpha * e) * (v - y) + v / e + np.log(-e) - 1

    assert fz0_loss(np.array(4.0), np.array(2.0), np.array(3.0), level=0.95) == pytest.approx(published)


@pytest.mark.parametrize(("var_factor", "es_factor"), [(0.9, 1), (1.1, 1), (1, 0.9), (1, 1.1), (1.2, 1.2)])
def test_true_forecast_loses_least(var_factor, es_factor):
    true = fz0_loss(LOSSES, VAR, ES, level=0.975).mean()

    assert fz0_loss(LOSSES, VAR * var_factor, ES * es_factor, level=0.975).mean() > true
    if var_factor != 1:
        tick = quantile_loss(LOSSES, VAR, level=0.975).mean()
        assert quantile_loss(LOSSES, VAR * var_factor, level=0.975).mean() > tick


def test_unit_moves_every_loss_by_the_same():
    small, large = (fz0_loss(unit * LOSSES, unit * VAR, unit * ES, level=0.975) for unit in (1, 100))

    assert large - small == pytest.approx(np.full(LOSSES.shape, np.log(100)))


def test_shortfall_that_is_not_positive_has_no_loss():
    assert np.isnan(fz0_loss(np.array([1.0]), np.array([1.0]), np.array([0.0]), level=0.975)).all()
