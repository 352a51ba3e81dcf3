from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from risk.quant import garch
from risk.quant.engine import Engine
from risk.quant.ewma import backcast
from risk.quant.garch import Asymmetry, Innovation, Prior, filtered, fit, prior_from, variance_forecast
from risk.quant.garch.coordinates import Coordinates
from risk.quant.garch.likelihood import Likelihood
from risk.quant.minimisation import Limits
from risk.quant.returns import Sequences, returns
from risk.quant.status import Status
from tests.risk.quant.simulated import garch_returns, sequences

VARIANTS = [(innovation, asymmetry) for innovation in Innovation for asymmetry in Asymmetry]


@pytest.fixture(scope="module")
def sp500() -> Sequences:
    from arch.data import sp500 as data

    return sequences(100 * data.load()["Adj Close"].pct_change().dropna().to_numpy())


def test_normal_garch_of_the_sp500_is_the_published_one(sp500):
    found = fit(sp500, innovation=Innovation.NORMAL)

    # The table in the documentation of arch: S&P 500, 1999 to 2018.
    assert sp500.size.tolist() == [5030]
    assert found.log_likelihood[0] == pytest.approx(-6936.72, abs=0.005)
    parameters = [found.mean[0], found.omega[0], found.alpha[0], found.beta[0]]
    assert parameters == pytest.approx([0.0564, 0.0175, 0.1022, 0.8852], abs=1e-4)


def test_normal_gjr_of_the_sp500_is_the_published_one(sp500):
    found = fit(sp500, innovation=Innovation.NORMAL, asymmetry=Asymmetry.GJR)

    assert found.log_likelihood[0] == pytest.approx(-6822.88, abs=0.005)
    assert found.gamma[0] > 0


def arch_likelihoods(values):
    """By `arch` with its own backcast, which is ours too: 0.94^i weights over the first 75 squares around the mean."""
    from arch import arch_model

    return np.array([arch_model(row, dist="t", rescale=False).fit(disp="off").loglikelihood for row in values])


@pytest.mark.filterwarnings("ignore")  # of arch, where its own optimiser stops early
def test_likelihood_reaches_that_of_arch():
    values = garch_returns(series=12, days=600, seed=5)

    assert (fit(sequences(values)).log_likelihood > arch_likelihoods(values) - 1e-4).all()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_likelihood_of_200_series_reaches_that_of_arch():
    values = garch_returns(series=200, days=1000, seed=1)
    found = fit(sequences(values))

    assert set(found.status) == {Status.OK}
    difference = found.log_likelihood - arch_likelihoods(values)
    assert difference.min() > -1e-4
    # Where ours is higher, arch has stopped on a lower top.
    assert np.median(np.abs(difference)) < 1e-6


@pytest.mark.parametrize(("innovation", "asymmetry"), VARIANTS)
def test_gradient_is_the_slope_of_the_likelihood(innovation, asymmetry):
    values = sequences(garch_returns(series=3, days=150, seed=2) / 4)
    values.is_first[1, 70] = True
    coordinates = Coordinates(innovation, asymmetry)
    problem = Likelihood(values, coordinates, backcast(values), None, Engine.NUMPY)
    x = np.random.default_rng(1).normal(0, 0.4, (3, coordinates.size))
    rows = np.arange(3)

    _, gradient = problem(x, rows)
    for dimension in range(coordinates.size):
        step = np.zeros(coordinates.size)
        step[dimension] = 1e-6
        slope = (problem(x + step, rows)[0] - problem(x - step, rows)[0]) / 2e-6
        assert gradient[:, dimension] == pytest.approx(slope, rel=1e-5, abs=1e-4)


@pytest.mark.parametrize(("innovation", "asymmetry"), VARIANTS)
def test_both_engines_give_the_same(innovation, asymmetry):
    pytest.importorskip("numba")
    values = garch_returns(series=4, days=300, seed=3)
    values[2, :120] = np.nan
    series = returns(np.exp(np.nan_to_num(values, nan=0.0).cumsum(axis=1) / 100)).sequences()
    series.is_first[1, 150] = True
    series.size[2] = 170
    series.values[2, :-170] = 0.0

    compiled, plain = (
        fit(series, innovation=innovation, asymmetry=asymmetry, engine=engine)
        for engine in (Engine.NUMBA, Engine.NUMPY)
    )
    assert (compiled.engine, plain.engine) == (Engine.NUMBA, Engine.NUMPY)
    assert compiled.status.tolist() == plain.status.tolist()
    for name in ("mean", "omega", "alpha", "gamma", "beta", "log_likelihood"):
        assert getattr(compiled, name) == pytest.approx(getattr(plain, name), rel=1e-9, abs=1e-9, nan_ok=True)


