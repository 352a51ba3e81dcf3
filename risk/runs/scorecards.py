"""The rows of a scoring run: the score of each asset with its causes, or the reason why there is none."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from math import exp, isfinite
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np
from django.db.models import OuterRef, Subquery

from config.kernel.many import any_of
from markets.models import Asset, NewsItem
from markets.queries import news_mood
from markets.queries.news_mood import AssetMood
from markets.sentiment.daily import NewsMood
from risk import frames
from risk.models import RiskScore, ScoreRun, Wrapping
from risk.parameters import Parameters
from risk.quant import confidence, measurement, naturals, universe
from risk.quant.eligibility import Standing
from risk.quant.features import LEVELS
from risk.quant.measurement import Measured
from risk.quant.naturals import Natural
from risk.quant.score_map import band
from risk.quant.universe import CAUSES, Compared, Facts, Scored

ADDITIVE_WITHIN = 1e-9
CONTEXT = ("news", "wrapping", "score before", "fit")
"""What a score is made of besides prices, in the order of its `context_hash`."""
ALARMS = ("hack", "depeg", "delisting", "insolvency", "regulation")
"""Kinds of events whose news are told beside a score, and add nothing to it."""
MOST_TOLD = 10
"""Items of an event that a row names, the newest."""
_DAY = timedelta(days=1)
_NEWS = attrgetter(*(field.name for field in fields(NewsMood)))

REASONS: Mapping[str, str] = {
    Standing.NO_HISTORY: "There is no daily price of it.",
    Standing.HISTORY_ENDED: "Its prices end before this day: where a source ends nothing is known.",
    Standing.INSUFFICIENT_HISTORY: "Fewer than 14 days with a price.",
    Standing.DEAD: "Down by 99 % at hardly any volume, or without any trade for 30 days: 100 by rule, not by forecast.",
    universe.NOT_MEASURABLE: "Its prices do not move, or are too far apart for returns: no volatility to measure.",
    RiskScore.Status.NO_MODEL: "The stored history is too short for the model to have learnt from it.",
}


class NotAdditive(ArithmeticError):
    """The causes of a score do not add up to it: nothing of such a run is stored."""


@dataclass(frozen=True, slots=True)
class Ends:
    """Of intervals, by the names of their columns; a value an asset."""

    intervals: Mapping[str, list[float]]
    estimation: Mapping[str, list[float]]

    @classmethod
    def of(cls, day: Scored) -> "Ends":
        """All of a day."""
        kinds = ("score_low", "score_high", "percentile_low", "percentile_high")
        return cls(
            {
                f"{kind}_{round(100 * coverage)}": values.tolist()
                for coverage, ends in day.intervals.items()
                for kind, values in zip(kinds, ends, strict=True)
            },
            {
                f"{kind}_{round(100 * coverage)}": values.tolist()
                for coverage, ends in day.estimation.items()
                for kind, values in zip(("estimate_low", "estimate_high"), ends, strict=True)
            },
        )


class Before(NamedTuple):
    """What is asked of an asset's latest score before a run: to make rows of it takes longer than to read it."""

    pk: int
    asset_id: int
    as_of: date
    status: str
    score: float | None
    contributions: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Night:
    """All that the rows of a run are made of."""

    run: ScoreRun
    found: Measured
    beside: Compared
    facts: Facts
    scored: Scored
    ends: Ends
    moods: Mapping[int, AssetMood]
    events: Mapping[int, list[dict[str, Any]]]
    previous: Mapping[int, Before]


def cards(run: ScoreRun, found: Measured, *, at: datetime) -> Iterator[RiskScore]:
    """A row an asset, with its score and causes or with the reason why there is none.

    One after the other: all rows of a large universe at once are hundreds of megabytes of small objects.
    """
    night = _night(run, found, at=at)
    # A copy of it is made four times as fast as a row.
    blank = RiskScore(model=run.model, run=run, as_of=run.as_of, calculated_at=at)
    # Everything has been asked of the database by now: rows are made while others are being copied to it.
    return (
        _card(copy(blank), night, natural, row) for row, natural in enumerate(naturals.naturals(found, night.beside))
    )


def _night(run: ScoreRun, found: Measured, *, at: datetime) -> Night:
    parameters = Parameters.of(run.model.parameters)
    asset_ids = found.asset_ids.tolist()
    previous, pumped = _past(run, asset_ids, parameters)
    moods = news_mood.moods(asset_ids, at=run.news_at, model_version=run.sentiment_version or None, judged_by=at)
    facts = _facts(run, found, moods, previous, pumped, parameters)
    beside = universe.compared(found)
    if run.fit is None:
        scored = universe.unlearnt(found)
    else:
        learnt = frames.learnt(run.fit)
        scored = universe.scored(found, beside, learnt, facts=facts, rules=frames.rules(parameters))
    return Night(run, found, beside, facts, scored, Ends.of(scored), moods, _events(moods), previous)


