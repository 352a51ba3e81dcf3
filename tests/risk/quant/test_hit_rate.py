import numpy as np
import pytest
from scipy.stats import binomtest, norm, t

from risk.quant.hit_rate import OVERLAP, Z_95, HitRate, hit_rate, wilson

pytestmark = pytest.mark.unit


def of(hits: list[int], sizes: list[int], *, shared: float = 0.0) -> HitRate:
    h, n = np.array(hits, dtype=float), np.array(sizes, dtype=float)
    return hit_rate(
        clusters=len(h),
        hits=h.sum(),
        size=n.sum(),
        hits_squared=h @ h,
        cross=h @ n,
        squared=n @ n,
        shared=shared,
    )


@pytest.mark.parametrize(("hits", "size"), [(0, 10), (3, 10), (10, 10), (25, 1000)])
def test_interval_is_that_of_wilson(hits: int, size: int) -> None:
    expected = binomtest(hits, size).proportion_ci(0.95, method="wilson")

    assert wilson(hits / size, size) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_clusters_that_hit_as_a_whole_are_worth_one_trial_each() -> None:
    found = of([100] * 5 + [0] * 45, [100] * 50)

    assert found.rate == pytest.approx(0.1)
    # As far as so few can tell.
    assert found.effective_size == pytest.approx(49 * (Z_95 / t.ppf(0.975, 49)) ** 2)


@pytest.mark.parametrize(("clusters", "within"), [(3, 0.02), (4, 0.003), (8, 1e-4), (50, 1e-7)])
def test_few_clusters_are_read_by_the_quantile_of_student(clusters: int, within: float) -> None:
    effective = of([10, 0] + [5] * (clusters - 2), [10] * clusters).effective_size
    rate, apart = 0.5, 50.0
    wide = rate * (1 - rate) / (clusters / (clusters - 1) * apart / (10 * clusters) ** 2)

    assert effective == pytest.approx(min(wide, 10 * clusters) * (Z_95 / t.ppf(0.975, clusters - 1)) ** 2, rel=within)


def test_independent_trials_are_worth_about_themselves() -> None:
    random = np.random.default_rng(7)
    effective = [of(random.binomial(100, 0.1, size=200).tolist(), [100] * 200).effective_size for _ in range(50)]

    assert np.mean(effective) == pytest.approx(20_000, rel=0.1)


def test_interval_covers_the_truth_as_often_as_it_says_though_days_go_together() -> None:
    random = np.random.default_rng(11)
    covered = 0
    for _ in range(400):
        shared = random.beta(0.5, 9.5, size=250)  # of each day, 0.05 on average
        found = of(random.binomial(50, shared).tolist(), [50] * 250)
        covered += found.lower <= 0.05 <= found.upper

    assert 0.92 <= covered / 400 <= 0.98


@pytest.mark.parametrize("days", [180, 365, 1000])
def test_interval_covers_the_truth_about_as_often_as_it_says_though_months_overlap(days: int) -> None:
    random = np.random.default_rng(5)
    covered = 0
    for _ in range(400):
        # The thirty days after each night, of a market that all assets share by four tenths.
        shared, own = (
            np.lib.stride_tricks.sliding_window_view(random.normal(size=size), 30, axis=-1).sum(axis=-1)[..., :days]
            for size in (days + 30, (20, days + 30))
        )
        is_inside = np.abs(np.sqrt(0.4) * shared + np.sqrt(0.6) * own) < np.sqrt(30) * norm.ppf(0.95)
        blocks = np.array_split(is_inside, np.arange(30, days, 30), axis=1)
        found = of([int(block.sum()) for block in blocks], [block.size for block in blocks], shared=OVERLAP)
        covered += found.lower <= 0.9 <= found.upper

    assert 0.89 <= covered / 400 <= 0.98


@pytest.mark.parametrize("hits", [0, 40])
def test_where_all_or_none_hit_a_day_counts_as_one(hits: int) -> None:
    assert of([hits, hits], [40, 40]).effective_size == 2


def test_a_rate_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="a rate of nothing"):
        of([], [])