def test_parameters_of_a_long_series_are_found_again():
    random = np.random.default_rng(8)
    shocks = random.standard_t(6, 20_000) * np.sqrt(4 / 6)
    variance, values = 1.0, np.empty(20_000)
    for day, shock in enumerate(shocks):
        values[day] = shock * np.sqrt(variance)
        variance = 0.05 + (0.05 + 0.1 * (values[day] < 0)) * values[day] ** 2 + 0.85 * variance
    found = fit(sequences(values), asymmetry=Asymmetry.GJR)

    parameters = [found.omega[0], found.alpha[0], found.gamma[0], found.beta[0]]
    assert parameters == pytest.approx([0.05, 0.05, 0.1, 0.85], abs=0.02)
    assert found.degrees_of_freedom[0] == pytest.approx(6, abs=0.5)


@settings(max_examples=15)
@given(st.floats(1e-4, 1e4))
def test_unit_of_the_returns_moves_only_what_has_a_unit(unit):
    values = garch_returns(series=1, days=250, seed=4)
    ours, other = fit(sequences(values)), fit(sequences(values * unit))

    assert other.alpha == pytest.approx(ours.alpha, rel=1e-4, abs=1e-6)
    assert other.beta == pytest.approx(ours.beta, rel=1e-4, abs=1e-6)
    assert other.omega == pytest.approx(ours.omega * unit**2, rel=1e-4)
    assert other.log_likelihood == pytest.approx(ours.log_likelihood - 250 * np.log(unit), abs=1e-4)


def test_series_has_the_same_fit_in_any_company():
    values = garch_returns(series=5, days=200, seed=6)
    together, reversed_, alone = fit(sequences(values)), fit(sequences(values[::-1])), fit(sequences(values[3]))

    assert together.coordinates.tolist() == reversed_.coordinates[::-1].tolist()
    assert together.coordinates[3].tolist() == alone.coordinates[0].tolist()


def test_lanes_of_series_of_all_lengths_do_not_know_of_each_other():
    pytest.importorskip("numba")
    values = garch_returns(series=40, days=260, seed=16)
    sizes = np.array([110 + 37 * row % 150 for row in range(40)])
    is_first = np.zeros(values.shape, dtype=np.bool_)
    is_first[::3, 200] = True
    values[np.arange(260) < 260 - sizes[:, None]] = 0.0
    together = fit(Sequences(values, is_first, sizes), engine=Engine.NUMBA)

    for row in range(40):
        one = slice(row, row + 1)
        alone = fit(Sequences(values[one], is_first[one], sizes[one]), engine=Engine.NUMBA)
        assert together.coordinates[row].tolist() == alone.coordinates[0].tolist()


def test_padding_before_the_first_return_changes_nothing():
    values = garch_returns(series=1, days=200, seed=6)
    padded = Sequences(np.c_[np.zeros((1, 77)), values], np.zeros((1, 277), dtype=np.bool_), np.array([200]))

    assert fit(padded).log_likelihood[0] == pytest.approx(fit(sequences(values)).log_likelihood[0], abs=1e-9)


def test_warm_start_ends_in_the_same_place_sooner():
    values = garch_returns(series=5, days=400, seed=7)
    yesterday = fit(sequences(values[:, :-1]))
    cold, warm = fit(sequences(values)), fit(sequences(values), warm=yesterday)

    assert warm.log_likelihood == pytest.approx(cold.log_likelihood, abs=1e-5)
    assert (warm.evaluations < cold.evaluations).all()


def test_prior_draws_a_short_series_to_what_others_say():
    others = fit(sequences(garch_returns(series=40, days=800, seed=9, low=(0.09, 0.85), high=(0.11, 0.87))))
    short = garch_returns(series=30, days=120, seed=10, low=(0.09, 0.85), high=(0.11, 0.87))
    alone, drawn = fit(sequences(short)), fit(sequences(short), prior=prior_from(others.coordinates))

    def error(fits):
        return np.abs(fits.persistence - 0.96).mean()

    assert error(drawn) < 0.5 * error(alone)
    assert (drawn.log_likelihood <= alone.log_likelihood + 1e-4).all()


