import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from risk.quant import garch, tail_risk
from risk.quant.arrays import counts
from risk.quant.distributions import normal_quantile, normal_shortfall, student_shortfall
from risk.quant.ewma import asymmetric_ewma, ewma
from risk.quant.returns import Returns, winsorise
from risk.quant.status import Status
from risk.quant.tail_risk import (
    Method,
    Pool,
    Simulation,
    asymmetric_filtered,
    combined,
    ewma_filtered,
    extreme,
    garch_filtered,
    garch_student,
    gaussian,
    historical,
    pool,
    with_pool,
)
from tests.risk.quant.simulated import garch_returns, sequences

samples = hnp.arrays(
    np.float64, st.tuples(st.integers(1, 3), st.integers(40, 90)), elements=st.floats(-0.875, 0.875, width=32)
)
levels = st.sampled_from([0.9, 0.95, 0.975])


@given(samples, levels)
def test_shortfall_is_the_mean_of_the_quantiles_beyond_the_level(returns, level):
    # Derived anew: the integral of the empirical quantile function, a step function of n equal steps.
    found = historical(returns, level=level)
    for row, shortfall, status in zip(returns, found.expected_shortfall, found.status, strict=True):
        if status is Status.CONSTANT:
            continue
        n = row.size
        overlaps = np.clip(np.minimum(np.arange(1, n + 1) / n, 1 - level) - np.arange(n) / n, 0, None)
        assert shortfall == pytest.approx(-(overlaps * np.sort(row)).sum() / (1 - level), abs=1e-12)


@given(samples, levels)
def test_shortfall_is_the_least_of_rockafellar_and_uryasev(returns, level):
    found = historical(returns, level=level)
    for row, shortfall, status in zip(returns, found.expected_shortfall, found.status, strict=True):
        if status is Status.CONSTANT:
            continue
        # min over c of c + E[(L - c)+] / (1 - level); the minimum of a convex piecewise linear function is at a loss.
        candidates = [c + np.maximum(-row - c, 0).mean() / (1 - level) for c in -row]
        assert shortfall == pytest.approx(min(candidates), abs=1e-12)


@given(samples, levels)
def test_shortfall_is_never_less_than_the_value_at_risk(returns, level):
    for method in (historical, gaussian):
        found = method(returns, level=level)
        good = found.status == Status.OK
        assert (found.expected_shortfall[good] >= found.value_at_risk[good] - 1e-12).all()


@given(samples, levels, st.floats(0.01, 100))
def test_risk_grows_with_the_size_of_the_returns(returns, level, factor):
    small, large = historical(returns, level=level), historical(returns * factor, level=level)

    assert large.value_at_risk == pytest.approx(small.value_at_risk * factor, rel=1e-9, abs=1e-12, nan_ok=True)
    assert large.expected_shortfall == pytest.approx(
        small.expected_shortfall * factor, rel=1e-9, abs=1e-12, nan_ok=True
    )


@given(samples, levels, st.randoms(use_true_random=False))
def test_historical_risk_does_not_depend_on_the_order_of_days(returns, level, random):
    shuffled = returns[:, random.sample(range(returns.shape[1]), returns.shape[1])]
    before, after = historical(returns, level=level), historical(shuffled, level=level)

    assert after.value_at_risk.tolist() == pytest.approx(before.value_at_risk.tolist(), nan_ok=True)
    assert after.expected_shortfall.tolist() == pytest.approx(before.expected_shortfall.tolist(), nan_ok=True)


def test_missing_days_are_left_out():
    values = np.random.default_rng(1).normal(0, 0.03, 200)
    with_holes = np.full((1, 300), np.nan)
    with_holes[0, np.sort(np.random.default_rng(2).choice(300, 200, replace=False))] = values

    found, whole = historical(with_holes, level=0.95), historical(values[None], level=0.95)
    assert (found.value_at_risk, found.expected_shortfall) == (whole.value_at_risk, whole.expected_shortfall)
    assert found.observations.tolist() == [200]


def test_sample_without_a_tail_of_its_own_has_no_number():
    found = historical(np.random.default_rng(1).normal(0, 0.03, (1, 39)), level=0.975)

    assert found.status.tolist() == [Status.TOO_FEW_OBSERVATIONS]
    assert np.isnan(found.value_at_risk).all()
    assert np.isnan(found.expected_shortfall).all()


@pytest.mark.parametrize("method", [historical, gaussian])
def test_constant_price_has_no_risk_that_could_be_told(method):
    found = method(np.zeros((1, 100)), level=0.95)

    assert found.status.tolist() == [Status.CONSTANT]
    assert np.isnan(found.value_at_risk).all()


