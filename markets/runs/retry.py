"""Storing a refused row after all, because somebody vouches for it."""

from dataclasses import replace
from datetime import datetime

import numpy as np
from django.db import connection, transaction

from accounts.models import User
from config.kernel.errors import Conflict
from markets import feeds
from markets.actions import quarantine, quotes
from markets.actions.quotes import StoredQuotes
from markets.errors import NotReadable
from markets.models import PriceOverride, QuarantinedRecord
from markets.providers import normalise
from markets.providers.listings import MISSING_INSTANT, Listings
from markets.providers.provider import Provider
from markets.providers.rejects import RAW_LIMIT


class PriceSetByHand(Conflict):
    code = "price_set_by_hand"
    message = "The price of this asset is set by hand; withdraw that first."


@transaction.atomic
def perform(record: QuarantinedRecord, *, by: User, reason: str, at: datetime) -> StoredQuotes:
    """Accept an open record and store its row, whatever price was known before.

    A row older than the latest quote counts as unchanged: it goes into the history only. Raises `NotReadable` for a row
    that is still not believable on its own, `PriceSetByHand`, `AlreadyDecided`, `MarketIsSimulated`, and
    `ValidationFailed` without a reason; the record then stays as it was.
    """
    provider = feeds.reader(record.provider)
    with connection.cursor() as cursor:
        # In the order in which a sync takes them: the quotes, then the record.
        quotes.lock(cursor)
    quarantine.accept(record, by=by, reason=reason, at=at)
    kept = QuarantinedRecord.objects.get(pk=record.pk)
    listings = _read(kept, provider, at)
    by_hand = PriceOverride.objects.in_force(at).filter(
        asset__external_ids__source__name=provider.name,
        asset__external_ids__external_id__in=listings.external_id,
    )
    if by_hand.exists():
        raise PriceSetByHand
    return quotes.store(listings, provider=provider.name, is_simulated=provider.is_simulated, at=at, trusted=True)


def _read(record: QuarantinedRecord, provider: Provider, at: datetime) -> Listings:
    """The rows of a record: in our own words, where it was refused late, else in the provider's."""
    body = record.raw.encode()
    row = Listings.from_text(body)
    listings = provider.parse_listings(body, at) if row is None else normalise.listings(row, at=at, raw=lambda: [body])
    if listings.rejects:
        reject = listings.rejects[0]
        cut = " It was cut when it was kept." if len(record.raw) >= RAW_LIMIT else ""
        raise NotReadable(f"Still refused: {reject.reason.replace('_', ' ')} ({reject.detail}).{cut}")
    if not len(listings):
        raise NotReadable
    # A row without a time of its own was true when it was seen.
    seen_at = normalise.microseconds(record.last_seen_at)
    return replace(listings, as_of=np.where(listings.as_of == MISSING_INSTANT, seen_at, listings.as_of))
