"""What the scorer makes of news, kept beside the version that made it."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from markets.actions import market
from markets.models import NewsItem, NewsScore
from markets.sentiment import scorer


def text_of(item: NewsItem) -> str:
    """What is judged: the title, and the summary as a sentence of its own."""
    return f"{item.title}. {item.summary}" if item.summary else item.title


def score(items: Iterable[NewsItem], *, at: datetime) -> int:
    """Judge items by the current version; those that it has judged stay as they are. How many were judged now."""
    version = scorer.model_version()
    scores = []
    for item in items:
        said = scorer.assess(text_of(item), year=item.published_at.year)
        scores.append(
            NewsScore(
                item=item,
                model_version=version,
                tone=said.tone,
                negativity=said.negativity,
                confidence=said.confidence,
                events=list(said.events),
                possible_events=list(said.possible_events),
                scored_at=at,
            )
        )
    NewsScore.objects.bulk_create(scores, ignore_conflicts=True, batch_size=1_000)
    return len(scores)


@transaction.atomic
def score_missing(*, limit: int, at: datetime) -> int:
    """Judge up to `limit` items, the newest first, that the current version has not judged; how many."""
    items = list(NewsItem.objects.unscored(scorer.model_version())[:limit])
    if items:
        market.touch(at=at)
    return score(items, at=at)
