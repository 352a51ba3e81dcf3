import numpy as np
import pytest

from risk.quant import garch
from risk.quant.families import Family, Innovation, fit
from risk.quant.status import Status
from tests.risk.quant.simulated import garch_returns, sequences


@pytest.fixture(scope="module")
def sp500():
    from arch.data import sp500 as data

    return 100 * data.load()["Adj Close"].pct_change().dropna().to_numpy()


@pytest.mark.parametrize(
    ("family", "innovation", "log_likelihood"),
    [
        (Family.GARCH, Innovation.NORMAL, -6936.72),
        (Family.GJR, Innovation.NORMAL, -6822.88),
        (Family.TARCH, Innovation.NORMAL, -6799.18),
        (Family.TARCH, Innovation.STUDENT, -6722.15),
    ],
)
def test_likelihood_of_the_sp500_is_the_published_one(sp500, family, innovation, log_likelihood):
    found = fit(sp500, family=family, innovation=innovation)

    assert found.status is Status.OK
    assert found.log_likelihood == pytest.approx(log_likelihood, abs=0.006)
    if innovation is Innovation.STUDENT:
        assert found.parameters["nu"] == pytest.approx(7.96, abs=0.01)


def test_egarch_with_a_skewed_tail_has_a_forecast_in_the_unit_of_the_returns():
    values = garch_returns(series=1, days=500, seed=1)[0]
    small, large = (
        fit(unit * values, family=Family.EGARCH, innovation=Innovation.SKEWED_STUDENT) for unit in (0.01, 1.0)
    )

    assert large.next_variance == pytest.approx(1e4 * small.next_variance, rel=1e-4)
    assert 0.2 * values.var() < large.next_variance < 5 * values.var()
    assert large.residuals.std() == pytest.approx(1, abs=0.1)


def test_parameters_of_garch_are_those_of_the_batch_in_the_unit_of_the_returns():
    values = 0.01 * garch_returns(series=1, days=800, seed=1)
    found, batch = fit(values[0], family=Family.GARCH), garch.fit(sequences(values))

    assert found.parameters["mu"] == pytest.approx(batch.mean[0], rel=1e-2)
    assert found.parameters["omega"] == pytest.approx(batch.omega[0], rel=1e-2)
    assert found.parameters["alpha[1]"] == pytest.approx(batch.alpha[0], rel=1e-2)
    assert found.parameters["nu"] == pytest.approx(batch.degrees_of_freedom[0], rel=1e-2)


@pytest.mark.parametrize(
    ("values", "status"),
    [
        (np.empty(0), Status.TOO_FEW_OBSERVATIONS),
        (np.ones(99), Status.TOO_FEW_OBSERVATIONS),
        (np.ones(200), Status.CONSTANT),
        (np.r_[np.ones(200), np.nan], Status.CONSTANT),
    ],
)
def test_series_without_a_fit_says_why(values, status):
    found = fit(values, family=Family.GARCH)

    assert (found.status, dict(found.parameters)) == (status, {})
    assert np.isnan(found.log_likelihood)
