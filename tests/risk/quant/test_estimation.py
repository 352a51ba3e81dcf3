"""Checked on series whose law is known, by formulas that are not those of the module."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from risk.quant import estimation, garch
from risk.quant.distributions import student_quantile, student_shortfall
from risk.quant.engine import Engine
from risk.quant.estimation import DRAWS, ESTIMATES, Basis, Bootstrap, Errors, Known
from risk.quant.ewma import asymmetric_ewma, ewma
from risk.quant.garch import Prior
from risk.quant.har import har
from risk.quant.returns import Sequences, winsorise
from risk.quant.tail_risk import Method, Pool, asymmetric_filtered, combined, garch_filtered, garch_student
from tests.risk.quant.simulated import sequences

LEVELS = (0.95, 0.975, 0.99)
LEVEL = 0.975
PRIOR = Prior(np.array([0.73, 2.64, 0.91]), np.array([0.95, 1.12, 0.44]))
"""As it is learnt from the long series of the population below."""
WEIGHTS = np.array([0.16, 0.36, 0.29, 0.07])
"""As they are learnt from coins; docs/risk/validation.md."""
BOOTSTRAP = Bootstrap.of(5)


@dataclass(frozen=True)
class Simulated:
    returns: NDArray[np.float64]
    truth: NDArray[np.float64]
    """Series x `ESTIMATES`, in logs: thrice the volatility of a day of the next 30, then the shortfall of the next."""
    deviation: NDArray[np.float64]
    """Of the next day."""
    nu: NDArray[np.float64]


def simulated(*, series: int, days: int, seed: int) -> Simulated:
    """GARCH(1,1)-t; parameters vary between series about as much as the fits of coins do."""
    random = np.random.default_rng(seed)
    odds = np.exp(np.column_stack([random.normal(0.92, 0.8, series), random.normal(2.72, 0.9, series)]))
    alpha, beta = (odds / (1 + odds.sum(axis=1))[:, None]).T
    nu = 2.05 + np.exp(random.normal(0.85, 0.34, series))
    variance = np.full(series, 0.04**2)
    omega = variance * (1 - alpha - beta)
    values = np.empty((days + 400, series))
    for day in range(len(values)):
        shock = random.standard_t(nu) * np.sqrt((nu - 2) / nu)
        values[day] = shock * np.sqrt(variance)
        variance = omega + alpha * values[day] ** 2 + beta * variance
    deviation = np.sqrt(variance)
    shortfall = np.log(deviation) + np.log(student_shortfall(LEVEL, nu))
    ahead = np.zeros(series)
    for _ in range(30):
        ahead += variance / 30
        variance = omega + (alpha + beta) * variance
    return Simulated(values[400:].T.copy(), np.column_stack([*[0.5 * np.log(ahead)] * 3, shortfall]), deviation, nu)


def known(values: NDArray[np.float64]) -> Known:
    """Everything that is estimated of whole series, as `features.measure_alone` does."""
    kept, actual = sequences(winsorise(values)), sequences(values)
    days = values.shape[1]
    fits = garch.fit(kept, prior=PRIOR if days < 500 else None, fewest=250)
    filtered = garch.filtered(kept, fits, actual=values)
    asymmetric = asymmetric_ewma(kept)
    by_asymmetric, by_garch = asymmetric_filtered(actual.values, asymmetric), garch_filtered(fits, filtered)
    tails = tuple(
        combined(
            by_asymmetric.tail(level=level), by_garch.tail(level=level), garch_student(fits, filtered, level=level)
        )
        for level in LEVELS
    )
    return Known(kept, fits, filtered, har(kept), tails, LEVEL, by_asymmetric, by_garch, Pool.empty(LEVELS))


def found(values: NDArray[np.float64], **options) -> Errors:
    return estimation.errors(known(values), prior=PRIOR, bootstrap=BOOTSTRAP, **options)


def estimated(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Series x `ESTIMATES`, in logs, before anything is shrunk."""
    own = known(values)
    month = garch.variance_forecast(own.fits, own.filtered.next_variance, days=30).mean(axis=1)
    lasting = ewma(own.sequences, decay=0.98).next_variance
    variances = [ewma(own.sequences).next_variance, lasting, own.autoregression.variance, month]
    with np.errstate(invalid="ignore"):
        volatility = np.nanmean(0.5 * np.log(variances), axis=0)
    recent = ewma(sequences(values)).next_variance
    return np.column_stack(
        [
            volatility,
            0.5 * np.log(recent),
            0.5 * np.log(lasting),
            np.log(own.tails[LEVELS.index(LEVEL)].expected_shortfall),
        ]
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("days", "basis", "least", "most"),
    [(1000, Basis.FITTED, 0.85, 0.91), (300, Basis.FITTED, 0.76, 0.86), (100, Basis.POOLED, 0.82, 0.91)],
)
def test_nominal_90_per_cent_of_the_forecast_hold_the_truth_as_often_as_the_documentation_says(
    days, basis, least, most
):
    series = simulated(series=600, days=days, seed=8)
    drawn = found(series.returns)
    low, high = drawn.quantiles(WEIGHTS, (0.05, 0.95)).T
    error = (estimated(series.returns) - series.truth) @ WEIGHTS

    # docs/risk/validation.md has the figures of larger samples.
    assert set(drawn.basis) == {basis}
    assert least < ((low <= error) & (error <= high)).mean() < most