def test_nothing_observed_is_not_zero():
    for returns in (np.full((2, 100), np.nan), np.empty((2, 0))):
        found = historical(returns, level=0.95)
        assert found.status.tolist() == [Status.TOO_FEW_OBSERVATIONS] * 2
        assert np.isnan(found.expected_shortfall).all()


def test_gaussian_risk_is_that_of_mean_and_deviation():
    values = np.random.default_rng(1).normal(0.001, 0.03, (1, 500))
    found = gaussian(values, level=0.99)

    mean, deviation = values.mean(), values.std(ddof=1)
    assert found.value_at_risk[0] == pytest.approx(-mean + deviation * normal_quantile(0.99))
    assert found.expected_shortfall[0] == pytest.approx(-mean + deviation * normal_shortfall(0.99))


def test_filtered_risk_of_an_even_series_is_its_historical_risk():
    # With equal squares every variance is the same, so filtering changes nothing.
    values = 0.02 * np.where(np.random.default_rng(1).random(400) < 0.5, -1.0, 1.0)[None]
    found = ewma_filtered(values, ewma(sequences(values))).tail(level=0.95)

    assert found.value_at_risk[0] == pytest.approx(historical(values, level=0.95).value_at_risk[0], rel=1e-9)
    assert found.method.tolist() == [Method.EWMA_FILTERED]


@pytest.mark.parametrize(("filtered", "average"), [(ewma_filtered, ewma), (asymmetric_filtered, asymmetric_ewma)])
def test_filtered_risk_follows_the_latest_variance(filtered, average):
    random = np.random.default_rng(1)
    calm, wild = random.normal(0, 0.01, 300), random.normal(0, 0.05, 100)
    values = np.vstack([np.r_[calm, wild], np.r_[wild, calm]])
    found = filtered(values, average(sequences(values))).tail(level=0.975)

    assert found.value_at_risk[0] > 3 * found.value_at_risk[1]


def test_asymmetric_risk_is_the_tail_of_returns_divided_by_it_times_that_of_tomorrow():
    values = garch_returns(series=1, days=400, seed=3)
    square, fast, slow = np.where(values[0] < 0, 1.5, 0.5) * values[0] ** 2, [], []
    first = 0.94 ** np.arange(75)
    last_fast = last_slow = (first * square[:75]).sum() / first.sum()
    for day in square:
        fast.append(last_fast)
        slow.append(last_slow)
        last_fast, last_slow = 0.8 * last_fast + 0.2 * day, 0.97 * last_slow + 0.03 * day
    residuals = values[0] / np.sqrt(np.add(fast, slow) / 2)
    worst = np.sort(residuals[75:])[:9]  # 2.5 % of 325 are 8.125 days
    tomorrow = np.sqrt((last_fast + last_slow) / 2)

    found = asymmetric_filtered(values, asymmetric_ewma(sequences(values))).tail(level=0.975)

    assert found.value_at_risk[0] == pytest.approx(-worst[8] * tomorrow, rel=1e-9)
    assert found.expected_shortfall[0] == pytest.approx(
        -(worst[:8].sum() + 0.125 * worst[8]) / 8.125 * tomorrow, rel=1e-9
    )


@pytest.fixture(scope="module")
def models():
    values = sequences(garch_returns(series=3, days=700, seed=1) / 100)
    fits = garch.fit(values)
    return values, fits, garch.filtered(values, fits)


def test_student_risk_is_the_closed_form(models):
    _, fits, filtered = models
    found = garch_student(fits, filtered, level=0.975)

    by_hand = np.sqrt(filtered.next_variance) * student_shortfall(0.975, fits.degrees_of_freedom) - fits.mean
    assert found.expected_shortfall.tolist() == by_hand.tolist()


def test_garch_filtered_risk_is_the_tail_of_the_residuals(models):
    _, fits, filtered = models
    found = garch_filtered(fits, filtered).tail(level=0.95)

    tail = historical(filtered.residuals, level=0.95)
    by_hand = tail.value_at_risk * np.sqrt(filtered.next_variance) - fits.mean
    assert found.value_at_risk.tolist() == by_hand.tolist()


def test_extreme_risk_joins_the_empirical_one_at_the_threshold(models):
    _, fits, filtered = models
    far, near = extreme(fits, filtered, level=0.999), extreme(fits, filtered, level=0.95)

    assert near.value_at_risk == pytest.approx(garch_filtered(fits, filtered).tail(level=0.95).value_at_risk, rel=0.1)
    assert (far.value_at_risk > near.expected_shortfall).all()


