from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from risk.quant import learning, universe
from risk.quant.features import FEATURES
from risk.quant.garch import Prior
from risk.quant.learning import Day
from risk.quant.universe import CAUSES, Facts, Measured, Panel, Rules

ASSETS, DAYS = 20, 520
CHOSEN: dict[str, Any] = {
    "penalty": 0.01,
    "recent_share": 0.25,
    "calibration_dates": 6,
    "reach_dates": 2,
    "reach_response": 0.5,
}
RULES = Rules(floor_of_stablecoins=8, sentiment_cap=5, sentiment_from=1, sentiment_full=4)
random = np.random.default_rng(1)


def panel() -> Panel:
    moves = random.standard_t(5, (ASSETS, DAYS)) * np.linspace(0.01, 0.08, ASSETS)[:, None]
    prices = np.exp(moves.cumsum(axis=1))
    volumes = np.full(prices.shape, 1e6)
    return Panel(np.arange(ASSETS), 19_000, prices, volumes, prices * 1e7, np.ones(prices.shape, dtype=np.int16))


@pytest.fixture(scope="module")
def measured() -> Measured:
    known = panel()
    market = universe.market(known, reference=known.prices[0])
    prior = Prior(np.array([-1.0, 1.5, 1.0]), np.full(3, 0.5))
    return universe.measured(known, market=market, prior=prior, input_hashes=known.input_hashes())


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


def test_too_few_days_teach_nothing():
    days = [Day(np.zeros((20, len(FEATURES))), np.zeros(20), np.full(20, "large_long"))] * 11

    assert learning.learn(days, **CHOSEN) is None
