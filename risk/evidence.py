"""What a score was calculated from, as far as it can be looked up: whose prices, and which news."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from markets.queries import history, news_mood
from markets.queries.history import Span
from risk.models import RiskScore, ScoreRun
from risk.queries.scores import midnight

WINDOW_DAYS = 1_000
"""Days back from which models learn; as `risk.quant.features.WINDOW`, which no web process loads."""


@dataclass(frozen=True, slots=True)
class News:
    """Ids of the items of the seven days before the run, and why they say nothing, where they do not."""

    items: Sequence[int]
    absent: str | None


def providers(score: RiskScore) -> list[str]:
    """Who said the prices within the window."""
    if score.data_to is None:
        return []
    end = midnight(score.data_to) + timedelta(days=1)
    return list(history.read(score.asset_id, Span("1d", WINDOW_DAYS, None, end), bars_to=score.data_to).sources)


def news(score: RiskScore, run: ScoreRun) -> News:
    """The news of the asset by what the run could know."""
    version = run.sentiment_version or None
    found = news_mood.moods([score.asset_id], at=run.news_at, model_version=version, judged_by=score.calculated_at)
    mood = found[score.asset_id]
    return News(mood.evidence, mood.mood.absent)