def test_recursion_is_the_definition():
    values = garch_returns(series=2, days=150, seed=11)
    fits = fit(sequences(values), asymmetry=Asymmetry.GJR)
    found = filtered(sequences(values), fits)

    for row in range(2):
        errors = values[row] - fits.mean[row]
        variance = fits.omega[row] + fits.persistence[row] * fits.backcast[row]
        for day in range(150):
            assert found.variances[row, day] == pytest.approx(variance, rel=1e-12)
            weight = fits.alpha[row] + fits.gamma[row] * (errors[day] < 0)
            variance = fits.omega[row] + weight * errors[day] ** 2 + fits.beta[row] * variance
        assert found.next_variance[row] == pytest.approx(variance, rel=1e-12)


def test_both_engines_filter_the_same():
    pytest.importorskip("numba")
    values = garch_returns(series=3, days=150, seed=11)
    values[2, :30] = 0.0
    is_first = np.zeros(values.shape, dtype=np.bool_)
    is_first[0, 70] = True
    series = Sequences(values, is_first, np.array([150, 150, 120]))
    fits = fit(series, asymmetry=Asymmetry.GJR)

    compiled, plain = (filtered(series, fits, engine=engine) for engine in (Engine.NUMBA, Engine.NUMPY))
    for name in ("variances", "residuals", "next_variance"):
        assert getattr(compiled, name) == pytest.approx(getattr(plain, name), rel=1e-12, nan_ok=True)


def test_tail_is_that_of_what_happened_where_the_recursion_was_spared():
    values = garch_returns(series=1, days=150, seed=11)
    fits = fit(sequences(values))
    happened = values.copy()
    happened[0, 80] = 500.0
    spared = filtered(sequences(values), fits, actual=happened)

    assert spared.next_variance.tolist() == filtered(sequences(values), fits).next_variance.tolist()
    assert spared.residuals[0, 80] == pytest.approx((500 - fits.mean[0]) / np.sqrt(spared.variances[0, 80]))


def test_forecast_goes_from_tomorrow_to_the_long_run():
    values = sequences(garch_returns(series=3, days=500, seed=12))
    fits = fit(values)
    following = filtered(values, fits).next_variance
    forecast = variance_forecast(fits, following, days=3000)

    assert forecast[:, 0] == pytest.approx(following)
    assert forecast[:, 1] == pytest.approx(fits.omega + fits.persistence * following)
    assert forecast[:, -1] == pytest.approx(fits.long_run_variance, rel=0.05)


@pytest.mark.parametrize(
    ("values", "status"),
    [
        (np.ones(50), Status.TOO_FEW_OBSERVATIONS),
        (np.zeros(200), Status.CONSTANT),
        (np.full(200, 0.01), Status.CONSTANT),
        (np.r_[np.zeros(150), np.random.default_rng(1).normal(size=150)], Status.STALE),
    ],
)
def test_series_without_a_fit_says_why_and_has_no_numbers(values, status):
    found = fit(sequences(values))

    assert found.status.tolist() == [status]
    assert np.isnan(found.alpha).all()
    assert np.isnan(found.log_likelihood).all()


@pytest.mark.parametrize("seed", [1, 9])
def test_runs_of_equal_prices_are_not_taken_for_a_variance_that_vanishes(seed):
    random = np.random.default_rng(seed)
    values = 0.01 * random.standard_t(4, 900)
    values[-150:] = 0.0
    values[-150::5] = 0.3 * random.standard_normal(30)

    assert fit(sequences(values)).status.tolist() == [Status.NOT_CONVERGED]


def test_search_that_is_cut_short_is_not_converged(monkeypatch):
    # Flatter than rounding allows: nothing gets there.
    monkeypatch.setattr("risk.quant.garch.search.LIMITS", Limits(flat=0.0, settled_flat=0.0))

    found = fit(sequences(garch_returns(series=2, days=150, seed=13)))
    assert set(found.status) == {Status.NOT_CONVERGED}
    assert np.isnan(found.alpha).all()


