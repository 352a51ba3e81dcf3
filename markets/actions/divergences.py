"""Disagreements between two providers about a price."""

from datetime import datetime

import numpy as np
from django.db import connection, transaction

from markets import sources
from markets.actions import assets, quotes
from markets.models import Divergence, SyncRun
from markets.providers.listings import Listings

THRESHOLD_PERCENT = 5.0


@transaction.atomic
def record(run: SyncRun, listings: Listings, others: Listings, *, other: str, at: datetime) -> int:
    """Keep every asset on whose price the two answers differ by more than the threshold; how many that were.

    Assets are compared by identity, and only those that are listed here; the deviation is in per cent of the smaller
    price.
    """
    with connection.cursor() as cursor:
        # Coins that the other provider names for the first time are matched to assets, as a sync of it would.
        quotes.lock(cursor)
    ours = _prices(listings, sources.id_of(run.provider))
    theirs = _prices(others, sources.id_of(other))
    rows = []
    for asset_id in ours.keys() & theirs.keys():
        price, other_price = ours[asset_id], theirs[asset_id]
        deviation = abs(price - other_price) / min(price, other_price) * 100
        if deviation > THRESHOLD_PERCENT:
            rows.append(
                Divergence(
                    asset_id=asset_id,
                    run=run,
                    observed_at=at,
                    provider=run.provider,
                    price=price,
                    other_provider=other,
                    other_price=other_price,
                    deviation=deviation,
                )
            )
    Divergence.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def _prices(listings: Listings, source_id: int) -> dict[int, float]:
    """Price by asset, where there is one."""
    assets_by_id = assets.recognise(listings, source_id=source_id)
    return {
        assets_by_id[external_id]: float(price)
        for external_id, price in zip(listings.external_id, listings.price, strict=True)
        if external_id in assets_by_id and np.isfinite(price)
    }
