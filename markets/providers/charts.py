"""Points of price, cap and volume over time, folded into the closes of days."""

from datetime import UTC, datetime

import msgspec
import numpy as np

from markets.providers.bars import GENESIS, Bars, FloatArray, day_number
from markets.providers.decoding import UNREADABLE, without_literals
from markets.providers.normalise import numbers
from markets.providers.rejects import Reason, Reject, readable

DAY_MS = 86_400_000

_Point = tuple[float, float | None]


class _Chart(msgspec.Struct):
    prices: list[_Point]
    market_caps: list[_Point] = []
    total_volumes: list[_Point] = []


class _RawChart(msgspec.Struct):
    prices: list[msgspec.Raw]
    market_caps: list[msgspec.Raw] = []
    total_volumes: list[msgspec.Raw] = []


def daily_bars(body: bytes, external_id: str, *, at: datetime, source: str) -> Bars:
    """The closes of complete days in a chart `{"prices": [[ms, value], ..], "market_caps": .., "total_volumes": ..}`.

    A day's close is its last point up to and including the following midnight, so a daily point dated D 00:00
    closes D-1. The last point of a chart is "now": the day it lies in is not complete and is left out. A
    cap of 0 is missing. Points that cannot be right become rejects; those that a later point of the same day
    supersedes, and those without a price, count as repeats.
    """
    rejects: list[Reject] = []
    try:
        chart = msgspec.json.decode(body, type=_Chart)
    except UNREADABLE:
        try:
            raw_chart = msgspec.json.decode(without_literals(body), type=_RawChart)
        except UNREADABLE as error:
            reason: Reason = "bad_type" if isinstance(error, msgspec.ValidationError) else "malformed_json"
            return Bars.empty([Reject(external_id, reason, "no chart in the answer", readable(body))])
        chart = _Chart(
            *(
                _points(getattr(raw_chart, name), name, external_id, rejects)
                for name in ("prices", "market_caps", "total_volumes")
            )
        )
    if not chart.prices:
        return Bars.empty(rejects)
    return _fold(chart, external_id, at, source, rejects)


def _points(raws: list[msgspec.Raw], series: str, external_id: str, rejects: list[Reject]) -> list[_Point]:
    points: list[_Point] = []
    for raw in raws:
        try:
            points.append(msgspec.json.decode(raw, type=_Point))
        except UNREADABLE:
            rejects.append(Reject(external_id, "bad_type", f"a point of {series}", readable(bytes(raw))))
    return points


def _columns(points: list[_Point]) -> tuple[FloatArray, FloatArray]:
    """Milliseconds and values in the order of time; of points at the same instant the last one said."""
    moments = np.array([moment for moment, _ in points], dtype=np.float64)
    values = numbers([value for _, value in points])
    order = np.argsort(moments, kind="stable")
    moments, values = moments[order], values[order]
    last = np.append(moments[1:] != moments[:-1], np.ones(min(1, len(moments)), dtype=np.bool_))
    return moments[last], values[last]


def _at(moments: FloatArray, points: list[_Point]) -> FloatArray:
    """The values of a series at the given instants, NaN where it has none."""
    own, values = _columns(points)
    if not len(own):
        return np.full(len(moments), np.nan)
    places = np.minimum(np.searchsorted(own, moments), len(own) - 1)
    return np.where(own[places] == moments, values[places], np.nan)


def _fold(chart: _Chart, external_id: str, at: datetime, source: str, rejects: list[Reject]) -> Bars:
    moments, price = _columns(chart.prices)
    cap, volume = _at(moments, chart.market_caps), _at(moments, chart.total_volumes)
    points_in = len(chart.prices)
    good = np.ones(len(moments), dtype=np.bool_)
    now_ms = at.timestamp() * 1000
    objections: tuple[tuple[Reason, np.ndarray], ...] = (
        ("future_timestamp", moments > now_ms + 300_000),
        ("ancient_timestamp", moments < day_number(GENESIS) * DAY_MS),
        ("zero_price", price == 0),
        ("not_finite", np.isinf(price) | np.isinf(cap) | np.isinf(volume)),
        ("negative", (price < 0) | (cap < 0) | (volume < 0)),
    )
    for reason, mask in objections:
        for index in np.flatnonzero(mask & good).tolist():
            raw = repr([moments[index], price[index], cap[index], volume[index]])
            rejects.append(Reject(external_id, reason, "a point of the chart", raw))
        good &= ~mask
    refused = int((~good).sum())
    good &= ~np.isnan(price)
    moments, price, cap, volume = moments[good], price[good], cap[good], volume[good]
    if not len(moments):
        return Bars.empty(rejects)
    day = ((moments - 1) // DAY_MS).astype(np.int32)
    closes = np.append(day[1:] != day[:-1], True)
    today = day_number(at.astimezone(UTC).date())
    closes[-1] = moments[-1] % DAY_MS == 0
    closes &= day < today
    return Bars.of_one(
        external_id,
        source,
        day[closes],
        close=price[closes],
        market_cap=np.where(cap[closes] == 0, np.nan, cap[closes]),
        volume=volume[closes],
        rejects=rejects,
        repeats=points_in - refused - int(closes.sum()),
    )
