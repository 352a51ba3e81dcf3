import numpy as np
import pytest

from risk.quant.engine import Engine
from risk.quant.filtered_simulation import Dynamics, simulate
from risk.quant.random_numbers import Stream

RESIDUALS = np.random.default_rng(1).standard_t(5, 700)
DYNAMICS = Dynamics(mean=0.001, omega=1e-5, alpha=0.05, gamma=0.06, beta=0.9, next_variance=4e-4)


def test_both_engines_give_the_same_bits():
    pytest.importorskip("numba")
    compiled, plain = (
        simulate(DYNAMICS, RESIDUALS, days=30, paths=500, stream=Stream(7), engine=engine)
        for engine in (Engine.NUMBA, Engine.NUMPY)
    )

    assert (compiled.engine, plain.engine) == (Engine.NUMBA, Engine.NUMPY)
    assert compiled.log_returns.tolist() == plain.log_returns.tolist()
    assert compiled.drawdowns.tolist() == plain.drawdowns.tolist()


def test_variance_over_the_horizon_is_the_expected_one():
    dynamics = Dynamics(mean=0.0, omega=1e-5, alpha=0.05, gamma=0.0, beta=0.9, next_variance=4e-4)
    found = simulate(dynamics, RESIDUALS, days=10, paths=200_000, stream=Stream(1))

    long_run = 1e-5 / 0.05
    expected = sum(long_run + 0.95**day * (4e-4 - long_run) for day in range(10))
    assert found.log_returns.var() == pytest.approx(expected, rel=0.02)
    assert found.log_returns.mean() == pytest.approx(0, abs=4 * np.sqrt(expected / 200_000))


def test_one_day_draws_the_residuals_themselves():
    found = simulate(DYNAMICS, RESIDUALS, days=1, paths=1000, stream=Stream(1))
    pool = (RESIDUALS - RESIDUALS.mean()) / RESIDUALS.std()

    possible = 0.001 + pool * np.sqrt(4e-4)
    assert np.isclose(found.log_returns[:, None], possible[None], rtol=0, atol=1e-12).any(axis=1).all()
    assert found.drawdowns == pytest.approx(1 - np.exp(np.minimum(found.log_returns, 0)))


def test_same_stream_gives_the_same_paths_and_another_does_not():
    first, again, other = (
        simulate(DYNAMICS, RESIDUALS, days=5, paths=50, stream=Stream(1, number)).log_returns.tolist()
        for number in (0, 0, 1)
    )

    assert first == again
    assert first != other


@pytest.mark.parametrize("residuals", [np.array([np.nan, 1.0]), np.ones(50)])
def test_residuals_that_do_not_differ_are_refused(residuals):
    with pytest.raises(ValueError, match="residuals that differ"):
        simulate(DYNAMICS, residuals, days=5, paths=10, stream=Stream(1))