@pytest.mark.parametrize("name", ["recent_volatility", "lasting_volatility", "expected_shortfall"])
def test_standard_error_is_what_the_estimate_varies_by(name):
    series = simulated(series=400, days=1000, seed=8)
    column = ESTIMATES.index(name)
    errors = found(series.returns).standard_errors[:, column]

    actual = (estimated(series.returns) - series.truth)[:, column].std()
    assert np.sqrt((errors**2).mean()) == pytest.approx(actual, rel=0.25)


@pytest.mark.slow
@pytest.mark.parametrize("days", [1000, 300])
def test_tail_losses_are_as_far_from_the_truth_as_their_errors_say(days):
    series = simulated(series=600, days=days, seed=8)
    own, errors = known(series.returns), found(series.returns).tails
    for place, tail in enumerate(own.tails):
        of_level = series.deviation * np.array(
            [student_quantile(tail.level, series.nu), student_shortfall(tail.level, series.nu)]
        )
        for column, (value, truth) in enumerate(
            zip([tail.value_at_risk, tail.expected_shortfall], of_level, strict=True)
        ):
            held = np.abs(value - truth) <= 1.645 * value * errors[:, place, column]

            # docs/risk/validation.md has the figures of larger samples; the shortfall at 99 % is of a few days.
            assert (0.84, 0.76)[column] < held.mean() < 0.95, (tail.level, column)


def test_every_tail_loss_has_an_error_and_the_farther_out_it_is_the_larger():
    errors = found(simulated(series=30, days=600, seed=3).returns).tails

    assert np.isfinite(errors).all()
    assert (np.diff(np.median(errors, axis=0), axis=0) > 0).all()


def test_error_of_the_shortfall_is_the_same_beside_the_tail_and_in_the_forecast():
    drawn = found(simulated(series=5, days=600, seed=3).returns)

    of_forecast = drawn.standard_errors[:, ESTIMATES.index("expected_shortfall")]
    assert drawn.tails[:, LEVELS.index(LEVEL), 1].tolist() == of_forecast.tolist()


def test_doubts_of_the_parameters_vanish_with_the_length_of_the_history():
    whole = simulated(series=60, days=4000, seed=4).returns
    spreads = []
    for days in (500, 1000, 4000):
        values = sequences(winsorise(whole[:, -days:]))
        fits = garch.fit(values)
        information = garch.expansion(values, fits).information
        precision = information + np.diag([0.0, estimation.LONG_RUN_DEVIATION**-2, *PRIOR.deviation**-2])
        spreads.append(np.nanmedian(np.sqrt(np.linalg.inv(precision).diagonal(axis1=1, axis2=2)), axis=0))

    assert (spreads[0] > spreads[1]).all()
    assert (spreads[1] > spreads[2]).all()
    # The tail is well known from the start, and its doubts go down as the root of the days.
    assert spreads[2][-1] / spreads[1][-1] == pytest.approx(0.5, abs=0.1)


def test_parameters_are_drawn_around_the_top_of_likelihood_and_prior_together():
    own = known(simulated(series=20, days=300, seed=4).returns)
    sure = Prior(PRIOR.mean, np.full(3, 1e-3))

    _, with_the_same_prior, _ = estimation._identified(own, PRIOR)
    rows, with_a_sure_one, roots = estimation._identified(own, sure)
    # Such short series were fitted with this prior, so that the search ended there.
    assert np.abs(with_the_same_prior - own.fits.coordinates[rows])[:, 2:].max() < 0.1
    assert np.abs(own.fits.coordinates[rows] - np.concatenate([[0, 0], PRIOR.mean]))[:, 2:].max() > 0.3
    assert with_a_sure_one[:, 2:] == pytest.approx(np.tile(PRIOR.mean, (20, 1)), abs=0.01)
    assert np.sqrt((roots**2).sum(axis=2))[:, 2:] == pytest.approx(1e-3, rel=0.01)


def test_long_histories_are_measured_better_than_short_ones():
    whole = simulated(series=60, days=1000, seed=4).returns
    volatility = [np.median(found(whole[:, -days:]).standard_errors[:, 0]) for days in (300, 1000)]

    assert volatility[0] > volatility[1]


def test_both_engines_give_the_same():
    pytest.importorskip("numba")
    values = simulated(series=5, days=300, seed=1).returns
    compiled, plain = (found(values, engine=engine) for engine in (Engine.NUMBA, Engine.NUMPY))

    assert compiled.logs == pytest.approx(plain.logs, rel=1e-9, abs=1e-9)


