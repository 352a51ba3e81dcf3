"""What a score is made of as a picture: each cause a bar from where the ones before have led to where it leads."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

WIDTH, ROW, _LEFT, _RIGHT, _TOP, _BOTTOM = 960, 26, 190, 70, 8, 24
_TICKS = (0, 25, 50, 75, 100)

_SVG = (
    '<svg class="price-chart waterfall" viewBox="0 0 {width} {height}" role="img"'
    ' aria-labelledby="waterfall-title waterfall-description" xmlns="http://www.w3.org/2000/svg" fill="none"'
    ' stroke="currentColor" font-size="12"><title id="waterfall-title">{title}</title>'
    '<desc id="waterfall-description">{description}</desc><g class="grid" stroke-opacity="0.25">{grid}</g>'
    '<g class="bars" stroke="none">{bars}</g><g class="labels" stroke="none" fill="currentColor">{labels}</g></svg>'
)


def waterfall_chart(
    contributions: Sequence[Mapping[str, Any]], score: float | None, *, title: str
) -> SafeString | None:
    """The parts of a score and, as the last bar, the score; None where there is none."""
    if score is None or not contributions:
        return None
    bars: list[tuple[str, str, float, float, str]] = []
    total = 0.0
    for entry in contributions:
        before, total = total, total + entry["points"]
        kind = "start" if entry["component"] == "base" else "raises" if entry["points"] >= 0 else "lowers"
        bars.append((kind, entry["component"].replace("_", " "), before, total, f"{entry['points']:+.2f}"))
    bars.append(("score", "score", 0.0, score, f"{score:.2f}"))
    height = _TOP + ROW * len(bars) + _BOTTOM
    # A way may lead outside for a while: rules come last.
    low, high = min(0.0, *(bar[3] for bar in bars)), max(100.0, *(bar[3] for bar in bars))

    def x(points: float) -> float:
        return _LEFT + (points - low) / (high - low) * (WIDTH - _LEFT - _RIGHT)

    rows = [
        (kind, label, x(min(start, end)), abs(x(end) - x(start)), float(_TOP + ROW * place), said)
        for place, (kind, label, start, end, said) in enumerate(bars)
    ]
    labels = [("end", _LEFT - 8.0, y + 17, label) for _, label, _, _, y, _ in rows]
    labels += [("start", left + width + 6, y + 17, said) for _, _, left, width, y, said in rows]
    labels += [("middle", x(tick), height - 8.0, str(tick)) for tick in _TICKS]
    return format_html(
        _SVG,
        width=WIDTH,
        height=height,
        title=title,
        description=", ".join(f"{label} {said}" for _, label, _, _, _, said in rows),
        grid=format_html_join(
            "", '<path d="M{0} {1}L{0} {2}"/>', ((_fixed(x(tick)), _TOP, height - _BOTTOM) for tick in _TICKS)
        ),
        bars=format_html_join(
            "",
            '<rect class="{}" x="{}" y="{}" width="{}" height="{}"/>',
            ((kind, _fixed(left), y + 4, _fixed(max(width, 1.0)), ROW - 8) for kind, _, left, width, y, _ in rows),
        ),
        labels=format_html_join(
            "",
            '<text text-anchor="{}" x="{}" y="{}">{}</text>',
            ((anchor, _fixed(left), _fixed(y), text) for anchor, left, y, text in labels),
        ),
    )


def _fixed(value: float) -> str:
    return f"{value:.1f}"
