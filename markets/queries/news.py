"""News as they are listed: the newest first, each with what the current scorer makes of it and whom it is about."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, FilteredRelation, Prefetch, Q

from markets.models import NewsItem, NewsMention
from markets.models.news_item import NewsItemQuerySet
from markets.sentiment import scorer


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the list: behind the item of that moment and id, or before it."""

    published_at: datetime
    item_id: int
    backwards: bool


@dataclass(frozen=True, slots=True)
class Listing:
    """What is wanted; None wants everything. `until` is exclusive. A tone can only be compared once there is one."""

    limit: int
    position: Position | None = None
    asset_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    event: str | None = None
    feed: str | None = None
    min_tone: float | None = None
    max_tone: float | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Items in order, each with the attributes `tone`, `negativity`, `confidence`, `events`, `possible_events` and
    `model_version`, all None where the current version has not judged it yet."""

    items: Sequence[NewsItem]
    next: Position | None
    previous: Position | None


def scored() -> NewsItemQuerySet:
    """Items with the score that the current version of the scorer gave them."""
    return NewsItem.objects.annotate(
        score=FilteredRelation("scores", condition=Q(scores__model_version=scorer.model_version())),
        tone=F("score__tone"),
        negativity=F("score__negativity"),
        confidence=F("score__confidence"),
        events=F("score__events"),
        possible_events=F("score__possible_events"),
        model_version=F("score__model_version"),
    )


def page(listing: Listing) -> Page:
    """One page of the list."""
    items = (
        scored()
        .select_related("feed")
        .prefetch_related(Prefetch("mentions", NewsMention.objects.select_related("asset").order_by("id")))
    )
    for condition, value in (
        ("mentions__asset_id", listing.asset_id),
        ("published_at__gte", listing.since),
        ("published_at__lt", listing.until),
        ("feed__slug", listing.feed),
        ("tone__gte", listing.min_tone),
        ("tone__lte", listing.max_tone),
        ("events__contains", None if listing.event is None else [listing.event]),
    ):
        if value is not None:
            items = items.filter(**{condition: value})
    backwards = listing.position is not None and listing.position.backwards
    if listing.position is not None:
        items = items.filter(_beyond(listing.position))
    order = ("published_at", "id") if backwards else ("-published_at", "-id")
    found = list(items.order_by(*order)[: listing.limit + 1])
    has_more = len(found) > listing.limit
    found = found[: listing.limit]
    if backwards:
        found.reverse()
    is_first = listing.position is None or (backwards and not has_more)
    is_last = not has_more and not backwards
    return Page(
        found,
        next=None if is_last or not found else Position(found[-1].published_at, found[-1].pk, backwards=False),
        previous=None if is_first or not found else Position(found[0].published_at, found[0].pk, backwards=True),
    )


def _beyond(position: Position) -> Q:
    if position.backwards:
        return Q(published_at__gt=position.published_at) | Q(
            published_at=position.published_at, id__gt=position.item_id
        )
    return Q(published_at__lt=position.published_at) | Q(published_at=position.published_at, id__lt=position.item_id)
