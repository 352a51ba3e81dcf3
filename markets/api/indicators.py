"""The market as a whole."""

from datetime import datetime
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import extend_schema

from config.kernel.errors import ValidationFailed
from config.kernel.pages import page
from config.kernel.parameters import Choice, Instant, Integer, Parameters, Text
from config.kernel.schema import Problem
from markets.api.answers import Answer
from markets.api.schemas import IndicatorHistoryAnswer, IndicatorsAnswer
from markets.api.views import MarketView
from markets.errors import UnknownIndicator
from markets.providers.indicators import INDICATORS
from markets.quant.volatility_regime import WINDOW_DAYS
from markets.queries import indicators, volatility_regime
from markets.queries.indicators import INTERVALS, Latest, Span
from markets.queries.volatility_regime import MarketRegime

MAX_POINTS = 5_000


class ListIndicators(MarketView):
    """The latest of every market indicator, with who said it and when, and the market's volatility regime."""

    @extend_schema(responses=IndicatorsAnswer)
    def get(self, request: HttpRequest, **path: Any) -> HttpResponse:
        return super().get(request, **path)

    def answer(self, values: dict[str, Any], *, version: int, at: datetime, **path: Any) -> Answer:
        known = indicators.latest()
        regime = volatility_regime.current(at=at)
        body = page([_described(each, at) for each in known], count=len(known)) | {
            "volatility_regime": _regime(regime, at)
        }
        turns = [regime.fresh_until, *(each.fresh_until for each in known)]
        fresh_until = min((turn for turn in turns if turn is not None and turn > at), default=None)
        return Answer.of(orjson.dumps(body, option=orjson.OPT_UTC_Z), at=at, fresh_until=fresh_until)


def _described(latest: Latest, at: datetime) -> dict[str, object]:
    return {
        "indicator": latest.indicator.name,
        "unit": latest.indicator.unit,
        "value": latest.value,
        "missing_reason": "never_observed" if latest.value is None else None,
        "as_of": latest.as_of,
        "provider": latest.provider,
        "quality": None if latest.value is None else "simulated" if latest.is_simulated else "observed",
        "stale": latest.fresh_until is None or latest.fresh_until <= at,
    }


def _regime(regime: MarketRegime, at: datetime) -> dict[str, object]:
    now = regime.now
    return {
        "regime": None if now is None else now.regime,
        "missing_reason": regime.missing_reason,
        "volatility": None if now is None else now.volatility,
        "percentile": None if now is None else now.percentile,
        "window_days": WINDOW_DAYS,
        "history_days": 0 if now is None else now.history_days,
        "basis": regime.basis,
        "as_of": regime.as_of,
        "stale": regime.fresh_until is None or regime.fresh_until <= at,
    }


_HISTORY = Parameters(
    limit=Integer(
        default=100, minimum=1, maximum=MAX_POINTS, description="The newest points, or with `start` the first."
    ),
    start=Instant(description="First instant, inclusive."),
    end=Instant(description="Last instant, exclusive."),
    interval=Choice(tuple(INTERVALS), description="Default: as often as the indicator is observed."),
    provider=Text(max_length=64, description="Only what this provider said: sums of different providers differ."),
    shape=Choice(("columns", "objects"), default="columns", description="Points as arrays or as objects."),
)


class ShowIndicatorHistory(MarketView):
    """One market indicator over time, oldest point first: the last value of each interval, and who said it.

    What is missing is named in `meta.gaps`, never filled.
    """

    parameters = _HISTORY

    @extend_schema(responses={200: IndicatorHistoryAnswer, 404: Problem})
    def get(self, request: HttpRequest, **path: Any) -> HttpResponse:
        return super().get(request, **path)

    def answer(self, values: dict[str, Any], *, version: int, at: datetime, **path: Any) -> Answer:
        name = path["indicator"]
        indicator = INDICATORS.get(name)
        if indicator is None:
            raise UnknownIndicator(indicators=list(INDICATORS))
        start, end = values["start"], values["end"]
        if start is not None and end is not None and start >= end:
            raise ValidationFailed(fields={"start": ["Must be before end."]})
        native = indicators.native_interval(name)
        interval = values["interval"] or native
        if INTERVALS[interval] < INTERVALS[native]:
            raise ValidationFailed(fields={"interval": [f"This indicator is observed every {native}."]})
        series = indicators.series(name, Span(interval, values["limit"], start, end, values["provider"]))
        columns = [
            {"name": "timestamp", "unit": "ISO 8601, UTC, start of the interval"},
            {"name": "value", "unit": f"{indicator.unit}, last of the interval"},
            {"name": "provider", "unit": "who said it"},
        ]
        names = [column["name"] for column in columns]
        body = {
            "columns": columns,
            "points": series.points
            if values["shape"] == "columns"
            else [dict(zip(names, point, strict=True)) for point in series.points],
            "meta": {
                "indicator": name,
                "interval": interval,
                "interval_seconds": int(INTERVALS[interval].total_seconds()),
                "as_of": series.as_of,
                "stale": series.fresh_until is None or series.fresh_until <= at,
                "source": sorted({provider for _, _, provider in series.points}),
                "fill": "none",
                "gaps": series.gaps,
                "gap_points": series.gap_points,
                "next_start": series.next_start,
            },
        }
        is_fresh = series.fresh_until is not None and series.fresh_until > at
        return Answer.of(
            orjson.dumps(body, option=orjson.OPT_UTC_Z), at=at, fresh_until=series.fresh_until if is_fresh else None
        )
