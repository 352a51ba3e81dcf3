import numpy as np
import pytest

from risk.quant.engine import Engine
from risk.quant.ewma import asymmetric_ewma, backcast, effective_days, ewma
from risk.quant.returns import Sequences, returns
from risk.quant.status import Status
from tests.risk.quant.simulated import sequences


@pytest.mark.parametrize(("decay", "days"), [(0.94, [74, 112, 149]), (0.97, [151, 227, 302])], ids=["daily", "monthly"])
def test_effective_days_are_those_of_riskmetrics(decay, days):
    assert [round(effective_days(decay, tolerance=share)) for share in (0.01, 0.001, 0.0001)] == days


def test_variance_is_the_weighted_sum_of_squares():
    values = np.random.default_rng(1).normal(0, 0.03, 40)
    found = ewma(sequences(values), decay=0.9)

    weights = 0.1 * 0.9 ** np.arange(40)[::-1]
    start = 0.9**40 * backcast(sequences(values))[0]
    assert found.next_variance[0] == pytest.approx((weights * values**2).sum() + start, rel=1e-12)


def test_asymmetric_variance_is_the_sum_of_squares_in_which_falls_weigh_thrice():
    values = np.random.default_rng(1).normal(0, 0.03, 40)
    found = asymmetric_ewma(sequences(values))

    squares = np.where(values < 0, 1.5, 0.5) * values**2
    age = np.arange(40)[::-1]
    weights = 0.5 * (0.2 * 0.8**age + 0.03 * 0.97**age)
    first = 0.94 ** np.arange(40)
    start = 0.5 * (0.8**40 + 0.97**40) * (first * squares).sum() / first.sum()
    assert found.next_variance[0] == pytest.approx((weights * squares).sum() + start, rel=1e-12)


def test_fall_raises_the_asymmetric_variance_thrice_as_much_as_a_rise():
    quiet = np.random.default_rng(1).normal(0, 0.01, 200)
    before = asymmetric_ewma(sequences(quiet[:-1])).next_variance[0]
    fallen, risen = (asymmetric_ewma(sequences(np.append(quiet[:-1], move))).next_variance[0] for move in (-0.2, 0.2))

    decayed = asymmetric_ewma(sequences(np.append(quiet[:-1], 0.0))).next_variance[0]
    assert (fallen - decayed) / (risen - decayed) == pytest.approx(3)
    assert fallen > before


def test_forecast_of_a_day_does_not_know_its_return():
    values = np.random.default_rng(1).normal(0, 0.03, 100)
    changed = values.copy()
    changed[90] = 5.0

    before, after = (ewma(sequences(series)).variances[0] for series in (values, changed))
    assert before[:91].tolist() == after[:91].tolist()
    assert before[91] < after[91]


def test_backcast_is_that_of_arch():
    from arch.univariate import GARCH

    values = np.random.default_rng(1).normal(0, 1.3, 200)
    assert backcast(sequences(values))[0] == pytest.approx(GARCH().backcast(values), rel=1e-12)


def test_asset_has_the_same_variance_in_any_company():
    random = np.random.default_rng(1)
    long, short = random.normal(0, 0.03, 300), random.normal(0, 0.05, 120)
    padded = np.vstack([np.exp(long.cumsum()), np.r_[np.full(180, np.nan), np.exp(short.cumsum())]])

    together = ewma(returns(padded).sequences()).next_variance[1]
    assert together == pytest.approx(ewma(returns(np.exp(short.cumsum())).sequences()).next_variance[0], rel=1e-12)


def test_too_short_and_constant_series_say_so():
    assert ewma(sequences(np.ones(9))).status.tolist() == [Status.TOO_FEW_OBSERVATIONS]
    assert asymmetric_ewma(sequences(np.zeros(50))).status.tolist() == [Status.CONSTANT]
    assert np.isnan(asymmetric_ewma(sequences(np.ones(9))).next_variance).all()
    assert ewma(sequences(np.zeros(50))).status.tolist() == [Status.CONSTANT]
    assert np.isnan(ewma(sequences(np.zeros(50))).next_variance).all()


@pytest.mark.parametrize("average", [ewma, asymmetric_ewma])
def test_both_engines_give_the_same(average):
    pytest.importorskip("numba")
    values = np.random.default_rng(4).normal(0, 0.03, (3, 120))
    values[1, :40] = 0.0
    series = Sequences(values, np.zeros(values.shape, dtype=np.bool_), np.array([120, 80, 120]))

    compiled, plain = (average(series, engine=engine) for engine in (Engine.NUMBA, Engine.NUMPY))
    assert compiled.variances.tolist() == plain.variances.tolist()
    assert compiled.next_variance.tolist() == plain.next_variance.tolist()
