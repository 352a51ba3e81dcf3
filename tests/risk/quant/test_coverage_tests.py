import numpy as np
import pytest
from scipy import stats

from risk.quant.coverage_tests import (
    Zone,
    conditional_coverage,
    dynamic_quantile,
    independence,
    kupiec,
    simulated_dynamic_quantile,
    traffic_light,
)


@pytest.mark.parametrize(
    ("share", "days", "low", "high"),
    [
        (0.01, 255, None, 7),
        (0.01, 510, 1, 11),
        (0.01, 1000, 4, 17),
        (0.025, 255, 2, 12),
        (0.025, 510, 6, 21),
        (0.025, 1000, 15, 36),
        (0.05, 255, 6, 21),
        (0.05, 510, 16, 36),
        (0.05, 1000, 37, 65),
        (0.075, 255, 11, 28),
        (0.075, 510, 27, 51),
        (0.075, 1000, 59, 92),
        (0.10, 255, 16, 36),
        (0.10, 510, 38, 65),
        (0.10, 1000, 81, 120),
    ],
)
def test_region_in_which_a_model_is_kept_is_the_published_one(share, days, low, high):
    # Kupiec (1995), table 1, as in Jorion's Value at Risk: kept while low < exceedances < high. The first row gives no
    # lower limit, though the statistic of no exceedance is beyond the critical value.
    exceedances = np.arange(days)
    found = kupiec(exceedances, np.full(days, days), level=1 - share)

    kept = exceedances[found.p_value > 0.05]
    assert (kept.min() - 1 if low is not None else None, kept.max() + 1) == (low, high)


def test_no_day_has_no_coverage():
    assert np.isnan(kupiec(np.array([0]), np.array([0]), level=0.99).p_value).all()


def test_clustered_exceedances_are_not_independent():
    clustered, even = np.zeros((2, 500), dtype=np.bool_)
    clustered[100:125], even[::20] = True, True
    found = independence(np.vstack([clustered, even]))

    assert found.p_value[0] < 1e-6
    assert found.p_value[1] > 0.05
    assert found.exceedances.tolist() == [25, 25]


def test_independence_is_the_likelihood_ratio_of_the_chain():
    hits = np.random.default_rng(1).random(300) < 0.2
    table = np.zeros((2, 2))
    for before, after in zip(hits[:-1].astype(int), hits[1:].astype(int), strict=True):
        table[before, after] += 1
    split = stats.binom.logpmf(table[:, 1], table.sum(axis=1), table[:, 1] / table.sum(axis=1)).sum()
    joint = stats.binom.logpmf(table[:, 1], table.sum(axis=1), table[:, 1].sum() / table.sum()).sum()

    assert independence(hits[None]).statistic[0] == pytest.approx(2 * (split - joint), abs=1e-9)


def test_conditional_coverage_is_the_sum_of_both():
    hits = np.random.default_rng(1).random((3, 300)) < 0.05
    both = conditional_coverage(hits, level=0.95)
    often = kupiec(hits.sum(axis=1), np.full(3, 300), level=0.95)

    assert both.statistic == pytest.approx(often.statistic + independence(hits).statistic)
    assert both.p_value == pytest.approx(stats.chi2.sf(both.statistic, 2))


@pytest.mark.parametrize("test", [independence, lambda hits: conditional_coverage(hits, level=0.8)])
def test_true_models_are_refused_as_rarely_as_the_test_says(test):
    # At 5 % and 1,000 days it is refused more often (8.7 %): too few pairs of exceedances for the asymptotic law.
    hits = np.random.default_rng(1).random((2000, 1000)) < 0.2

    assert (test(hits).p_value < 0.05).mean() == pytest.approx(0.05, abs=0.025)


def test_dynamic_quantile_refuses_true_models_rarely_and_late_ones_surely():
    random = np.random.default_rng(1)
    spread = np.exp(random.normal(0, 0.3, (500, 1000)).cumsum(axis=1) / 10)
    hits = random.normal(size=(500, 1000)) < stats.norm.ppf(0.05)
    true = dynamic_quantile(hits, 1.645 * spread, level=0.95)
    still = 1.645 * (1 + 0.01 * random.normal(size=(500, 1000)))
    late = dynamic_quantile(random.normal(size=(500, 1000)) * spread**3 > still, still, level=0.95)

    assert (true.p_value < 0.05).mean() == pytest.approx(0.05, abs=0.03)
    assert (late.p_value < 0.05).mean() > 0.9


