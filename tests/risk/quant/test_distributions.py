import numpy as np
import pytest
from scipy import integrate, stats

from risk.quant.distributions import normal_quantile, normal_shortfall, student_quantile, student_shortfall

LEVELS = [0.95, 0.975, 0.99]


def test_normal_shortfall_is_the_closed_form():
    assert normal_shortfall(LEVELS) == pytest.approx([2.06271, 2.33780, 2.66521], abs=5e-6)


def test_shortfall_of_student_with_four_degrees_is_the_closed_form():
    assert student_shortfall(LEVELS, 4.0) == pytest.approx([2.26477, 2.82387, 3.69151], abs=5e-6)


@pytest.mark.parametrize("nu", [2.5, 3.0, 7.0, 60.0])
def test_student_shortfall_is_the_integral_of_the_quantiles(nu):
    unit = np.sqrt((nu - 2) / nu)
    mean, _ = integrate.quad(lambda level: stats.t.ppf(level, nu) * unit, 0.975, 1, limit=200)

    assert student_shortfall(0.975, nu) == pytest.approx(mean / 0.025, rel=1e-4)


def test_quantiles_are_those_of_scipy():
    assert normal_quantile(LEVELS) == pytest.approx(stats.norm.ppf(LEVELS))
    assert student_quantile(LEVELS, 5.0) == pytest.approx(stats.t.ppf(LEVELS, 5) * np.sqrt(3 / 5))


def test_infinite_degrees_of_freedom_are_the_normal():
    assert student_quantile(0.99, np.inf) == pytest.approx(normal_quantile(0.99))
    assert student_shortfall(0.99, np.inf) == pytest.approx(normal_shortfall(0.99))
    assert student_shortfall(0.99, 1e7) == pytest.approx(normal_shortfall(0.99), rel=1e-5)


def test_distribution_without_a_variance_is_refused():
    with pytest.raises(ValueError, match="no variance"):
        student_quantile(0.99, 2.0)
