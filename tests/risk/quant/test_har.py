import numpy as np
import pytest

from risk.quant.har import har
from risk.quant.returns import Sequences
from risk.quant.status import Status
from tests.risk.quant.simulated import sequences


def test_without_penalty_it_is_least_squares():
    values = np.random.default_rng(1).normal(0, np.exp(np.random.default_rng(2).normal(0, 0.2, 400).cumsum() / 10))
    found = har(sequences(values), penalty=1e-12)

    squares = values**2
    rows, future = [], []
    for at in range(90, 400 - 30 + 1):
        rows.append([1.0, *(np.log(squares[at - window : at].mean()) for window in (7, 30, 90))])
        future.append(np.log(squares[at : at + 30].mean()))
    by_hand, *_ = np.linalg.lstsq(np.array(rows), np.array(future), rcond=None)
    assert found.coefficients[0] == pytest.approx(by_hand, rel=1e-5, abs=1e-6)
    latest = [1.0, *(np.log(squares[400 - window :].mean()) for window in (7, 30, 90))]
    assert found.variance[0] == pytest.approx(np.exp(by_hand @ latest), rel=1e-5)
    assert found.observations.tolist() == [281]


def test_series_has_the_same_forecast_in_any_company():
    values = np.random.default_rng(1).normal(0, 0.03, 300)
    padded = np.vstack([np.random.default_rng(2).normal(0, 0.03, 500), np.r_[np.zeros(200), values]])
    both = Sequences(padded, np.zeros(padded.shape, dtype=np.bool_), np.array([500, 300]))

    assert har(both).variance[1] == pytest.approx(har(sequences(values)).variance[0], rel=1e-9)


@pytest.mark.parametrize(
    ("values", "status"),
    [
        (np.random.default_rng(1).normal(size=30), Status.TOO_FEW_OBSERVATIONS),
        (np.random.default_rng(1).normal(size=150), Status.TOO_FEW_OBSERVATIONS),
        (np.r_[np.random.default_rng(1).normal(size=300), np.zeros(10)], Status.CONSTANT),
    ],
)
def test_series_without_a_forecast_says_why(values, status):
    found = har(sequences(values))

    assert found.status.tolist() == [status]
    assert np.isnan(found.variance).all()