def _card(card: RiskScore, night: Night, measurements: Sequence[Natural], row: int) -> RiskScore:
    run, found = night.run, night.found
    asset_id = int(found.asset_ids[row])
    mood, events, previous = night.moods[asset_id], night.events[asset_id], night.previous.get(asset_id)
    standing = str(found.standing[row])
    card.asset_id = asset_id
    card.status = standing
    card.bucket = str(night.beside.bucket[row])
    card.is_stablecoin = standing == Standing.STABLECOIN
    card.is_pumped = bool(found.is_pumped[row])
    card.is_stale = bool(found.is_stale[row])
    card.bad_prints = int(found.bad_prints[row])
    card.data_from = frames.day_of(int(found.first_day[row]))
    card.data_to = frames.day_of(int(found.last_day[row]))
    card.observations = int(found.observed[row])
    card.input_hash = str(found.input_hash[row])
    card.seed = first_bits(card.input_hash, str(asset_id), run.as_of.isoformat(), run.model.version, "score")
    card.context_hash = _context_hash(night, (mood.model_version, *_NEWS(mood.mood), events), previous, row)
    if standing in (Standing.ORDINARY, Standing.STABLECOIN):
        card.measurements = [*measurements, _news(mood.mood, events)]
        if isfinite(found.peg_distance[row]):
            card.measurements.append(_peg(float(found.peg_distance[row])))
        card.tail = _tail(found, row)
        card.status = RiskScore.Status.OK
    if standing == measurement.FAILED:
        card.reason = f"It could not be worked out: {found.error[row]}."
    elif card.status != RiskScore.Status.OK:
        card.reason = REASONS[standing]
    if card.status not in RiskScore.SCORED:
        return card
    if run.fit is None and card.status != RiskScore.Status.DEAD:
        card.status, card.reason = RiskScore.Status.NO_MODEL, REASONS[RiskScore.Status.NO_MODEL]
    elif not isfinite(night.scored.score[row]):
        card.status, card.reason = RiskScore.Status.NOT_MEASURABLE, REASONS[universe.NOT_MEASURABLE]
    else:
        _with_score(card, night, previous, row)
    return card


def _with_score(card: RiskScore, night: Night, previous: Before | None, row: int) -> None:
    found, scored, ends = night.found, night.scored, night.ends
    card.score = float(scored.score[row])
    card.percentile = float(scored.percentile[row])
    card.band = str(band(card.score))
    points = dict(zip(CAUSES, scored.points[row].tolist(), strict=True))
    if abs(sum(points.values()) - card.score) > ADDITIVE_WITHIN:
        raise NotAdditive(f"asset {card.asset_id}: {points} is not {card.score}")
    card.contributions = [{"component": name, "points": value} for name, value in points.items()]
    if card.status == RiskScore.Status.OK:
        card.estimate_basis = str(found.basis[row])
        for name, values in ends.intervals.items():
            setattr(card, name, values[row])
        if card.is_estimated:
            for name, values in ends.estimation.items():
                setattr(card, name, values[row])
        card.sigma = exp(scored.log_volatility[row])
        card.confidence_reasons = confidence.doubts(found, night.facts, row, day=(card.as_of - frames.EPOCH).days)
        card.confidence = confidence.confidence(card.confidence_reasons)
    if previous is not None and previous.score is not None:
        card.previous_id = previous.pk
        card.delta = card.score - previous.score
        before = {entry["component"]: entry["points"] for entry in previous.contributions}
        names = dict.fromkeys([*points, *before])
        card.delta_by_component = [
            {"component": name, "points": points.get(name, 0.0) - before.get(name, 0.0)} for name in names
        ]


def context_parts(context_hash: str) -> dict[str, str]:
    """What the hash of a context says of each of `CONTEXT`."""
    width = len(context_hash) // len(CONTEXT)
    return {name: context_hash[width * place : width * (place + 1)] for place, name in enumerate(CONTEXT)}


def _events(moods: Mapping[int, AssetMood]) -> dict[int, list[dict[str, Any]]]:
    """What the news of each asset tell of, with the items, as the row keeps them: feeds and their readings change."""
    told = {
        asset_id: {kind: mood.events[kind] for kind in ALARMS if kind in mood.events}
        for asset_id, mood in moods.items()
    }
    ids = {item_id for kinds in told.values() for items in kinds.values() for item_id in items[:MOST_TOLD]}
    urls = dict(NewsItem.objects.filter(pk__in=any_of(ids)).values_list("pk", "url"))
    return {
        asset_id: [
            {"event": kind, "n": len(items), "items": [{"id": pk, "url": urls[pk]} for pk in items[:MOST_TOLD]]}
            for kind, items in kinds.items()
        ]
        for asset_id, kinds in told.items()
    }


