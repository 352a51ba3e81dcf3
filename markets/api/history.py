"""The price history of one asset."""

from datetime import datetime
from functools import lru_cache
from typing import Any

import numpy as np
import orjson
from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import extend_schema
from numpy.typing import NDArray

from config.kernel.errors import ValidationFailed
from config.kernel.parameters import Boolean, Choice, Instant, Integer, Parameters
from config.kernel.schema import Problem
from markets.api.answers import Answer
from markets.api.schemas import HistoryAnswer
from markets.api.views import MarketView
from markets.queries import history, market
from markets.queries.history import INTERVALS, History, Span

MAX_POINTS = 5_000

_COLUMNS = [
    {"name": "timestamp", "unit": "ISO 8601, UTC, start of the interval"},
    {"name": "price", "unit": "USD, last of the interval"},
    {"name": "market_cap", "unit": "USD"},
    {"name": "volume", "unit": "USD, of 24 hours"},
]

_HISTORY = Parameters(
    limit=Integer(
        default=100, minimum=1, maximum=MAX_POINTS, description="The newest points, or with `start` the first."
    ),
    start=Instant(description="First instant, inclusive."),
    end=Instant(description="Last instant, exclusive."),
    interval=Choice(("5m", "1h", "1d", "auto"), default="auto", description="auto: the finest with a short series."),
    shape=Choice(("columns", "objects"), default="columns", description="Points as arrays or as objects."),
    strict=Boolean(default=False, description="Answer 409 when several assets carry the symbol."),
    by=Choice(("slug", "symbol"), description="Look for a slug or a symbol only."),
)


class ShowHistory(MarketView):
    """The price history of one cryptocurrency, oldest point first.

    What is missing is named in `meta.gaps`, never filled.
    """

    parameters = _HISTORY

    @extend_schema(responses={200: HistoryAnswer, 409: Problem})
    def get(self, request: HttpRequest, **path: Any) -> HttpResponse:
        return super().get(request, **path)

    def answer(self, values: dict[str, Any], *, version: int, at: datetime, **path: Any) -> Answer:
        start, end = values["start"], values["end"]
        if start is not None and end is not None and start >= end:
            raise ValidationFailed(fields={"start": ["Must be before end."]})
        found = market.match(path["symbol"], market.reader(version), strict=values["strict"], by=values["by"])
        interval = values["interval"]
        if interval == "auto":
            interval = history.resolve_interval(found.row.id, start=start, end=end or at)
        span = Span(interval, values["limit"], start, end)
        series = history.read(found.row.id, span, bars_to=found.row.bars_to)
        body = _body(series, values["shape"], found, at)
        return Answer.of(body, at=at, fresh_until=_next_turn(series, at))


def _next_turn(series: History, at: datetime) -> datetime | None:
    return series.fresh_until if series.fresh_until is not None and series.fresh_until > at else None


_DAY_SECONDS = 86_400


@lru_cache(maxsize=1)
def _midnights() -> NDArray[np.object_]:
    """The text of every midnight from 1970 to 2099: most series are daily, and writing an instant is not cheap."""
    days = np.arange("1970-01-01", "2100-01-01", dtype="datetime64[D]")
    return np.datetime_as_string(days.astype("datetime64[s]"), unit="s", timezone="UTC").astype(object)


def _texts(series: History) -> list[str]:
    texts: list[str]
    if series.interval == "1d":
        texts = _midnights()[series.at // _DAY_SECONDS].tolist()
    else:
        texts = np.datetime_as_string(series.at.astype("datetime64[s]"), unit="s", timezone="UTC").tolist()
    return texts


def _body(series: History, shape: str, found: market.Match, at: datetime) -> bytes:
    timestamps = _texts(series)
    # orjson writes NaN, the missing value of the vectors, as null.
    columns = [timestamps, series.price.tolist(), series.market_cap.tolist(), series.volume.tolist()]
    points: list[Any]
    if shape == "columns":
        points = list(zip(*columns, strict=True))
    else:
        points = [
            {"timestamp": timestamp, "price": price, "market_cap": market_cap, "volume": volume}
            for timestamp, price, market_cap, volume in zip(*columns, strict=True)
        ]
    meta = {
        "symbol": found.row.symbol,
        "slug": found.row.slug,
        "match": found.described(),
        "interval": series.interval,
        "interval_seconds": int(INTERVALS[series.interval].total_seconds()),
        "as_of": series.as_of,
        "stale": series.fresh_until is None or series.fresh_until <= at,
        "source": series.sources,
        "quality": series.quality,
        "fill": "none",
        "gaps": series.gaps,
        "gap_points": series.gap_points,
        "next_start": series.next_start,
    }
    return orjson.dumps({"columns": _COLUMNS, "points": points, "meta": meta}, option=orjson.OPT_UTC_Z)
