"""Scores over time with their intervals as a picture."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from risk.models import RiskScore

WIDTH, HEIGHT = 960, 280
_LEFT, _RIGHT, _TOP, _BOTTOM = 50, 20, 14, 30
_TICKS = (0, 25, 50, 75, 100)
_LABELS = 8
_LONE = 3.0
"""Half the breadth of the intervals of a day without neighbours."""

_SVG = (
    '<svg class="price-chart fan" viewBox="0 0 {width} {height}" role="img" aria-labelledby="fan-title fan-description"'
    ' xmlns="http://www.w3.org/2000/svg" fill="none" stroke="currentColor" font-size="12">'
    '<title id="fan-title">{title}</title><desc id="fan-description">{description}</desc>'
    '<g class="grid" stroke-opacity="0.25">{grid}</g><g class="labels" stroke="none" fill="currentColor">{labels}</g>'
    '<path class="interval" d="{wide}" stroke="none" fill-opacity="0.15"/>'
    '<path class="interval" d="{narrow}" stroke="none" fill-opacity="0.2"/>'
    '<path class="line" d="{line}" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round"/></svg>'
)


def fan_chart(scores: Sequence[RiskScore], *, title: str) -> SafeString | None:
    """Scores of different days, oldest first; the line and the intervals break where a day has none.

    None when there is nothing to show.
    """
    known = [score for score in scores if score.score is not None]
    if not known:
        return None
    first, last = scores[0].as_of, scores[-1].as_of
    scale = _Scale(first, max(1, (last - first).days))
    days = list(_days(first, last))
    grid = [(_LEFT, scale.y(tick), WIDTH - _RIGHT, scale.y(tick)) for tick in _TICKS]
    labels = [("end", _LEFT - 8.0, scale.y(tick) + 4, str(tick)) for tick in _TICKS]
    labels += [("middle", scale.x(day), HEIGHT - _BOTTOM + 18.0, f"{day.day} {day:%b %Y}") for day in days]
    return format_html(
        _SVG,
        width=WIDTH,
        height=HEIGHT,
        title=title,
        description=f"{len(known)} scores from {known[0].as_of} to {known[-1].as_of}, the last {known[-1].score:.1f};"
        f" shaded are the conformal intervals of 80 and 90 %, where the risk is to lie. {_of_estimate(known[-1])}",
        grid=format_html_join("", '<path d="M{} {}L{} {}"/>', (map(_fixed, line) for line in grid)),
        labels=format_html_join(
            "",
            '<text text-anchor="{}" x="{}" y="{}">{}</text>',
            ((anchor, _fixed(x), _fixed(y), text) for anchor, x, y, text in labels),
        ),
        wide="".join(scale.band(run, 90) for run in _runs(scores, "score_low_90")),
        narrow="".join(scale.band(run, 80) for run in _runs(scores, "score_low_80")),
        line="".join(scale.line(run) for run in _runs(scores, "score")),
    )


def _of_estimate(score: RiskScore) -> str:
    if not score.is_estimated:
        return "How well the last score is measured is not known."
    return (
        f"The last score itself is measured to between {score.estimate_low_90:.1f} and {score.estimate_high_90:.1f} at"
        " a nominal 90 %."
    )


class _Scale:
    """Where a day and a score lie in the picture."""

    def __init__(self, first: date, days: int) -> None:
        self._first = first
        self._day_width = (WIDTH - _LEFT - _RIGHT) / days

    def x(self, day: date) -> float:
        return _LEFT + (day - self._first).days * self._day_width

    def y(self, points: float) -> float:
        return HEIGHT - _BOTTOM - points / 100 * (HEIGHT - _TOP - _BOTTOM)

    def line(self, run: Sequence[RiskScore]) -> str:
        path = self._path((self.x(score.as_of), score.score or 0.0) for score in run)
        return f"M{path}" if len(run) > 1 else f"M{path}h0"

    def band(self, run: Sequence[RiskScore], coverage: int) -> str:
        low, high = f"score_low_{coverage}", f"score_high_{coverage}"
        ends = [(self.x(score.as_of), getattr(score, low), getattr(score, high)) for score in run]
        if len(ends) == 1:
            # An area without breadth would not be seen.
            ends = [(x + shift, *of_day) for x, *of_day in ends for shift in (-_LONE, _LONE)]
        there = self._path((x, top) for x, _, top in ends)
        back = self._path((x, bottom) for x, bottom, _ in reversed(ends))
        return f"M{there}L{back}Z"

    def _path(self, points: Iterable[tuple[float, float]]) -> str:
        return "L".join(f"{_fixed(x)} {_fixed(self.y(value))}" for x, value in points)


def _runs(scores: Sequence[RiskScore], name: str) -> Iterator[list[RiskScore]]:
    """Consecutive days on which there is such a number."""
    run: list[RiskScore] = []
    for score in scores:
        is_known = getattr(score, name) is not None
        if run and (not is_known or score.as_of - run[-1].as_of > timedelta(days=1)):
            yield run
            run = []
        if is_known:
            run.append(score)
    if run:
        yield run


def _days(first: date, last: date) -> Iterator[date]:
    """Days to label, at most about eight."""
    span = (last - first).days
    step = max(1, -(-span // _LABELS))
    for offset in range(0, span + 1, step):
        yield first + timedelta(days=offset)


def _fixed(value: float) -> str:
    return f"{value:.1f}"