def _context_hash(night: Night, news: Sequence[object], previous: Before | None, row: int) -> str:
    underlying = int(night.facts.underlying[row])
    fit = night.run.fit
    parts: dict[str, Sequence[object]] = {
        "news": news,
        "wrapping": (None if underlying < 0 else int(night.found.asset_ids[underlying]),),
        "score before": (previous and previous.pk, float(night.facts.held_at[row])),
        "fit": (fit and fit.input_hash,),
    }
    return "".join(first_bits(*map(repr, parts[name])) for name in CONTEXT)


def _news(mood: NewsMood, events: list[dict[str, Any]]) -> dict[str, Any]:
    measured = Natural(
        name="news_negativity",
        component="news",
        value=mood.net_negativity_z,
        unit="deviations",
        standard_error=None,
        n=mood.items,
        percentile=None,
    )
    return {**measured, "events": events}


def _peg(distance: float) -> Natural:
    return Natural(
        name="peg_distance",
        component="peg",
        value=distance,
        unit="log_distance",
        standard_error=None,
        n=1,
        percentile=None,
    )


def _tail(found: Measured, row: int) -> list[dict[str, Any]]:
    return [
        {
            "level": level,
            "horizon_days": 1,
            "value_at_risk": float(found.value_at_risk[row, column]),
            "value_at_risk_error": _or_none(float(found.value_at_risk_error[row, column])),
            "expected_shortfall": float(found.expected_shortfall[row, column]),
            "expected_shortfall_error": _or_none(float(found.expected_shortfall_error[row, column])),
            "unit": "log_return",
            "method": str(found.tail_method[row, column]),
            "n": int(found.tail_count[row, column]),
        }
        for column, level in enumerate(LEVELS)
        if isfinite(found.value_at_risk[row, column]) and isfinite(found.expected_shortfall[row, column])
    ]


def _or_none(value: float) -> float | None:
    return value if isfinite(value) else None


def _past(run: ScoreRun, asset_ids: Sequence[int], parameters: Parameters) -> tuple[dict[int, Before], set[int]]:
    """Each asset's latest score before this run, and who was pumped within the days in which scores are held."""
    earlier = RiskScore.objects.filter(model_id=run.model_id, as_of__lt=run.as_of, calculated_at__lte=run.started_at)
    # One step into the index an asset: the table holds years of them.
    of_asset = earlier.scored().filter(asset_id=OuterRef("pk")).order_by("-as_of", "-id")
    newest = (
        Asset.objects.filter(pk__in=any_of(asset_ids))
        .order_by()
        .values_list(Subquery(of_asset.values("pk")[:1]), flat=True)
    )
    ids = [pk for pk in newest if pk is not None]
    latest = map(Before._make, RiskScore.objects.filter(pk__in=any_of(ids)).order_by().values_list(*Before._fields))
    pumped = earlier.filter(as_of__gte=run.as_of - parameters.hold_days * _DAY, is_pumped=True).order_by()
    return {row.asset_id: row for row in latest}, set(pumped.values_list("asset_id", flat=True))


def _facts(
    run: ScoreRun,
    found: Measured,
    moods: Mapping[int, AssetMood],
    previous: Mapping[int, Before],
    pumped: set[int],
    parameters: Parameters,
) -> Facts:
    ids = found.asset_ids.tolist()
    news = np.full(len(ids), np.nan)
    held = np.full(len(ids), np.nan)
    for row, asset_id in enumerate(ids):
        mood = moods[asset_id].mood
        if mood.net_negativity_z is not None:
            # Better than neutral is no bad news, however unusual.
            news[row] = mood.net_negativity_z if mood.net_negativity > 0 else 0.0
        before = previous.get(asset_id)
        # The hundred of the dead is a rule's, and ends with it.
        if before is None or before.score is None or before.status == RiskScore.Status.DEAD:
            continue
        is_recent = before.as_of >= run.as_of - parameters.hold_days * _DAY
        if is_recent and (asset_id in pumped or found.is_pumped[row]):
            held[row] = before.score
    rows = {asset_id: row for row, asset_id in enumerate(ids)}
    underlying = np.full(len(ids), -1, dtype=np.int64)
    for asset_id, other in Wrapping.objects.filter(asset_id__in=any_of(ids)).values_list("asset_id", "underlying_id"):
        underlying[rows[asset_id]] = rows.get(other, -1)
    return Facts(news, held, underlying)


def first_bits(*words: str) -> str:
    """The first 64 bits of their SHA-256, in hexadecimal."""
    return hashlib.sha256("|".join(words).encode()).hexdigest()[:16]