def test_combination_is_the_mean_of_three(models):
    values, fits, filtered = models
    parts = [
        asymmetric_filtered(values.values, asymmetric_ewma(values)).tail(level=0.975),
        garch_filtered(fits, filtered).tail(level=0.975),
        garch_student(fits, filtered, level=0.975),
    ]
    found = combined(*parts)

    assert found.method.tolist() == [Method.COMBINED] * 3
    assert found.value_at_risk == pytest.approx(sum(part.value_at_risk for part in parts) / 3)
    assert found.expected_shortfall == pytest.approx(sum(part.expected_shortfall for part in parts) / 3)


def test_short_history_is_left_to_asymmetric_ewma():
    values = sequences(garch_returns(series=2, days=499, seed=1))
    fits = garch.fit(values)
    filtered = garch.filtered(values, fits)
    alone = asymmetric_filtered(values.values, asymmetric_ewma(values)).tail(level=0.975)
    found = combined(
        alone, garch_filtered(fits, filtered).tail(level=0.975), garch_student(fits, filtered, level=0.975)
    )

    assert found.method.tolist() == [Method.ASYMMETRIC_FILTERED] * 2
    assert found.value_at_risk.tolist() == alone.value_at_risk.tolist()


def test_failed_fit_is_left_to_asymmetric_ewma_and_shows_in_its_own_number():
    values = garch_returns(series=1, days=600, seed=1)
    values[:, ::3] = 0.0
    series = sequences(values)
    fits = garch.fit(series)
    filtered = garch.filtered(series, fits)
    student = garch_student(fits, filtered, level=0.975)
    found = combined(
        asymmetric_filtered(values, asymmetric_ewma(series)).tail(level=0.975),
        garch_filtered(fits, filtered).tail(level=0.975),
        student,
    )

    assert student.status.tolist() == [Status.STALE]
    assert np.isnan(student.value_at_risk).all()
    assert found.method.tolist() == [Method.ASYMMETRIC_FILTERED]
    assert found.value_at_risk[0] > 0


def test_short_series_keep_the_residuals_of_their_backcast():
    residuals = np.arange(224.0)[None]

    assert counts(tail_risk._settled(residuals)).tolist() == [224]
    assert counts(tail_risk._settled(np.arange(225.0)[None])).tolist() == [150]


def simulation(residuals: NDArray[np.float64]) -> Simulation:
    """Of these residuals as they are."""
    size = len(residuals)
    status = np.full(size, Status.OK, dtype=object)
    ordered = np.sort(residuals, axis=1)
    return Simulation(ordered, np.ones(size), np.zeros(size), Method.EWMA_FILTERED, counts(residuals), status)


@pytest.mark.parametrize("size", [250, 1000])
def test_error_of_an_empirical_shortfall_is_what_it_varies_by(size):
    residuals = np.random.default_rng(1).standard_t(6, (4000, size))
    shortfalls = historical(residuals, level=0.975).expected_shortfall
    _, errors = simulation(residuals).errors(level=0.975)

    assert np.sqrt(np.mean((errors * shortfalls) ** 2)) == pytest.approx(shortfalls.std(), rel=0.2)


@pytest.mark.parametrize("level", [0.95, 0.975, 0.99])
@pytest.mark.parametrize("size", [250, 1000])
def test_error_of_an_empirical_value_at_risk_is_what_it_varies_by(size, level):
    residuals = np.random.default_rng(1).standard_t(6, (4000, size))
    quantiles = historical(residuals, level=level).value_at_risk
    errors, _ = simulation(residuals).errors(level=level)

    assert np.median(errors * quantiles) == pytest.approx(quantiles.std(), rel=0.12)


def test_without_a_tail_its_losses_have_no_error():
    for errors in simulation(np.random.default_rng(1).normal(size=(1, 30))).errors(level=0.975):
        assert np.isnan(errors).all()


def test_error_of_a_value_at_risk_needs_a_tail_that_reaches_beyond_its_edge():
    values = np.random.default_rng(1).normal(size=(1, 150))
    of_quantile, of_shortfall = simulation(values).errors(level=0.99)

    # One or two of 150: a deviation of 1.2 places leads beyond the worst.
    assert np.isnan(of_quantile).all()
    assert np.isfinite(of_shortfall).all()


def test_errors_are_the_same_in_any_company():
    values = np.random.default_rng(1).standard_t(4, (3, 1000))
    values[1:, :400] = np.nan
    together, alone = simulation(values), simulation(values[1:2])

    for whole, part in zip(together.errors(level=0.95), alone.errors(level=0.95), strict=True):
        assert whole[1:2].tobytes() == part.tobytes()


