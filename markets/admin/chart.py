"""Daily closes as a picture: plain SVG, drawn on the server, in the colours of the page around it."""

import math
from collections.abc import Iterator
from datetime import date, timedelta

import numpy as np
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from numpy.typing import NDArray

from markets.admin.amounts import short, usd

FloatArray = NDArray[np.float64]

WIDTH, HEIGHT = 960, 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 84, 20, 14, 30
_LOG_FROM = 10.0
"""The ratio of the highest to the lowest price from which on equal factors, not equal sums, look equal."""

_SVG = (
    '<svg class="price-chart" viewBox="0 0 {width} {height}" role="img" aria-labelledby="price-chart-title'
    ' price-chart-description" xmlns="http://www.w3.org/2000/svg" fill="none" stroke="currentColor"'
    ' font-size="12">'
    '<title id="price-chart-title">{title}</title><desc id="price-chart-description">{description}</desc>'
    '<g class="grid" stroke-opacity="0.25">{grid}</g><g class="labels" stroke="none" fill="currentColor">{labels}</g>'
    '<path class="line" d="{line}" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round"/></svg>'
)
_MONTH_STEPS = (1, 2, 3, 6, 12, 24, 60)


def price_chart(closes: FloatArray, start: date, *, title: str) -> SafeString | None:
    """The closes of consecutive days from `start`, NaN where there is none: the line breaks there.

    On a logarithmic scale where the highest price is ten times the lowest or more. None when there is nothing to show.
    """
    known = np.isfinite(closes)
    if not known.any():
        return None
    scale = _Scale(float(closes[known].min()), float(closes[known].max()), days=len(closes))
    horizontal = [(scale.y(price), text) for price, text in scale.ticks()]
    vertical = [(scale.x(day), text) for day, text in _dates(start, len(closes))]
    edge_right, edge_bottom = WIDTH - _RIGHT, HEIGHT - _BOTTOM
    grid = [(_LEFT, y, edge_right, y) for y, _ in horizontal] + [(x, _TOP, x, edge_bottom) for x, _ in vertical]
    labels = [("end", _LEFT - 8.0, y + 4, text) for y, text in horizontal]
    labels += [("middle", x, edge_bottom + 18.0, text) for x, text in vertical]
    return format_html(
        _SVG,
        width=WIDTH,
        height=HEIGHT,
        title=title,
        description=_description(closes, known, start, scale),
        grid=format_html_join("", '<path d="M{} {}L{} {}"/>', (map(_fixed, line) for line in grid)),
        labels=format_html_join(
            "",
            '<text text-anchor="{}" x="{}" y="{}">{}</text>',
            ((anchor, _fixed(x), _fixed(y), text) for anchor, x, y, text in labels),
        ),
        line=_line(closes, known, scale),
    )


class _Scale:
    """Where a day and a price lie in the picture."""

    def __init__(self, lowest: float, highest: float, *, days: int) -> None:
        self.is_log = highest / lowest >= _LOG_FROM
        low, high = self._value(lowest), self._value(highest)
        # A flat line runs through the middle.
        margin = (high - low) * 0.04 or abs(high) * 0.04 or 1.0
        self._low, self._high = low - margin, high + margin
        self._day_width = (WIDTH - _LEFT - _RIGHT) / max(1, days - 1)

    def x(self, day: int) -> float:
        return _LEFT + day * self._day_width

    def y(self, price: float) -> float:
        share = (self._value(price) - self._low) / (self._high - self._low)
        return HEIGHT - _BOTTOM - share * (HEIGHT - _TOP - _BOTTOM)

    def ticks(self) -> list[tuple[float, str]]:
        """Round prices, about six of them, and how they are written."""
        if self.is_log:
            return [(tick, short(tick)) for tick in self._factors() if self._low <= math.log10(tick) <= self._high]
        raw = (self._high - self._low) / 6
        power = 10.0 ** math.floor(math.log10(raw))
        step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw)
        first, last = math.ceil(self._low / step), math.floor(self._high / step)
        decimals = max(0, -math.floor(math.log10(step)))
        return [(count * step, f"{count * step:,.{decimals}f}") for count in range(first, last + 1) if count > 0]

    def _factors(self) -> Iterator[float]:
        decades = range(math.floor(self._low), math.ceil(self._high) + 1)
        factors = (1, 2, 5) if len(decades) <= 4 else (1,)
        for decade in decades[:: max(1, len(decades) // 6)]:
            yield from (factor * 10.0**decade for factor in factors)

    def _value(self, price: float) -> float:
        return math.log10(price) if self.is_log else price


def _line(closes: FloatArray, known: NDArray[np.bool_], scale: _Scale) -> str:
    """One stroke for each run of days with a close; a lone day is a dot."""
    days = np.flatnonzero(known)
    runs = np.split(days, np.flatnonzero(np.diff(days) > 1) + 1)
    return "".join(_stroke([(scale.x(day), scale.y(float(closes[day]))) for day in run.tolist()]) for run in runs)


def _stroke(points: list[tuple[float, float]]) -> str:
    path = "L".join(f"{_fixed(x)} {_fixed(y)}" for x, y in points)
    return f"M{path}" if len(points) > 1 else f"M{path}h0"


def _dates(start: date, days: int) -> Iterator[tuple[int, str]]:
    """Days to label, counted from the first one, at most about twelve."""
    last = start + timedelta(days=days - 1)
    if days <= 60:
        step = max(1, math.ceil(days / 8))
        for day in range(0, days, step):
            moment = start + timedelta(days=day)
            yield day, f"{moment.day} {moment:%b}"
        return
    months = (last.year - start.year) * 12 + last.month - start.month
    step = next((step for step in _MONTH_STEPS if months <= 12 * step), _MONTH_STEPS[-1])
    for month in range(0, (last.year - start.year + 1) * 12, step):
        first = date(start.year + month // 12, month % 12 + 1, 1)
        if start <= first <= last:
            yield (first - start).days, f"{first:%Y}" if step >= 12 else f"{first:%b %Y}"


def _description(closes: FloatArray, known: NDArray[np.bool_], start: date, scale: _Scale) -> str:
    days = np.flatnonzero(known)

    def at(day: int) -> str:
        return f"{usd(float(closes[day]))} USD on {start + timedelta(days=day)}"

    lowest, highest = (int(choose(closes)) for choose in (np.nanargmin, np.nanargmax))
    missing = int(days[-1] - days[0]) + 1 - len(days)
    return (
        f"{len(days)} daily closes, the last {at(int(days[-1]))}; lowest {at(lowest)}, highest {at(highest)}."
        + (f" Days between them without a price: {missing}." if missing else "")
        + (" Logarithmic scale." if scale.is_log else "")
    )


def _fixed(value: float) -> str:
    return f"{value:.1f}"
