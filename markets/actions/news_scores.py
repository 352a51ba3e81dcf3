"""What the scorer makes of news, kept beside the version that made it."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from markets.actions import market
from markets.models import NewsItem, NewsScore, NewsWording
from markets.sentiment import scorer


def text_of(item: NewsItem | NewsWording) -> str:
    """What is judged: the title, and the summary as a sentence of its own."""
    return f"{item.title}. {item.summary}" if item.summary else item.title


def score(items: Iterable[NewsItem], *, at: datetime) -> int:
    """Judge items by the current version; those that it has judged stay as they are. How many were judged now."""
    version = scorer.model_version()
    scores = [_judged(item, text_of(item), version, at) for item in items]
    NewsScore.objects.bulk_create(scores, ignore_conflicts=True, batch_size=1_000)
    return len(scores)


def kept(score: NewsScore) -> dict[str, object]:
    """What a wording keeps of a score."""
    return {"tone": score.tone, "events": score.events, "scored_at": score.scored_at.isoformat()}


@transaction.atomic
def score_missing(*, limit: int, at: datetime) -> int:
    """Judge up to `limit` items, the newest first, that the current version has not judged, then earlier wordings.

    How many were judged now.
    """
    version = scorer.model_version()
    items = list(NewsItem.objects.unscored(version)[:limit])
    wordings = NewsWording.objects.exclude(scores__has_key=version).select_related("item")
    replaced = list(wordings[: limit - len(items)])
    for wording in replaced:
        wording.scores[version] = kept(_judged(wording.item, text_of(wording), version, at))
        wording.save(update_fields=["scores"])
    if items or replaced:
        market.touch(at=at)
    return score(items, at=at) + len(replaced)


def _judged(item: NewsItem, text: str, version: str, at: datetime) -> NewsScore:
    said = scorer.assess(text, year=item.published_at.year)
    return NewsScore(
        item=item,
        model_version=version,
        tone=said.tone,
        negativity=said.negativity,
        confidence=said.confidence,
        events=list(said.events),
        possible_events=list(said.possible_events),
        scored_at=at,
    )
