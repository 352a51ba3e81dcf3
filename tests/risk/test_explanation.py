"""A score in words: whatever the engine may say has its words."""

from typing import get_args

import numpy as np
import pytest

from markets.sentiment.events import Kind
from risk import evidence, explanation, freshness, model_card
from risk.models import RiskFit, RiskScore
from risk.quant import features, universe
from risk.quant.estimation import DRAWS, Basis
from risk.quant.features import HORIZON, WINDOW
from risk.runs import scorecards

pytestmark = pytest.mark.unit

NAN = np.array([np.nan])


def test_every_cause_of_the_engine_has_its_words() -> None:
    assert set(explanation.CAUSES) == set(universe.CAUSES)


def test_every_doubt_of_the_engine_has_its_words() -> None:
    found = universe.failed([1], "ValueError")
    facts = universe.Facts(news=NAN, held_at=NAN, underlying=np.array([-1]))
    doubts = set(universe.doubts(found, facts, 0, day=0))

    assert {"late_price", "volume_unknown", "market_cap_unknown", "news_unknown"} <= doubts
    assert doubts <= set(explanation._DOUBTS)


def test_every_event_that_is_told_has_its_words() -> None:
    assert set(explanation.EVENTS) == set(scorecards.ALARMS) <= set(get_args(Kind))


def test_every_status_without_a_score_has_its_words() -> None:
    for status in RiskScore.Status:
        if status not in RiskScore.SCORED:
            assert explanation.without_score(status)


def test_every_measurement_of_the_engine_has_the_weight_of_its_feature() -> None:
    fit = RiskFit(coefficients={name: float(place) for place, name in enumerate(features.NAMES)})

    told = [evidence.weight(fit, universe._UNITS[name][0]) for name in features.NAMES]

    assert told == list(range(len(features.NAMES)))
    assert evidence.weight(fit, "turnover") is None
    assert evidence.weight(None, "volatility") is None


def test_every_basis_of_an_estimate_has_its_words_and_its_place_in_the_table() -> None:
    assert {str(basis) for basis in Basis} == set(RiskScore.Basis.values) == set(explanation._ESTIMATED)


def test_the_numbers_in_the_words_are_those_of_the_engine() -> None:
    assert (model_card.HORIZON_DAYS, model_card.DAYS_A_YEAR) == (HORIZON, features.DAYS_A_YEAR)
    assert evidence.WINDOW_DAYS == WINDOW
    assert model_card.ESTIMATION_DRAWS == DRAWS
    assert freshness.FRESH_DAYS == 3
