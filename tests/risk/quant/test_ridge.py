import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats

from risk.quant.ridge import fit, probits, ranks

RANDOM = np.random.default_rng(1)
FEATURES = RANDOM.normal(size=(300, 5)) @ RANDOM.normal(size=(5, 5))
TARGET = FEATURES @ np.array([1.0, 0.5, 0.0, -0.7, 0.2]) + RANDOM.normal(size=300)


@pytest.mark.parametrize("penalty", [1e-3, 0.1, 10])
def test_coefficients_are_those_of_non_negative_least_squares(penalty):
    # A ridge is least squares with one more row a feature.
    centred = FEATURES - FEATURES.mean(axis=0)
    rows = np.vstack([centred, np.sqrt(penalty * 300) * np.eye(5)])
    by_hand, _ = optimize.nnls(rows, np.r_[TARGET - TARGET.mean(), np.zeros(5)])

    assert fit(FEATURES, TARGET, penalty=penalty).coefficients == pytest.approx(by_hand, abs=1e-8)


@given(st.integers(0, 2**32 - 1))
def test_contributions_add_up_to_the_prediction(seed):
    model = fit(FEATURES, TARGET, penalty=0.1)
    new = np.random.default_rng(seed).normal(size=(7, 5))

    assert model.predict(new) == pytest.approx(model.mean + model.contributions(new).sum(axis=1), abs=1e-9)
    by_hand = model.mean + (new - FEATURES.mean(axis=0)) @ model.coefficients
    assert model.predict(new) == pytest.approx(by_hand, abs=1e-9)


@given(st.integers(0, 4), st.floats(0, 10))
def test_more_of_a_feature_is_never_less(feature, more):
    model = fit(FEATURES, TARGET, penalty=0.1)
    raised = FEATURES.copy()
    raised[:, feature] += more

    assert (model.predict(raised) >= model.predict(FEATURES) - 1e-12).all()


def test_contribution_is_the_shapley_value():
    # Averaged over all orders in which features leave their means for their values.
    from itertools import permutations

    model = fit(FEATURES[:, :3], TARGET, penalty=0.1)
    value, baseline = FEATURES[:1, :3], model.feature_means[None]
    shapley = np.zeros(3)
    for order in permutations(range(3)):
        place = baseline.copy()
        for feature in order:
            before = model.predict(place)[0]
            place[0, feature] = value[0, feature]
            shapley[feature] += (model.predict(place)[0] - before) / 6

    assert model.contributions(value)[0] == pytest.approx(shapley)


def test_missing_feature_contributes_nothing():
    model = fit(FEATURES, TARGET, penalty=0.1)
    new = FEATURES[:1].copy()
    new[0, 1] = np.nan

    assert model.contributions(new)[0, 1] == 0
    assert model.contributions(new)[0, 0] == model.contributions(FEATURES[:1])[0, 0]


def test_rows_without_a_target_teach_nothing():
    target = np.r_[TARGET, np.full(20, np.nan)]
    features = np.vstack([FEATURES, 100 * np.ones((20, 5))])

    assert (
        fit(features, target, penalty=0.1).coefficients.tolist()
        == fit(FEATURES, TARGET, penalty=0.1).coefficients.tolist()
    )


@pytest.mark.parametrize(("target", "penalty"), [(TARGET, 0.0), (np.full(300, np.nan), 0.1)])
def test_nothing_to_learn_and_no_penalty_are_refused(target, penalty):
    with pytest.raises(ValueError, match=r"penalty|learn"):
        fit(FEATURES, target, penalty=penalty)


def test_ranks_share_ties_and_leave_out_what_is_missing():
    values = np.array([[3.0], [1.0], [np.nan], [3.0], [2.0]])

    assert ranks(values)[:, 0] == pytest.approx([0.75, 0.125, np.nan, 0.75, 0.375], nan_ok=True)


@given(st.lists(st.integers(0, 20), min_size=1, max_size=40))
def test_ranks_are_those_of_scipy(values):
    column = np.array(values, dtype=np.float64)

    assert ranks(column[:, None])[:, 0] == pytest.approx((stats.rankdata(column) - 0.5) / column.size)
    assert probits(column[:, None])[:, 0] == pytest.approx(stats.norm.ppf((stats.rankdata(column) - 0.5) / column.size))
