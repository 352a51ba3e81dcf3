from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from risk.quant import estimation, features, learning, universe
from risk.quant.estimation import Basis, Bootstrap
from risk.quant.features import FEATURES, NAMES
from risk.quant.garch import Prior
from risk.quant.learning import Day
from risk.quant.score_map import ANCHORS
from risk.quant.universe import CAUSES, Facts, Measured, Panel, Redraws, Rules

ASSETS, DAYS = 20, 520
CHOSEN: dict[str, Any] = {
    "penalty": 0.01,
    "recent_share": 0.25,
    "calibration_dates": 6,
    "reach_dates": 2,
    "reach_response": 0.5,
}
RULES = Rules(floor_of_stablecoins=8, sentiment_cap=5, sentiment_from=1, sentiment_full=4)
PRIOR = Prior(np.array([-1.0, 1.5, 1.0]), np.full(3, 0.5))
REDRAWS = Redraws(Bootstrap.of(7), np.array([0.19, 0.4, 0.24, 0.04]))
random = np.random.default_rng(1)


def panel() -> Panel:
    moves = random.standard_t(5, (ASSETS, DAYS)) * np.linspace(0.01, 0.08, ASSETS)[:, None]
    prices = np.exp(moves.cumsum(axis=1))
    volumes = np.full(prices.shape, 1e6)
    return Panel(np.arange(ASSETS), 19_000, prices, volumes, prices * 1e7, np.ones(prices.shape, dtype=np.int16))


@pytest.fixture(scope="module")
def measured() -> Measured:
    known = panel()
    return measure(known)


def measure(known: Panel, *, prior: Prior | None = PRIOR, redraws: Redraws | None = REDRAWS) -> Measured:
    market = universe.market(known, reference=known.prices[0])
    return universe.measured(known, market=market, prior=prior, input_hashes=known.input_hashes(), redraws=redraws)


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


def test_packed_it_is_the_same_to_the_last_bit(measured):
    again = Measured.unpack(measured.pack())

    for field in fields(Measured):
        assert getattr(again, field.name).tobytes() == getattr(measured, field.name).tobytes()


def test_hash_is_of_what_was_seen_and_of_who_said_it():
    known = panel()
    wider = Panel(
        known.asset_ids,
        known.first_day - 1,
        np.column_stack([np.full(ASSETS, np.nan), known.prices]),
        np.column_stack([np.full(ASSETS, np.nan), known.volumes]),
        np.column_stack([np.full(ASSETS, np.nan), known.market_caps]),
        np.column_stack([np.zeros(ASSETS, dtype=np.int16), known.sources]),
    )
    other = known.sources.copy()
    other[3, 100] = 2
    changed = Panel(known.asset_ids, known.first_day, known.prices, known.volumes, known.market_caps, other)

    before, after = known.input_hashes(), changed.input_hashes()
    assert wider.input_hashes() == before
    assert [row for row in range(ASSETS) if before[row] != after[row]] == [3]


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


