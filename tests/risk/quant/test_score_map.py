import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.quant.score_map import ANCHORS, Band, ScoreMap, band

log_volatilities = st.floats(-20, 10)


def test_anchors_have_their_scores():
    volatilities = [0.01, 0.05, 0.2, 0.4, 0.6, 1.0, 1.5, 2.5, 5.0]

    assert ANCHORS.score(np.log(volatilities)) == pytest.approx([2, 10, 25, 40, 50, 65, 77, 90, 98])


def test_between_anchors_it_is_linear_in_the_logarithm():
    assert ANCHORS.score(np.log(np.sqrt(0.2 * 0.4))) == pytest.approx(32.5)


@given(log_volatilities, log_volatilities)
def test_more_volatility_is_never_a_lower_score(first, second):
    low, high = sorted([first, second])

    assert 0 <= ANCHORS.score(low) <= ANCHORS.score(high) <= 100


@given(st.floats(0.001, 99.999))
def test_inverse_finds_the_volatility_again(score):
    assert ANCHORS.score(ANCHORS.log_volatility(score)) == pytest.approx(score)


def test_what_is_missing_has_no_score():
    assert np.isnan(ANCHORS.score(np.nan))


@pytest.mark.parametrize(
    ("score", "word"),
    [
        (0, Band.LOW),
        (24.999, Band.LOW),
        (25, Band.MODERATE),
        (45, Band.HIGH),
        (65, Band.VERY_HIGH),
        (84.9, Band.VERY_HIGH),
        (85, Band.EXTREME),
        (100, Band.EXTREME),
    ],
)
def test_band_begins_with_its_limit(score, word):
    assert band(score) is word


@pytest.mark.parametrize(
    ("volatilities", "scores"),
    [
        ((0.1,), (1.0,)),
        ((0.1, 0.2), (1.0,)),
        ((0.2, 0.1), (1.0, 2.0)),
        ((0.1, 0.2), (2.0, 1.0)),
        ((0.0, 0.2), (1.0, 2.0)),
        ((0.1, 0.2), (1.0, 101.0)),
    ],
)
def test_map_that_does_not_rise_within_the_range_is_refused(volatilities, scores):
    with pytest.raises(ValueError, match=r"anchors|scores"):
        ScoreMap(volatilities, scores)