@pytest.mark.filterwarnings("ignore")
def test_information_gives_the_standard_errors_of_arch():
    from arch import arch_model

    values = garch_returns(series=4, days=2000, seed=5, low=(0.08, 0.75), high=(0.12, 0.85))
    found = fit(sequences(values))
    covariance = np.linalg.inv(garch.expansion(sequences(values), found).information)
    for row, series in enumerate(values):
        place = found.coordinates[row]
        steps = 1e-6 * np.eye(place.size)
        by_place = (garch.parameters_at(place + steps) - garch.parameters_at(place - steps)) / 2e-6
        jacobian = by_place[:, [0, 1, 2, 4, 5]] * np.array([series.std(), series.var(), 1, 1, 1])
        errors = np.sqrt((jacobian.T @ covariance[row] @ jacobian).diagonal())

        theirs = arch_model(series, dist="t", rescale=False).fit(disp="off", cov_type="classic")
        assert errors == pytest.approx(theirs.std_err.to_numpy(), rel=0.03)


def test_expansion_foretells_the_likelihood_nearby():
    values = sequences(garch_returns(series=3, days=600, seed=2))
    found = fit(values, prior=Prior(np.array([0.5, 2.0, 1.0]), np.full(3, 0.2)))
    around = garch.expansion(values, found)
    scale = values.values.std(axis=1)
    coordinates = Coordinates(Innovation.STUDENT, Asymmetry.NONE)
    problem = Likelihood(values.divided(scale), coordinates, found.backcast / scale**2, None, Engine.NUMPY)
    rows, step = np.arange(3), 0.01 * np.random.default_rng(1).normal(size=(3, 5))

    expected = (around.slope * step).sum(axis=1) - 0.5 * np.einsum("ni,nij,nj->n", step, around.information, step)
    change = problem(found.coordinates, rows)[0] - problem(found.coordinates + step, rows)[0]
    # The prior holds the fit away from the likelihood's own top, so that there is a slope.
    assert np.abs(around.slope).max() > 1
    assert change == pytest.approx(expected, rel=0.05)


def test_series_without_a_fit_has_no_expansion():
    values = sequences(garch_returns(series=2, days=600, seed=2))
    values.values[1] = 0.0
    around = garch.expansion(values, fit(values))

    assert np.isfinite(around.information[0]).all()
    assert np.isnan(around.information[1]).all()
    assert np.isnan(around.slope[1]).all()


def test_parameters_that_another_search_has_found_make_the_same_fit():
    values = sequences(garch_returns(series=3, days=600, seed=3))
    own = garch.fit(values, fewest=500)
    parameters = np.column_stack([own.mean, own.omega, own.alpha, own.beta, own.degrees_of_freedom])
    lost = replace(own, status=np.full(3, Status.NOT_CONVERGED, dtype=object), mean=np.full(3, np.nan))
    found = garch.given(values, lost, 1, parameters[1])

    assert found.status.tolist() == [Status.NOT_CONVERGED, Status.OK, Status.NOT_CONVERGED]
    assert found.is_given.tolist() == [False, True, False]
    for name in ("mean", "omega", "alpha", "beta", "degrees_of_freedom", "log_likelihood", "backcast"):
        assert getattr(found, name)[1] == pytest.approx(getattr(own, name)[1], rel=1e-9)
    assert found.coordinates[1] == pytest.approx(own.coordinates[1], abs=1e-6)


@pytest.mark.parametrize("change", [{"alpha": 0.5, "beta": 0.5}, {"omega": 0.0}, {"nu": 2.0}])
def test_parameters_outside_of_the_model_are_no_fit(change):
    values = sequences(garch_returns(series=1, days=600, seed=3))
    lost = replace(garch.fit(values), status=np.array([Status.NOT_CONVERGED], dtype=object))
    parameters = {"mean": 0.0, "omega": 1.0, "alpha": 0.1, "beta": 0.8, "nu": 5.0} | change

    assert garch.given(values, lost, 0, np.array(list(parameters.values()))) is lost


def test_memory_of_lanes_is_of_zeros_that_begin_with_a_line_of_the_cache():
    aligned = pytest.importorskip("risk.quant.compiled.garch").aligned

    kept = [aligned(size) for size in (1, 9, 1_000)]

    assert [memory.ctypes.data % 64 for memory in kept] == [0, 0, 0]
    assert [memory.tolist() for memory in kept] == [[0.0] * 1, [0.0] * 9, [0.0] * 1_000]
