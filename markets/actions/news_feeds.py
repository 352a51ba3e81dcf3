"""The list of feeds, as operators keep it."""

from datetime import datetime

from django.db import transaction

from accounts.actions import audit, reasons
from accounts.models import User
from config.kernel.errors import ValidationFailed
from config.kernel.outbound import ForbiddenDestination, require_public_url
from markets.actions import market
from markets.models import NewsFeed


@transaction.atomic
def add(*, slug: str, name: str, url: str, by: User, reason: str, at: datetime) -> NewsFeed:
    """Read one more feed. Raises `ValidationFailed` for an address that we do not fetch, and without a reason."""
    reason = reasons.given(reason)
    _require_fetchable(url)
    feed = NewsFeed.objects.create(slug=slug, name=name, url=url)
    market.touch(at=at)
    audit.record(
        "markets.news_feed.added", actor=by, subject=feed, at=at, reason=reason, after={"name": name, "url": url}
    )
    return feed


@transaction.atomic
def change(feed: NewsFeed, *, name: str, url: str, by: User, reason: str, at: datetime) -> None:
    """Name a feed anew or read it from another address. Raises as `add` does; its items stay."""
    reason = reasons.given(reason)
    _require_fetchable(url)
    current = NewsFeed.objects.select_for_update().get(pk=feed.pk)
    before = {"name": current.name, "url": current.url}
    after = {"name": name, "url": url}
    NewsFeed.objects.filter(pk=feed.pk).update(**after)
    market.touch(at=at)  # its items are shown under the new name
    audit.record(
        "markets.news_feed.changed",
        actor=by,
        subject=feed,
        at=at,
        reason=reason,
        before={field: value for field, value in before.items() if after[field] != value},
        after={field: value for field, value in after.items() if before[field] != value},
    )


def _require_fetchable(url: str) -> None:
    try:
        require_public_url(url)
    except ForbiddenDestination as refusal:
        raise ValidationFailed(fields={"url": [str(refusal)]}) from None
