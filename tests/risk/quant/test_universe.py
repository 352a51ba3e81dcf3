from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from risk.quant import learning, universe
from risk.quant.estimation import Basis
from risk.quant.features import FEATURES, NAMES
from risk.quant.learning import Day
from risk.quant.score_map import ANCHORS
from risk.quant.universe import CAUSES, Facts, Rules
from tests.risk.quant.days import ASSETS, DAYS, beside_them, measure, panel

CHOSEN: dict[str, Any] = {
    "penalty": 0.01,
    "recent_share": 0.25,
    "calibration_dates": 6,
    "reach_dates": 2,
    "reach_response": 0.5,
}
RULES = Rules(floor_of_stablecoins=8, sentiment_cap=5, sentiment_from=1, sentiment_full=4)


@pytest.fixture(scope="module")
def learnt() -> learning.Learnt:
    def day(seed: int) -> Day:
        own = np.random.default_rng(seed)
        inputs = own.normal(size=(ASSETS, len(FEATURES)))
        return Day(inputs, inputs[:, 0] * 0.5 + own.normal(0, 0.1, ASSETS), np.full(ASSETS, "large_long"))

    found = learning.learn([day(n) for n in range(14)], **CHOSEN)
    assert found is not None
    return found


def score(measured, learnt, **facts):
    known = {
        "news": np.full(ASSETS, np.nan),
        "held_at": np.full(ASSETS, np.nan),
        "underlying": np.full(ASSETS, -1, dtype=np.int64),
    }
    beside = universe.compared(measured)
    return universe.scored(measured, beside, learnt, facts=Facts(**known | facts), rules=RULES)


@pytest.mark.parametrize(("deviations", "points"), [(np.nan, 0), (-3, 0), (0, 0), (1, 0), (2.5, 2.5), (4, 5), (40, 5)])
def test_bad_news_raise_by_five_points_at_most_and_good_or_absent_news_change_nothing(
    measured, learnt, deviations, points
):
    plain, found = score(measured, learnt), score(measured, learnt, news=np.full(ASSETS, float(deviations)))

    assert found.points[:, CAUSES.index("news")] == pytest.approx(points)
    assert found.score == pytest.approx(plain.score + points)


def test_causes_add_up_whatever_rules_apply(measured, learnt):
    underlying = np.full(ASSETS, -1, dtype=np.int64)
    underlying[2] = 19
    held = np.full(ASSETS, np.nan)
    held[[4, 5]] = [99.0, 0.0]
    found = score(measured, learnt, news=np.full(ASSETS, 3.0), held_at=held, underlying=underlying)

    assert np.abs(found.points.sum(axis=1) - found.score).max() < 1e-9
    assert found.score[4] == pytest.approx(99)
    assert found.points[5, CAUSES.index("pump")] == 0
    assert found.score[2] == pytest.approx(max(found.score[2], found.score[19]))
    assert found.percentile[4] > found.percentile[5]
    low, high, _, _ = found.intervals[0.9]
    assert (low <= found.score).all()
    assert (found.score <= high).all()


def test_what_stands_for_something_that_stands_for_another_is_as_risky_as_the_last(measured, learnt):
    plain = score(measured, learnt)
    underlying = np.full(ASSETS, -1, dtype=np.int64)
    underlying[[0, 1]] = [1, 19]
    underlying[[2, 3]] = [3, 2]
    found = score(measured, learnt, underlying=underlying)

    assert plain.score[0] < plain.score[1] < plain.score[19]
    assert found.score[[0, 1]] == pytest.approx(plain.score[19])
    assert found.score[[2, 3]] == pytest.approx(plain.score[[2, 3]].max())
    assert found.points.sum(axis=1) == pytest.approx(found.score, abs=1e-9)


def test_rule_moves_no_interval_of_what_will_be_realised_but_to_hold_the_score(measured, learnt):
    held = np.full(ASSETS, np.nan)
    held[4] = 99.0
    plain, found = score(measured, learnt), score(measured, learnt, held_at=held)

    assert found.percentile[4] > plain.percentile[4]
    for coverage in (0.8, 0.9):
        low, high, lowest, highest = (ends[4] for ends in plain.intervals[coverage])
        assert tuple(ends[4] for ends in found.intervals[coverage]) == pytest.approx(
            (low, max(high, found.score[4]), lowest, max(highest, found.percentile[4]))
        )


def test_broken_peg_is_as_risky_as_the_way_back_is_far(measured, learnt):
    distance = np.full(ASSETS, np.nan)
    distance[:4] = [0.0, 0.001, 0.3, 0.5]
    plain = score(measured, learnt)
    found = score(replace(measured, peg_distance=distance), learnt)

    # 0.3 in 30 days is a volatility of 1.046 a year, between 65 points at 1 and 77 at 1.5.
    third = 65 + 12 * np.log(0.3 * np.sqrt(365 / 30)) / np.log(1.5)
    assert plain.score[:3].max() < third
    assert found.score[:3] == pytest.approx([*plain.score[:2], third])
    assert found.score[3] > found.score[2]
    assert found.score[4:] == pytest.approx(plain.score[4:])
    assert found.points[:, CAUSES.index("peg")] == pytest.approx(found.score - plain.score)


