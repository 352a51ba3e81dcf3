import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from risk.quant.random_numbers import Stream
from risk.quant.ranking import area_under_curve, block_interval, monotone_steps, spearman, tenths

pairs = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=12, max_size=60)


@given(pairs)
def test_spearman_is_that_of_scipy(values):
    a, b = np.array(values, dtype=np.float64).T
    if np.ptp(a) and np.ptp(b):
        assert spearman(a, b) == pytest.approx(stats.spearmanr(a, b).statistic)
    else:
        assert np.isnan(spearman(a, b))


def test_what_is_unknown_is_left_out():
    a, b = np.random.default_rng(1).normal(size=(2, 40))
    holes = np.r_[a, np.nan, 1.0], np.r_[b, 1.0, np.nan]

    assert spearman(*holes) == spearman(a, b)
    assert np.isnan(spearman(a[:9], b[:9]))


@given(pairs)
def test_area_is_the_chance_that_a_case_is_above_a_non_case(values):
    score, other = np.array(values, dtype=np.float64).T
    happened = (other > 4).astype(np.float64)
    cases, rest = score[happened == 1], score[happened == 0]
    if not cases.size or not rest.size:
        assert np.isnan(area_under_curve(score, happened))
        return
    wins = (cases[:, None] > rest).mean() + 0.5 * (cases[:, None] == rest).mean()
    assert area_under_curve(score, happened) == pytest.approx(wins)


def test_tenths_of_a_rising_outcome_rise():
    score = np.random.default_rng(1).permutation(100).astype(np.float64)

    assert tenths(score, score).tolist() == [4.5 + 10 * tenth for tenth in range(10)]
    assert monotone_steps(tenths(score, score)) == 1
    assert monotone_steps(tenths(score, -score)) == 0


def test_interval_holds_the_mean_as_often_as_it_says():
    random = np.random.default_rng(1)
    held = 0
    for trial in range(200):
        low, high = block_interval(random.normal(size=80), block=3, resamples=300, stream=Stream(trial), coverage=0.9)
        held += low <= 0 <= high

    assert held / 200 == pytest.approx(0.88, abs=0.06)


def test_fewer_values_than_a_block_have_no_interval():
    assert np.isnan(block_interval(np.ones(2), block=3, resamples=10, stream=Stream(1), coverage=0.9)).all()