def test_dynamic_quantile_is_the_wald_statistic_of_the_regression():
    random = np.random.default_rng(1)
    hits, risk = random.random(400) < 0.05, random.random(400) + 1
    x = np.column_stack([np.ones(396), *(hits[4 - lag : 400 - lag] - 0.05 for lag in (1, 2, 3, 4)), risk[4:]])
    slopes, *_ = np.linalg.lstsq(x, hits[4:] - 0.05, rcond=None)

    by_hand = slopes @ (x.T @ x) @ slopes / (0.05 * 0.95)
    assert dynamic_quantile(hits[None], risk[None], level=0.95).statistic[0] == pytest.approx(by_hand)


def test_dynamic_quantile_is_the_wald_test_of_statsmodels():
    import statsmodels.api as sm

    random = np.random.default_rng(2)
    hits, risk = random.random((4, 900)) < 0.025, 0.05 * np.exp(random.normal(0, 0.3, (4, 900)))
    found = dynamic_quantile(hits, risk, level=0.975)
    for row in range(4):
        apart = hits[row] - 0.025
        x = np.column_stack([*(apart[4 - lag : 900 - lag] for lag in (1, 2, 3, 4)), risk[row, 4:]])
        # Under the null the hits less their rate have this variance, which is not estimated.
        fit = sm.OLS(apart[4:], sm.add_constant(x)).fit(cov_type="fixed scale", cov_kwds={"scale": 0.025 * 0.975})
        theirs = fit.wald_test(np.eye(6), use_f=False, scalar=True)
        assert found.statistic[row] == pytest.approx(float(theirs.statistic))
        assert found.p_value[row] == pytest.approx(float(theirs.pvalue))


def test_dynamic_quantile_of_a_constant_risk_cannot_be_told():
    found = dynamic_quantile(np.random.default_rng(1).random((1, 400)) < 0.05, np.ones((1, 400)), level=0.95)

    assert np.isnan(found.p_value).all()


def test_simulated_test_has_its_size_where_chi_square_has_not():
    random = np.random.default_rng(5)
    series, days, level = 1_000, 500, 0.99
    variance, risk, losses = np.ones(series), np.empty((series, days)), np.empty((series, days))
    for day in range(days):
        risk[:, day] = stats.norm.ppf(level) * np.sqrt(variance)
        losses[:, day] = np.sqrt(variance) * random.normal(size=series)
        variance = 0.05 + 0.1 * losses[:, day] ** 2 + 0.85 * variance
    hits, chances = losses > risk, random.random((99, days))

    plain = dynamic_quantile(hits, risk, level=level).p_value
    found = [simulated_dynamic_quantile(*pair, level=level, chances=chances) for pair in zip(hits, risk, strict=True)]

    # The value at risk answers to what was lost, which the draws do not know.
    assert np.nanmean(plain <= 0.05) > 0.1
    assert np.nanmean(np.array(found) <= 0.05) == pytest.approx(0.05, abs=0.025)


def test_simulated_p_value_is_the_rank_among_the_draws():
    random = np.random.default_rng(6)
    hits, risk = random.random(300) < 0.08, random.random(300) + 1
    chances = random.random((99, 310))

    own = dynamic_quantile(hits[None], risk[None], level=0.95).statistic[0]
    others = [dynamic_quantile(row[None, :300] < 0.05, risk[None], level=0.95).statistic[0] for row in chances]
    rank = (1 + sum(other >= own for other in others)) / 100

    assert simulated_dynamic_quantile(hits, risk, level=0.95, chances=chances) == pytest.approx(rank)


def test_series_without_exceedances_has_no_simulated_p_value():
    risk, chances = np.linspace(1, 2, 200), np.random.default_rng(7).random((99, 200))

    assert np.isnan(simulated_dynamic_quantile(np.zeros(200, dtype=np.bool_), risk, level=0.95, chances=chances))


def test_traffic_light_is_that_of_basel():
    lights = [traffic_light(exceedances) for exceedances in range(12)]

    assert [round(100 * light.cumulative, 2) for light in lights[:11]] == [
        *(8.11, 28.58, 54.32, 75.81, 89.22),
        *(95.88, 98.63, 99.60, 99.89, 99.97, 99.99),
    ]
    assert [light.zone for light in lights] == [Zone.GREEN] * 5 + [Zone.YELLOW] * 5 + [Zone.RED] * 2
    assert [light.multiplier for light in lights] == [1.5] * 5 + [1.70, 1.76, 1.83, 1.88, 1.92, 2.0, 2.0]