def test_stale_price_has_the_points_of_a_moderate_risk_at_least(measured, learnt):
    calm, stale = measured.values.copy(), np.zeros(ASSETS, dtype=np.bool_)
    calm[:2, 0] -= 20
    stale[[0, 19]] = True
    plain = score(replace(measured, values=calm), learnt)
    found = score(replace(measured, values=calm, is_stale=stale), learnt, news=np.full(ASSETS, 2.5))

    assert plain.score[:2].max() < 25 < plain.score[19]
    assert found.score[0] == pytest.approx(27.5)
    assert found.points[[0, 19, 1], CAUSES.index("staleness")] == pytest.approx(
        [25 - plain.score[0] - _of_liquidity(found, plain, 0), 0, 0], abs=1e-9
    )
    assert found.percentile[0] > found.percentile[1]
    assert found.points.sum(axis=1) == pytest.approx(found.score, abs=1e-9)


def _of_liquidity(found, plain, row: int) -> float:
    components = slice(0, CAUSES.index("stablecoin_floor"))
    return float((found.points[row, components] - plain.points[row, components]).sum())


def test_stale_price_is_the_least_liquid_of_the_day(measured):
    stale = np.zeros(ASSETS, dtype=np.bool_)
    stale[[3, 4]] = True
    beside, plain = universe.compared(replace(measured, is_stale=stale)), universe.compared(measured)

    liquidity = [NAMES.index(name) for name in ("illiquidity", "price_impact", "zero_returns")]
    others = [column for column in range(len(NAMES)) if column not in liquidity]
    # Two of twenty share the highest rank.
    assert beside.percentiles[np.ix_([3, 4], liquidity)] == pytest.approx(95)
    assert beside.percentiles[:, others] == pytest.approx(plain.percentiles[:, others], nan_ok=True)
    assert beside.values.tobytes() == plain.values.tobytes()


def test_the_dead_have_the_same_place_with_and_without_a_model(measured, learnt):
    standing, values = measured.standing.copy(), measured.values.copy()
    standing[[3, 8]], standing[5] = "dead", "no_history"
    values[[3, 8, 5]] = np.nan
    values[6, 0] = np.nan  # measured, but for its volatility
    day = replace(measured, standing=standing, values=values)
    found = universe.unlearnt(day)

    # Two of eighteen share the highest rank.
    assert found.percentile[[3, 8]] == pytest.approx(100 * 17 / 18)
    assert found.percentile[[3, 8]].tolist() == score(day, learnt).percentile[[3, 8]].tolist()
    assert np.isnan(np.delete(found.percentile, [3, 8])).all()


def test_asset_that_cannot_be_scored_changes_no_rank():
    known = panel()
    alone, beside = measure(known), measure(beside_them(known, np.full(DAYS, 5.0), cap=np.nan))

    ranks = universe.compared(beside).percentiles
    assert beside.standing[-1] == "ordinary"
    assert np.isnan(ranks[-1]).all()
    assert ranks[:-1].tobytes() == universe.compared(alone).percentiles.tobytes()


def test_interval_of_the_estimate_holds_the_score_and_the_narrower_one(measured, learnt):
    found = score(measured, learnt)

    (low_80, high_80), (low_90, high_90) = found.estimation[0.8], found.estimation[0.9]
    assert (low_90 <= low_80).all()
    assert (low_80 <= found.score).all()
    assert (found.score <= high_80).all()
    assert (high_80 <= high_90).all()
    assert (low_90 < high_90).all()


def test_interval_of_the_estimate_is_the_error_of_the_forecast_through_the_map(measured, learnt):
    errors = np.tile([-0.2, -0.1, 0.05, 0.15], (ASSETS, 1))
    found = score(replace(measured, errors=errors), learnt, news=np.full(ASSETS, 2.5))

    shift = found.score - ANCHORS.score(found.log_volatility)
    low, high = found.estimation[0.9]
    assert shift == pytest.approx(2.5)
    assert low == pytest.approx(ANCHORS.score(found.log_volatility - 0.15) + shift)
    assert high == pytest.approx(ANCHORS.score(found.log_volatility + 0.2) + shift)
    low, high = found.estimation[0.8]
    assert low == pytest.approx(ANCHORS.score(found.log_volatility - 0.05) + shift)
    assert high == pytest.approx(ANCHORS.score(found.log_volatility + 0.1) + shift)


def test_without_dynamics_a_score_has_no_interval_of_the_estimate(learnt):
    whole = panel()
    short = whole.until(whole.first_day + 199)
    found = measure(short, prior=None)
    scores = score(found, learnt)

    assert set(found.basis) == {Basis.NONE}
    assert np.isfinite(scores.score).all()
    assert np.isnan(scores.estimation[0.9]).all()