def test_pool_is_of_ordinary_assets_whose_prices_are_made_daily():
    known = panel()
    stale, peg = known.prices.copy(), known.prices.copy()
    stale[4] = stale[4, np.arange(DAYS) // 5 * 5]
    peg[4] = 1 + 1e-4 * np.random.default_rng(2).normal(size=DAYS)
    fewer = np.delete(np.arange(ASSETS), 4)

    pools = [
        universe.market(found, reference=None).pool
        for found in (known, known.take(fewer), replace(known, prices=stale), replace(known, prices=peg))
    ]

    assert pools[1].observations < pools[0].observations
    for found in pools[2:]:
        assert (found.observations, found.value_at_risk.tolist()) == (
            pools[1].observations,
            pools[1].value_at_risk.tolist(),
        )


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


def _beside(known: Panel, prices, *, cap: float) -> Panel:
    """The same with one more asset."""
    size = prices[None].shape
    more = Panel(
        np.array([ASSETS]), 19_000, prices[None], np.full(size, 1e6), np.full(size, cap), np.ones(size, np.int16)
    )
    return Panel.joined([known, more])


@pytest.mark.parametrize("moves", [1, 30], ids=["stale", "still for most of the year"])
def test_index_is_of_assets_whose_prices_are_made_daily(moves):
    known = panel()
    idle = np.full(DAYS, 5.0)
    idle[-100:] = 5 * np.exp(np.random.default_rng(3).normal(0, 0.02, 100)) if moves > 1 else 5.0
    idle[-50:] *= 1e5  # another unit

    alone, beside = (universe.market(found, reference=None) for found in (known, _beside(known, idle, cap=1e12)))

    assert beside.index[1:].tolist() == alone.index[1:].tolist()


def test_asset_that_cannot_be_scored_changes_no_rank():
    known = panel()
    alone, beside = measure(known), measure(_beside(known, np.full(DAYS, 5.0), cap=np.nan))

    ranks = universe.compared(beside).percentiles
    assert beside.standing[-1] == "ordinary"
    assert np.isnan(ranks[-1]).all()
    assert ranks[:-1].tobytes() == universe.compared(alone).percentiles.tobytes()


def test_too_few_days_teach_nothing():
    days = [Day(np.zeros((20, len(FEATURES))), np.zeros(20), np.full(20, "large_long"))] * 11

    assert learning.learn(days, **CHOSEN) is None


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


@pytest.mark.parametrize("days", [3, 700])
def test_last_days_of_a_panel_end_where_it_does_and_before_its_first_nothing_was_seen(days):
    whole = panel()
    width = whole.prices.shape[1]

    recent = whole.last(days)

    seen = min(days, width)
    assert recent.first_day + days == whole.first_day + width
    assert recent.prices.shape == recent.sources.shape == (len(whole.asset_ids), days)
    np.testing.assert_array_equal(recent.prices[:, days - seen :], whole.prices[:, width - seen :])
    np.testing.assert_array_equal(recent.sources[:, days - seen :], whole.sources[:, width - seen :])
    assert np.isnan(recent.prices[:, : days - seen]).all()
    assert not recent.sources[:, : days - seen].any()


def test_without_dynamics_a_score_has_no_interval_of_the_estimate(learnt):
    whole = panel()
    short = whole.until(whole.first_day + 199)
    found = measure(short, prior=None)
    scores = score(found, learnt)

    assert set(found.basis) == {Basis.NONE}
    assert np.isfinite(scores.score).all()
    assert np.isnan(scores.estimation[0.9]).all()


def test_whoever_does_not_ask_gets_the_errors_in_closed_form_alone(measured):
    found = measure(panel(), redraws=None)

    known = np.flatnonzero(np.isfinite(found.standard_errors).any(axis=0)).tolist()
    assert set(found.basis) == {""}
    assert {NAMES[column] for column in known} == {
        *("tail_index", "illiquidity", "price_impact", "zero_returns", "beta", "downside_beta", "tail_dependence")
    }


def test_an_asset_has_the_same_errors_in_any_company():
    whole = panel()
    market = universe.market(whole, reference=whole.prices[0])
    together, alone = (
        universe.measured(part, market=market, prior=PRIOR, redraws=REDRAWS)
        for part in (whole, whole.take(slice(4, 5)))
    )

    assert alone.errors.tobytes() == together.errors[4:5].tobytes()
    assert alone.standard_errors.tobytes() == together.standard_errors[4:5].tobytes()


def test_tail_losses_have_standard_errors_in_their_unit(measured):
    for loss, error in (
        (measured.value_at_risk, measured.value_at_risk_error),
        (measured.expected_shortfall, measured.expected_shortfall_error),
    ):
        assert (error > 0).all()
        assert (error < loss).all()
    column, level = NAMES.index("expected_shortfall"), features.LEVELS.index(features.LEVEL)
    of_log = measured.standard_errors[:, column]
    assert measured.expected_shortfall_error[:, level] == pytest.approx(of_log * measured.expected_shortfall[:, level])


def test_gains_have_no_error_of_a_loss():
    known = panel()
    rising = np.exp(np.abs(np.log(known.prices[:1])[:, -1:]) + (0.05 + 0.001 * random.standard_t(5, DAYS)).cumsum())
    found = measure(replace(known, prices=np.vstack([rising, known.prices[1:]])))

    assert (found.value_at_risk[0] < 0).all()
    assert np.isnan(found.value_at_risk_error[0]).all()
    assert np.isnan(found.expected_shortfall_error[0]).all()
    shortfall = next(n for n in next(universe.naturals(found, universe.compared(found))) if "shortfall" in n["name"])
    assert shortfall["value"] == found.expected_shortfall[0, features.LEVELS.index(features.LEVEL)] < 0
    assert shortfall["standard_error"] is None


def test_whoever_does_not_ask_knows_no_error_of_a_tail_loss():
    assert np.isnan(measure(panel(), redraws=None).value_at_risk_error).all()


def test_measurements_have_standard_errors_in_their_units_and_facts_have_none(measured):
    beside = universe.compared(measured)
    found = {natural["name"]: natural for natural in list(universe.naturals(measured, beside))[7]}

    facts = {"worst_day", "drawdown", "quarter_drawdown", "conditional_drawdown_95", "age", "market_cap"}
    facts |= {"turnover", "days_since_trade", "liquidation_cost_100k"}
    assert {name for name, natural in found.items() if natural["standard_error"] is None} == facts
    column = NAMES.index("recent_volatility")
    of_log = measured.standard_errors[7, column]
    volatility = found["recent_volatility"]
    assert volatility["standard_error"] == pytest.approx(volatility["value"] * of_log)
    assert 0.05 < of_log < 0.5
    assert found["beta"]["standard_error"] == measured.standard_errors[7, NAMES.index("beta")]


def test_what_is_shrunk_is_as_uncertain_as_its_weight_allows():
    logs, nothing = np.arange(200.0) * np.ones((1, 4, 200)), np.full((1, 3, 2), np.nan)
    drawn = estimation.Errors(logs, np.array([Basis.FITTED], dtype=object), nothing)
    shrunk = features._as_shrunk(drawn, np.array([180]))

    # 180 of 180 + 60.
    assert shrunk.standard_errors[0] == pytest.approx(drawn.standard_errors[0] * np.sqrt([0.75, 1, 0.75, 1]))