def test_an_asset_has_the_same_errors_in_any_company():
    values = simulated(series=6, days=600, seed=2).returns
    together, alone = found(values), found(values[3:4])

    assert alone.logs.tobytes() == together.logs[3:4].tobytes()


def test_another_seed_draws_other_errors_of_the_same_size():
    values = simulated(series=20, days=600, seed=2).returns
    first, again, other = (
        estimation.errors(known(values), prior=PRIOR, bootstrap=Bootstrap.of(seed)) for seed in (5, 5, 6)
    )

    assert first.logs.tobytes() == again.logs.tobytes()
    assert first.logs.tobytes() != other.logs.tobytes()
    assert other.standard_errors == pytest.approx(first.standard_errors, rel=0.35)


def test_unit_of_the_returns_does_not_matter():
    values = simulated(series=4, days=600, seed=2).returns

    assert found(1000 * values).standard_errors == pytest.approx(found(values).standard_errors, rel=1e-3)


def test_without_dynamics_nothing_is_said():
    drawn = estimation.errors(known(simulated(series=2, days=100, seed=1).returns), prior=None, bootstrap=BOOTSTRAP)

    assert set(drawn.basis) == {Basis.NONE}
    assert np.isnan(drawn.logs).all()
    assert np.isnan(drawn.tails).all()
    assert np.isnan(drawn.quantiles(WEIGHTS, (0.05, 0.95))).all()


def test_fewer_returns_than_an_average_needs_have_no_errors():
    values = simulated(series=1, days=9, seed=1).returns

    assert set(found(values).basis) == {Basis.NONE}


def test_a_flat_likelihood_is_held_by_what_others_say():
    # Without memory alpha and beta cannot be told apart, and the search may end anywhere.
    values = 0.03 * np.random.default_rng(1).standard_t(5, (30, 600))
    drawn = found(values)

    assert np.isfinite(drawn.logs).all()
    assert drawn.standard_errors.max() < 1.0


def test_quantiles_are_of_the_weighted_sum_and_leave_out_what_was_not_estimated():
    ladder = np.arange(1.0, DRAWS + 1)
    logs = np.stack([np.stack([ladder, -ladder, 2 * ladder, np.full(DRAWS, np.nan)])])
    drawn = Errors(logs, np.array([Basis.FITTED], dtype=object), np.full((1, 3, 2), np.nan))

    # 5 % of 201 is 10.05: between the tenth and the eleventh.
    assert drawn.quantiles(np.array([1.0, 0.0, 0.5, 7.0]), (0.05, 0.95))[0] == pytest.approx([20.1, 381.9])


def test_whoever_has_no_expected_shortfall_has_no_error_of_it():
    values = simulated(series=2, days=30, seed=1).returns
    drawn = found(values)

    assert np.isnan(drawn.standard_errors[:, ESTIMATES.index("expected_shortfall")]).all()
    assert np.isfinite(drawn.quantiles(WEIGHTS, (0.05, 0.95))).all()


def test_tail_that_is_that_of_others_is_as_uncertain_as_they_differ():
    own = known(simulated(series=40, days=30, seed=1).returns)
    pooled = tuple(replace(tail, method=np.full(40, Method.ASYMMETRIC_POOLED, dtype=object)) for tail in own.tails)
    column = ESTIMATES.index("expected_shortfall")

    def errors(deviation: float, *, of_quantile: bool = False) -> NDArray[np.float64]:
        spread = np.full(3, deviation)
        peers = replace(own.pool, quantile_deviation=spread / 2, deviation=spread)
        drawn = estimation.errors(replace(own, tails=pooled, pool=peers), prior=PRIOR, bootstrap=BOOTSTRAP)
        assert drawn.tails[:, LEVELS.index(LEVEL), 1] == pytest.approx(drawn.standard_errors[:, column])
        return drawn.tails[:, 2, 0] if of_quantile else drawn.standard_errors[:, column]

    # Two independent errors: of the variance, and of the tail.
    assert errors(0.3) == pytest.approx(np.hypot(errors(0.0), 0.3), rel=0.1)
    assert errors(0.6, of_quantile=True) == pytest.approx(errors(0.3))


def test_a_hole_in_a_history_is_no_return():
    values = simulated(series=1, days=600, seed=2).returns
    padded = np.concatenate([np.zeros((1, 400)), values], axis=1)
    is_first = np.zeros(padded.shape, dtype=np.bool_)
    is_first[0, 400] = True
    short = known(values)
    kept = Sequences(
        np.where(padded != 0, winsorise(np.where(padded != 0, padded, np.nan)), 0.0), is_first, np.array([600])
    )
    fits = garch.fit(kept, fewest=250)
    filtered = garch.filtered(kept, fits, actual=padded)
    wide = Known(
        kept,
        fits,
        filtered,
        har(kept),
        short.tails,
        LEVEL,
        short.by_asymmetric,
        short.by_garch,
        short.pool,
    )

    drawn = estimation.errors(wide, prior=PRIOR, bootstrap=BOOTSTRAP)
    assert drawn.logs == pytest.approx(found(values).logs, rel=1e-6, abs=1e-6)
