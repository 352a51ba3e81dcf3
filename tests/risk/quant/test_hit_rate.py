import numpy as np
import pytest
from scipy.stats import binomtest

from risk.quant.hit_rate import HitRate, hit_rate, wilson

pytestmark = pytest.mark.unit


def of(hits: list[int], sizes: list[int]) -> HitRate:
    h, n = np.array(hits, dtype=float), np.array(sizes, dtype=float)
    return hit_rate(clusters=len(h), hits=h.sum(), size=n.sum(), hits_squared=h @ h, cross=h @ n, squared=n @ n)


@pytest.mark.parametrize(("hits", "size"), [(0, 10), (3, 10), (10, 10), (25, 1000)])
def test_interval_is_that_of_wilson(hits: int, size: int) -> None:
    expected = binomtest(hits, size).proportion_ci(0.95, method="wilson")

    assert wilson(hits / size, size) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_clusters_that_hit_as_a_whole_are_worth_one_trial_each() -> None:
    found = of([100] * 5 + [0] * 45, [100] * 50)

    assert found.rate == pytest.approx(0.1)
    assert found.effective_size == pytest.approx(49)


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


@pytest.mark.parametrize("hits", [0, 40])
def test_where_all_or_none_hit_a_day_counts_as_one(hits: int) -> None:
    assert of([hits, hits], [40, 40]).effective_size == 2


def test_a_rate_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="a rate of nothing"):
        of([], [])
