"""The score of one asset: the latest with all that explains it, and the past ones."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema

from config.kernel.errors import ValidationFailed
from config.kernel.parameters import Boolean, Choice, Instant, Integer, Parameters, Text
from config.kernel.schema import Problem
from markets.api.answers import Answer
from markets.queries import market
from markets.queries.market import Match
from markets.risk_port import NOT_SCORED
from risk import evidence, explanation, model_card
from risk.api import examples
from risk.api.schemas import RiskAnswer, RiskHistoryAnswer
from risk.api.views import RiskView
from risk.freshness import fresh_until
from risk.models import RiskFit, RiskModel, RiskScore, ScoreRun
from risk.queries import scores
from risk.queries.scores import History, Span, midnight

MAX_POINTS = 5_000

_REACH_90 = 1.645
"""Standard errors to either side that hold 90 % of a normal law."""

MODEL = Text(max_length=64, description="A version of the model; default: the one in charge.")
_ASSET = Parameters(
    strict=Boolean(default=False, description="Answer 409 when several assets carry the symbol."),
    by=Choice(("slug", "symbol"), description="Look for a slug or a symbol only."),
    model=MODEL,
)
_FLAGS = (
    (
        "is_stablecoin",
        "stablecoin",
        "Near one dollar for a quarter: its score has a floor, for quiet pegs have broken.",
    ),
    (
        "is_pumped",
        "pumped",
        "A rise or a volume far beyond its own usual: the score does not fall for the `hold_days` of the model.",
    ),
    ("is_stale", "stale_prices", "More than a fifth of its last 90 returns are exactly zero."),
    ("bad_prints", "bad_prints", "Some prices were not believed and left out."),
)


_OF_THE_MODEL = ("base", "stablecoin_floor")
"""Causes that are the same for every asset they apply to."""


class ShowRisk(RiskView):
    """The risk score of one cryptocurrency, named by symbol or slug, with what it is made of: the latest,
    or that of a past day.

    The points of `factors` add up to the score. Without a score, `status`, `reason` and `explanation` say why.
    """

    parameters = _ASSET.extended(as_of=Instant(description="The score of this UTC day; default: the latest."))

    @extend_schema(
        responses={
            200: OpenApiResponse(RiskAnswer, examples=[OpenApiExample("An ordinary asset", examples.RISK)]),
            404: Problem,
            409: Problem,
        }
    )
    def get(self, request: HttpRequest, **path: Any) -> HttpResponse:
        return super().get(request, **path)

    def answer(self, values: dict[str, Any], *, version: int, at: datetime, **path: Any) -> Answer:
        found = market.match(path["symbol"], market.reader(version), strict=values["strict"], by=values["by"])
        model = scores.model_of(values["model"])
        as_of = values["as_of"]
        run = scores.run_of(model, as_of=None if as_of is None else as_of.date())
        score = scores.score_in(run, found.row.id)
        body = _named(found) | (_unknown(model, as_of) if run is None or score is None else _described(score, run, at))
        turn = None if score is None else fresh_until(score.as_of, score.data_to)
        return Answer.of(
            orjson.dumps(body, option=orjson.OPT_UTC_Z), at=at, fresh_until=turn if turn and turn > at else None
        )


def _named(found: Match) -> dict[str, object]:
    row = found.row
    return {"symbol": row.symbol, "slug": row.slug, "name": row.name, "match": found.described()}


def _unknown(model: RiskModel | None, as_of: datetime | None) -> dict[str, object]:
    of_day = "" if as_of is None else f" as of {as_of.date()}"
    reason = f"No finished run of this model{of_day} has seen this asset." if model else "No model is in charge."
    nothing = dict.fromkeys(
        ("score", "percentile", "band", "forecast_volatility", "confidence", "delta_since_previous", "data", "as_of")
    )
    return nothing | {
        "status": NOT_SCORED,
        "reason": reason,
        "horizon_days": model_card.HORIZON_DAYS,
        "intervals": [],
        "estimation": None,
        "factors": [],
        "tail": [],
        "flags": [],
        "stale": True,
        "model_version": None if model is None else model.version,
        "provenance": None,
        "explanation": f"{reason} {explanation.without_score(NOT_SCORED)}",
        "what_this_is_not": model_card.WHAT_THIS_IS_NOT,
    }


def _described(score: RiskScore, run: ScoreRun, at: datetime) -> dict[str, object]:
    return {
        "status": score.status,
        "reason": score.reason or None,
        "score": score.score,
        "percentile": score.percentile,
        "band": score.band or None,
        "forecast_volatility": score.sigma,
        "horizon_days": model_card.HORIZON_DAYS,
        "intervals": list(_intervals(score, run)),
        "estimation": _estimation(score),
        "confidence": _confidence(score),
        "factors": _factors(score, run),
        "delta_since_previous": _delta(score),
        "tail": [_tail_loss(entry) for entry in score.tail],
        "flags": _flags(score),
        "data": _data(score, run),
        "as_of": score.as_of,
        "stale": fresh_until(score.as_of, score.data_to) <= at,
        "model_version": run.model.version,
        "provenance": {
            "score_id": score.pk,
            "run_id": run.pk,
            "input_hash": score.input_hash,
            "context_hash": score.context_hash or None,
            "seed": score.seed,
            "calculated_at": score.calculated_at,
            "learnt_as_of": None if run.fit is None else run.fit.as_of,
            "engine": run.engine,
            "libraries": run.libraries,
        },
        "explanation": explanation.explanation(score),
        "what_this_is_not": model_card.WHAT_THIS_IS_NOT,
    }


def _tail_loss(entry: Mapping[str, Any]) -> dict[str, object]:
    """With the errors, which rows of earlier formulas do not hold, as nominal intervals, too."""
    told = {**entry, "window_days": evidence.WINDOW_DAYS}
    for name in ("value_at_risk", "expected_shortfall"):
        error = entry.get(f"{name}_error")
        reach = None if error is None else _REACH_90 * error
        told |= {
            f"{name}_error": error,
            f"{name}_low_90": None if reach is None else entry[name] - reach,
            f"{name}_high_90": None if reach is None else entry[name] + reach,
        }
    return told


def _flags(score: RiskScore) -> list[dict[str, object]]:
    return [
        *(
            {"flag": flag, "description": description, "news": []}
            for field, flag, description in _FLAGS
            if getattr(score, field)
        ),
        *(
            {
                "flag": f"news_of_{event['event']}",
                "description": f"News of {explanation.EVENTS[event['event']]}, items: {event['n']}. An automatic"
                " reading of headlines, which adds no points.",
                "news": event["items"],
            }
            for event in score.events
        ),
    ]


def _confidence(score: RiskScore) -> dict[str, object] | None:
    if not score.confidence:
        return None
    return {
        "level": score.confidence,
        "reasons": score.confidence_reasons,
        "description": explanation.doubts(score) or "Nothing speaks against it.",
    }


def _intervals(score: RiskScore, run: ScoreRun) -> Any:
    if score.status != RiskScore.Status.OK:
        return
    for of in ("score", "percentile"):
        for level in (0.8, 0.9):
            coverage = round(100 * level)
            yield {
                "of": of,
                "level": level,
                "low": getattr(score, f"{of}_low_{coverage}"),
                "high": getattr(score, f"{of}_high_{coverage}"),
                "method": "conformal",
                "bucket": score.bucket,
                "note": explanation.of_interval(score) or None,
                "n": 0 if run.fit is None else _calibrated_on(run.fit, of, level, score.bucket),
            }


def _calibrated_on(fit: RiskFit, of: str, level: float, bucket: str) -> int:
    """Forecasts behind an interval: those of the bucket, or of all where the bucket is too small for its own."""
    reaches = fit.score_reach if of == "score" else fit.percentile_reach
    own = reaches.get(str(level), {}).get("buckets", {}).get(bucket)
    return fit.calibrated_on if own is None or own["reach"] is None else int(own["n"])


def _estimation(score: RiskScore) -> dict[str, object] | None:
    if not score.estimate_basis or score.status != RiskScore.Status.OK:
        return None
    return {
        "method": "parametric_filtered_bootstrap",
        "basis": score.estimate_basis,
        "draws": model_card.ESTIMATION_DRAWS,
        "intervals": [
            {
                "level": level,
                "low": getattr(score, f"estimate_low_{round(100 * level)}"),
                "high": getattr(score, f"estimate_high_{round(100 * level)}"),
            }
            for level in (0.8, 0.9)
            if score.is_estimated
        ],
        "description": explanation.of_estimation(score),
    }


def _factors(score: RiskScore, run: ScoreRun) -> list[dict[str, object]]:
    return [
        {
            "component": entry["component"],
            "points": entry["points"],
            "direction": _direction(entry),
            "description": explanation.CAUSES[entry["component"]],
            "measurements": [
                {name: measured.get(name) for name in ("name", "value", "unit", "standard_error", "n", "percentile")}
                | {"weight": evidence.weight(run.fit, measured["name"])}
                for measured in score.measurements
                if measured["component"] == entry["component"]
            ],
            "sources": _sources(entry["component"], score, run),
        }
        for entry in score.contributions
    ]


def _sources(component: str, score: RiskScore, run: ScoreRun) -> list[str]:
    """Where what a cause was made of can be read."""
    slug = {"symbol": score.asset.slug}
    if component in _OF_THE_MODEL:
        return [reverse("risk-model", kwargs={"model_version": run.model.version})]
    if component == "news":
        return [reverse("cryptocurrency-news", kwargs=slug)]
    if component == "wrapping" or score.data_to is None:
        return []
    end = score.data_to + scores.DAY
    return [f"{reverse('cryptocurrency-history', kwargs=slug)}?interval=1d&limit={evidence.WINDOW_DAYS}&end={end}"]


def _direction(entry: Mapping[str, Any]) -> str:
    if entry["component"] == "base":
        return "start"
    points = entry["points"]
    return "raises" if points > 0 else "lowers" if points < 0 else "neutral"


def _delta(score: RiskScore) -> dict[str, object] | None:
    if score.delta is None or score.previous is None:
        return None
    return {
        "points": score.delta,
        "since": score.previous.as_of,
        "previous_score": score.previous.score,
        "components": score.delta_by_component,
    }


def _data(score: RiskScore, run: ScoreRun) -> dict[str, object]:
    news = evidence.news(score, run)
    return {
        "observations": score.observations,
        "window_days": evidence.WINDOW_DAYS,
        "from": score.data_from,
        "to": score.data_to,
        "providers": evidence.providers(score),
        "rejected_prices": score.bad_prints,
        "news": {
            "items": news.items,
            "missing_reason": news.absent,
            "url": reverse("cryptocurrency-news", kwargs={"symbol": score.asset.slug}),
        },
    }


_COLUMNS = [
    {"name": "timestamp", "unit": "ISO 8601, UTC, start of the day whose close is the last that was known"},
    {"name": "score", "unit": "points from 0 to 100; null: status says why"},
    {"name": "percentile", "unit": "from 0 to 100"},
    {"name": "score_low_80", "unit": "points, conformal 80 % interval"},
    {"name": "score_high_80", "unit": "points, conformal 80 % interval"},
    {"name": "score_low_90", "unit": "points, conformal 90 % interval"},
    {"name": "score_high_90", "unit": "points, conformal 90 % interval"},
    {"name": "status", "unit": "ok, dead, or why there is no score"},
    {"name": "estimate_low_80", "unit": "points, how well the score itself is measured, nominal 80 %"},
    {"name": "estimate_high_80", "unit": "points, how well the score itself is measured, nominal 80 %"},
    {"name": "estimate_low_90", "unit": "points, how well the score itself is measured, nominal 90 %"},
    {"name": "estimate_high_90", "unit": "points, how well the score itself is measured, nominal 90 %"},
    {
        "name": "is_stablecoin",
        "unit": "pegged: its conformal intervals are those of ordinary assets, not shown to hold",
    },
]


class ShowRiskHistory(RiskView):
    """The past scores of one cryptocurrency by one model, oldest first; what is missing is named in `meta.gaps`."""

    parameters = _ASSET.extended(
        limit=Integer(
            default=100, minimum=1, maximum=MAX_POINTS, description="The newest points, or with `start` the first."
        ),
        start=Instant(description="First day, inclusive."),
        end=Instant(description="Last day, exclusive."),
        shape=Choice(("columns", "objects"), default="columns", description="Points as arrays or as objects."),
    )

    @extend_schema(
        responses={
            200: OpenApiResponse(RiskHistoryAnswer, examples=[OpenApiExample("Two days", examples.HISTORY)]),
            404: Problem,
            409: Problem,
        }
    )
    def get(self, request: HttpRequest, **path: Any) -> HttpResponse:
        return super().get(request, **path)

    def answer(self, values: dict[str, Any], *, version: int, at: datetime, **path: Any) -> Answer:
        start, end = values["start"], values["end"]
        if start is not None and end is not None and start >= end:
            raise ValidationFailed(fields={"start": ["Must be before end."]})
        found = market.match(path["symbol"], market.reader(version), strict=values["strict"], by=values["by"])
        model = scores.model_of(values["model"])
        series = scores.history(found.row.id, model, Span.between(start, end, limit=values["limit"]))
        newest = series.newest
        turn = None if newest is None else fresh_until(newest.as_of, newest.data_to)
        return Answer.of(
            orjson.dumps(_series(series, values["shape"], found, model, at), option=orjson.OPT_UTC_Z),
            at=at,
            fresh_until=turn if turn and turn > at else None,
        )


def _series(series: History, shape: str, found: Match, model: RiskModel | None, at: datetime) -> dict[str, object]:
    names = [column["name"] for column in _COLUMNS]
    points = [[midnight(score.as_of), *(getattr(score, name) for name in names[1:])] for score in series.scores]
    newest = series.newest
    return {
        "columns": _COLUMNS,
        "points": points if shape == "columns" else [dict(zip(names, point, strict=True)) for point in points],
        "meta": {
            "symbol": found.row.symbol,
            "slug": found.row.slug,
            "match": found.described(),
            "interval": "1d",
            "interval_seconds": 86_400,
            "model_version": None if model is None else model.version,
            "missing_reason": "no_model" if model is None else None if points else "not_scored",
            "as_of": None if newest is None else midnight(newest.as_of + scores.DAY),
            "stale": newest is None or fresh_until(newest.as_of, newest.data_to) <= at,
            "source": [] if model is None else [model.version],
            "fill": "none",
            "gaps": [(midnight(first), midnight(end)) for first, end in series.gaps],
            "gap_points": series.gap_points,
            "next_start": None if series.next_start is None else midnight(series.next_start),
        },
    }
