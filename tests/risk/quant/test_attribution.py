import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from risk.quant.attribution import attribute, with_terms
from risk.quant.score_map import ANCHORS

causes = hnp.arrays(np.float64, (4, 5), elements=st.floats(-3, 3))
bases = st.floats(np.log(0.005), np.log(8))


@given(causes, bases)
def test_base_and_contributions_add_up_to_the_score(log_contributions, base):
    found = attribute(log_contributions, base=base, score_map=ANCHORS)
    score = ANCHORS.score(base + log_contributions.sum(axis=1))

    assert np.abs(found.base + found.contributions.sum(axis=1) - score).max() < 1e-9
    assert np.abs(found.score - score).max() < 1e-9


@given(causes, bases)
def test_cause_of_more_risk_never_lowers_the_score(log_contributions, base):
    found = attribute(log_contributions, base=base, score_map=ANCHORS)

    assert (found.contributions * log_contributions >= -1e-12).all()


@given(hnp.arrays(np.float64, 3, elements=st.floats(-2, 2)), bases)
def test_contribution_is_the_integral_along_the_straight_way(log_contributions, base):
    # Aumann and Shapley by its definition: many small steps, each with the slope of the map where it is.
    run = log_contributions.sum()
    assume(abs(run) > 1e-6)
    steps = np.linspace(0, 1, 2001)
    middles = base + (steps[1:] + steps[:-1]) / 2 * run
    slopes = (ANCHORS.score(middles + 1e-6) - ANCHORS.score(middles - 1e-6)) / 2e-6
    found = attribute(log_contributions[None], base=base, score_map=ANCHORS)

    # A step that holds an anchor is off by at most its own length times the change of the slope.
    assert found.contributions[0] == pytest.approx(slopes.mean() * log_contributions, abs=0.5)


def test_causes_that_cancel_out_are_told_by_the_slope_at_the_base():
    found = attribute(np.array([[0.5, -0.5]]), base=np.log(0.3), score_map=ANCHORS)

    slope = 15 / np.log(2)  # from 25 at 20 % to 40 at 40 %
    assert found.contributions[0] == pytest.approx([0.5 * slope, -0.5 * slope], rel=1e-6)
    assert found.score[0] == pytest.approx(found.base)


def test_floors_and_news_are_causes_of_their_own():
    plain = attribute(np.array([[0.1, 0.2]]), base=np.log(0.3), score_map=ANCHORS)
    found = with_terms(plain, np.array([[5.0, 0.0]]))

    assert found.contributions[0, 2:].tolist() == [5.0, 0.0]
    assert found.score[0] == pytest.approx(plain.score[0] + 5)
    assert found.base + found.contributions.sum() == pytest.approx(found.score[0], abs=1e-12)
