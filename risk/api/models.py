"""The versions of the model: what they are, and how they fared."""

from datetime import datetime
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema

from config.kernel.errors import ValidationFailed
from config.kernel.pages import page
from config.kernel.parameters import Choice, Instant, Parameters
from config.kernel.schema import Problem
from markets.api.answers import Answer
from risk import model_card
from risk.api import examples
from risk.api.schemas import HORIZONS, BacktestAnswer, BacktestResult, CalibrationAnswer, ModelCard, RiskModelList
from risk.api.scores import MODEL
from risk.api.views import RiskView
from risk.models import ForecastOutcome, RiskFit, RiskModel
from risk.queries import calibration, models
from risk.queries.calibration import Row
from risk.queries.scores import day_from, named

_UNTOLD: dict[str, object] = dict.fromkeys(BacktestResult().get_fields())
"""Of a result that an earlier release stored."""


def _json(body: dict[str, object], at: datetime) -> Answer:
    return Answer.of(orjson.dumps(body, option=orjson.OPT_UTC_Z), at=at)


class ListModels(RiskView):
    """Every version of the risk model that is or was in use, the one in charge first."""

    @extend_schema(responses=RiskModelList)
    def get(self, request: HttpRequest, **path: Any) -> HttpResponse:
        return super().get(request, **path)

    def answer(self, values: dict[str, Any], *, version: int, at: datetime, **path: Any) -> Answer:
        known = models.published()
        return _json(page([row(model, model.scored_as_of) for model in known], count=len(known)), at)


class ShowModel(RiskView):
    """The card of one version: its method, its parameters, what it has learnt from, and where it ends."""

    @extend_schema(
        responses={
            200: OpenApiResponse(ModelCard, examples=[OpenApiExample("The model in charge", examples.MODEL)]),
            404: Problem,
        }
    )
    def get(self, request: HttpRequest, **path: Any) -> HttpResponse:
        return super().get(request, **path)

    def answer(self, values: dict[str, Any], *, version: int, at: datetime, **path: Any) -> Answer:
        model = named(path["model_version"])
        fit = models.newest_fit(model)
        body = row(model, models.scored_as_of(model)) | {
            "parameters": model.parameters,
            "method": model_card.METHOD,
            "limits": model_card.LIMITS,
            "what_this_is_not": model_card.WHAT_THIS_IS_NOT,
            "learnt_from": None if fit is None else _learnt(fit),
            "backtest_url": reverse("risk-model-backtest", kwargs={"model_version": model.version}),
            "calibration_url": f"{reverse('risk-calibration')}?model={model.version}",
        }
        return _json(body, at)


class ShowBacktest(RiskView):
    """The newest backtest of a version's one-day value at risk and expected shortfall, on the history that was loaded.

    Refused with 422 `insufficient_history` where fewer than 60 days were forecast.
    """

    @extend_schema(
        responses={
            200: OpenApiResponse(BacktestAnswer, examples=[OpenApiExample("Three years", examples.BACKTEST)]),
            404: Problem,
            422: Problem,
        }
    )
    def get(self, request: HttpRequest, **path: Any) -> HttpResponse:
        return super().get(request, **path)

    def answer(self, values: dict[str, Any], *, version: int, at: datetime, **path: Any) -> Answer:
        model = named(path["model_version"])
        backtest = models.newest_backtest(model)
        body = {
            "model_version": model.version,
            "since": backtest.since,
            "until": backtest.until,
            "horizon_days": 1,
            "days": backtest.days,
            "assets": backtest.assets,
            "forecasts": backtest.forecasts,
            "results": [_UNTOLD | result for result in backtest.results],
            "created_at": backtest.created_at,
            "what_this_is_not": model_card.WHAT_THIS_IS_NOT,
        }
        return _json(body, at)


class ShowCalibration(RiskView):
    """How often forecasts came true, by model, horizon, level and bucket, with the interval of each rate.

    The assets of a day rise and fall together, so that many of them are worth few: the interval counts days.
    """

    parameters = Parameters(
        model=MODEL,
        horizon=Choice(
            ForecastOutcome.Horizon.values,
            description="day: value at risk was exceeded; month: the realised risk lay inside the interval.",
        ),
        start=Instant(description="Scores as of this day or later."),
        end=Instant(description="Scores as of earlier days."),
    )

    @extend_schema(
        responses={
            200: OpenApiResponse(CalibrationAnswer, examples=[OpenApiExample("One row", examples.CALIBRATION)]),
            404: Problem,
        }
    )
    def get(self, request: HttpRequest, **path: Any) -> HttpResponse:
        return super().get(request, **path)

    def answer(self, values: dict[str, Any], *, version: int, at: datetime, **path: Any) -> Answer:
        start, end = values["start"], values["end"]
        if start is not None and end is not None and start >= end:
            raise ValidationFailed(fields={"start": ["Must be before end."]})
        model = None if values["model"] is None else named(values["model"])
        found = calibration.table(
            model_id=None if model is None else model.pk,
            horizon=values["horizon"],
            start=None if start is None else day_from(start),
            end=None if end is None else day_from(end),
        )
        body = page([_calibrated(row) for row in found], count=len(found)) | {
            "missing_reason": None if found else "no_outcomes"
        }
        return _json(body, at)


def row(model: RiskModel, scored_as_of: object) -> dict[str, object]:
    """What lists say of a version."""
    return {
        "version": model.version,
        "state": model.state,
        "headline": model.is_headline,
        "created_at": model.created_at,
        "changed_at": model.changed_at,
        "scored_as_of": scored_as_of,
        "url": reverse("risk-model", kwargs={"model_version": model.version}),
    }


def _learnt(fit: RiskFit) -> dict[str, object]:
    return {
        "as_of": fit.as_of,
        "first_date": min(fit.dates, default=None),
        "last_date": max(fit.dates, default=None),
        "dates": len(fit.dates),
        "observations": fit.observations,
        "calibrated_on": fit.calibrated_on,
        "penalty": fit.penalty,
        "coefficients": fit.coefficients,
        "input_hash": fit.input_hash,
    }


def _calibrated(row: Row) -> dict[str, object]:
    return {
        "model_version": row.model_version,
        "horizon_days": HORIZONS[ForecastOutcome.Horizon(row.horizon)],
        "what": row.what,
        "level": row.level,
        "bucket": row.bucket,
        "n": row.size,
        "hits": row.hits,
        "hit_rate": row.found.rate,
        "expected_rate": row.expected,
        "interval": {
            "level": 0.95,
            "low": row.found.lower,
            "high": row.found.upper,
            "method": "wilson_clustered",
            "effective_n": row.found.effective_size,
            "clusters": row.clusters,
        },
        "agrees": row.agrees,
        "shortfall_statistic": row.shortfall_statistic,
        "shortfall_n": row.comparable,
        "mean_width": row.mean_width,
        "since": row.first,
        "until": row.last,
    }
