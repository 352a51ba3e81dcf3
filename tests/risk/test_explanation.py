"""A score in words: whatever the engine may say has its words."""

from dataclasses import replace
from typing import get_args

import numpy as np
import pytest

from markets.risk_port import NOT_SCORED
from markets.sentiment.events import Kind
from risk import evidence, explanation, freshness, model_card
from risk.models import RiskFit, RiskScore
from risk.quant import confidence, features, measurement, naturals, universe
from risk.quant.estimation import DRAWS, Basis
from risk.quant.features import HORIZON, WINDOW
from risk.runs import scorecards

pytestmark = pytest.mark.unit


def test_every_cause_of_the_engine_has_its_words() -> None:
    assert set(explanation.CAUSES) == set(universe.CAUSES)


def test_every_doubt_of_the_engine_has_its_words() -> None:
    yes = np.ones(2, dtype=np.bool_)
    returns = np.array([confidence.SHORTEST_HISTORY - 1, confidence.SHORT_HISTORY - 1])
    found = replace(
        measurement.failed([1, 2], "ValueError"),
        is_stale=yes,
        is_given=yes,
        bad_prints=yes.astype(np.int64),
        returns=returns,
    )
    facts = universe.Facts(news=np.full(2, np.nan), held_at=np.full(2, np.nan), underlying=np.full(2, -1))

    doubts = {doubt for row in range(2) for doubt in confidence.doubts(found, facts, row, day=0)}

    assert doubts == set(explanation._DOUBTS)


def test_every_event_that_is_told_has_its_words() -> None:
    assert set(explanation.EVENTS) == set(scorecards.ALARMS) <= set(get_args(Kind))


def test_every_status_without_a_score_has_its_words() -> None:
    assert set(explanation._WITHOUT_SCORE) == {*RiskScore.Status.values, NOT_SCORED} - set(RiskScore.SCORED)


def test_every_measurement_of_the_engine_has_the_weight_of_its_feature() -> None:
    fit = RiskFit(coefficients={name: float(place) for place, name in enumerate(features.NAMES)})

    told = [evidence.weight(fit, naturals._UNITS[name][0]) for name in features.NAMES]

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