def test_what_never_lost_anything_has_no_share_of_a_loss():
    rising = np.abs(np.random.default_rng(1).normal(size=(1, 500))) + 0.1

    for errors in simulation(rising).errors(level=0.95):
        assert np.isnan(errors).all()


LEVELS = (0.95, 0.975, 0.99)


def returns_of(values: NDArray[np.float64]) -> Returns:
    observed = ~np.isnan(values)
    return Returns(values, observed.astype(np.int64), observed & (observed.cumsum(axis=1) == 1))


def pooled(happened: Returns) -> Pool:
    return pool(happened, happened.winsorised(), levels=LEVELS)


def test_pool_is_the_tail_of_the_residuals_of_all_who_have_enough():
    values = garch_returns(series=12, days=300, seed=4)
    values[10, :76], values[11, :75] = np.nan, np.nan  # 224 returns, which are too few, and 225
    found = pooled(returns_of(values))

    residuals = values / np.sqrt(asymmetric_ewma(returns_of(winsorise(values)).sequences()).variances)
    own = [*(row[75:] for row in residuals[:10]), residuals[11, 150:]]
    assert found.observations == 10 * 225 + 150
    for place, level in enumerate(LEVELS):
        everybody = historical(np.concatenate(own)[None], level=level)
        assert found.value_at_risk[place] == everybody.value_at_risk[0]
        assert found.expected_shortfall[place] == pytest.approx(everybody.expected_shortfall[0])
        alone = [historical(row[None], level=level).expected_shortfall[0] for row in own]
        assert found.deviation[place] == pytest.approx(np.log(alone).std(ddof=1))
        alone = [historical(row[None], level=level).value_at_risk[0] for row in own]
        assert found.quantile_deviation[place] == pytest.approx(np.log(alone).std(ddof=1))


def test_of_fewer_than_ten_assets_there_is_no_pool():
    assert pooled(returns_of(garch_returns(series=9, days=300, seed=4))).observations == 0


def test_short_history_has_the_tail_of_the_pool_times_its_own_risk_and_a_longer_one_its_own():
    values = garch_returns(series=3, days=250, seed=5)
    values[0, :237], values[1, :1] = np.nan, np.nan  # 13, 249 and 250 returns
    packed = returns_of(values).sequences()
    model = asymmetric_ewma(packed)
    own = asymmetric_filtered(packed.masked(), model).tail(level=0.975)
    peers = Pool(LEVELS, np.array([1.6, 2.1, 2.8]), np.array([2.3, 2.9, 3.7]), np.full(3, 0.1), np.full(3, 0.2), 5_000)

    found = with_pool(own, model, peers)

    risk = np.sqrt(model.next_variance)
    assert found.value_at_risk.tolist() == [*(2.1 * risk[:2]), own.value_at_risk[2]]
    assert found.expected_shortfall.tolist() == [*(2.9 * risk[:2]), own.expected_shortfall[2]]
    assert found.method.tolist() == [
        Method.ASYMMETRIC_POOLED,
        Method.ASYMMETRIC_POOLED,
        Method.ASYMMETRIC_FILTERED,
    ]
    assert found.observations.tolist() == [5_000, 5_000, 250]
    assert (own.status[0], found.status[0]) == (Status.TOO_FEW_OBSERVATIONS, Status.OK)


def test_without_a_pool_a_short_history_keeps_its_own_tail():
    packed = sequences(garch_returns(series=2, days=60, seed=5))
    own = asymmetric_filtered(packed.masked(), asymmetric_ewma(packed)).tail(level=0.975)
    found = with_pool(own, asymmetric_ewma(packed), Pool.empty(LEVELS))

    assert found.value_at_risk.tolist() == own.value_at_risk.tolist()
    assert found.method.tolist() == [Method.ASYMMETRIC_FILTERED] * 2


def test_tail_of_the_pool_is_exceeded_as_often_as_it_says_where_the_own_one_is_exceeded_too_often():
    values = garch_returns(series=4_000, days=361, seed=6)
    young, tomorrow = values[:3_500, 300:360], values[:3_500, 360]
    model = asymmetric_ewma(sequences(young))
    own = asymmetric_filtered(young, model).tail(level=0.975)
    shared = with_pool(own, model, pooled(returns_of(values[3_500:, :360])))

    assert (-tomorrow > own.value_at_risk).mean() > 0.03
    assert (-tomorrow > shared.value_at_risk).mean() == pytest.approx(0.025, abs=0.005)
