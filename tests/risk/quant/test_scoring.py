import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.quant import scoring
from risk.quant.features import FEATURES, Component
from risk.quant.ridge import probits
from risk.quant.score_map import ANCHORS

random = np.random.default_rng(1)
ASSETS = 60
everyone = np.ones(ASSETS, dtype=np.bool_)
nobody = ~everyone


def day(seed):
    values = np.random.default_rng(seed).normal(size=(ASSETS, len(FEATURES)))
    values[:, :4] = 0.5 * values[:, :1] + 0.1 * values[:, :4]
    return values


past = [scoring.inputs(day(seed), ranked_among=everyone) for seed in range(10)]
model = scoring.learn(past, [x[:, 0] + 0.1 * x[:, 6] + random.normal(0, 0.2, ASSETS) for x in past])
today = scoring.inputs(day(99), ranked_among=everyone)


def test_absolute_measurements_stay_and_others_are_ranked_among_the_ordinary():
    values = day(1)
    ordinary = everyone.copy()
    ordinary[:20] = False
    found = scoring.inputs(values, ranked_among=ordinary)

    for column, feature in enumerate(FEATURES):
        if feature.is_absolute:
            assert found[:, column].tolist() == values[:, column].tolist()
        else:
            assert np.isnan(found[:20, column]).all()
            assert found[20:, column].tolist() == probits(values[20:, column : column + 1])[:, 0].tolist()


def test_causes_add_up_to_the_score():
    found = scoring.score(model, today, is_stablecoin=everyone, is_dead=nobody)
    score = np.maximum(ANCHORS.score(scoring.forecast(model, today)), 8.0)

    assert found.attribution.contributions.shape == (ASSETS, len(Component) + 2)
    total = found.attribution.base + found.attribution.contributions.sum(axis=1)
    assert np.abs(total - found.score).max() < 1e-9
    assert np.abs(found.score - score).max() < 1e-9
    assert found.log_volatility == pytest.approx(scoring.forecast(model, today))


def test_quarter_of_the_forecast_is_plain_recent_volatility():
    flat = scoring.learn(past, [np.full(ASSETS, -1.0)] * 10)  # nothing to learn: the regression gives the mean
    names = [feature.name for feature in FEATURES]

    assert flat.coefficients.tolist() == [0.25 * (name == "recent_volatility") for name in names]
    assert flat.mean == -1.0


@given(st.integers(0, len(FEATURES) - 1), st.floats(0, 3))
def test_more_of_a_risk_is_never_a_lower_score(feature, more):
    riskier = today.copy()
    riskier[:, feature] += more
    before, after = (scoring.score(model, x, is_stablecoin=nobody, is_dead=nobody).score for x in (today, riskier))

    assert (after >= before - 1e-12).all()


def test_crash_of_the_whole_market_raises_every_score():
    crashed = today.copy()
    crashed[:, [feature.is_absolute for feature in FEATURES]] += np.log(2)
    before, after = (scoring.score(model, x, is_stablecoin=nobody, is_dead=nobody) for x in (today, crashed))

    assert (after.score > before.score).all()
    assert after.percentile == pytest.approx(before.percentile)


def test_dead_has_a_hundred_whatever_was_measured():
    dead = nobody.copy()
    dead[[3, 4]] = True
    unknown = today.copy()
    unknown[4] = np.nan
    found = scoring.score(model, unknown, is_stablecoin=nobody, is_dead=dead)

    assert found.score[[3, 4]] == pytest.approx([100, 100], abs=1e-9)
    assert found.attribution.contributions[3, -1] > 0


def test_quiet_peg_has_the_floor_as_a_cause_of_its_own():
    quiet = today.copy()
    quiet[:, [feature.is_absolute for feature in FEATURES]] = np.log(1e-4)
    pegged = nobody.copy()
    pegged[0] = True
    found, plain = (
        scoring.score(model, quiet, is_stablecoin=pegs, is_dead=nobody).attribution for pegs in (pegged, nobody)
    )

    assert found.score[0] == pytest.approx(8)
    assert plain.score.max() < 8
    assert found.contributions[0, -2] == pytest.approx(8 - plain.score[0])
    assert found.contributions[1:].tolist() == plain.contributions[1:].tolist()


def test_asset_without_a_volatility_has_no_score_and_no_percentile():
    unknown = today.copy()
    unknown[7] = np.nan
    found = scoring.score(model, unknown, is_stablecoin=nobody, is_dead=nobody)
    others = scoring.score(model, np.delete(today, 7, axis=0), is_stablecoin=nobody[1:], is_dead=nobody[1:])

    assert np.isnan([found.score[7], found.percentile[7], scoring.forecast(model, unknown)[7]]).all()
    assert np.delete(found.score, 7).tolist() == others.score.tolist()
    assert np.delete(found.percentile, 7).tolist() == others.percentile.tolist()
