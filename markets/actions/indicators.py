"""Storing what providers say about the market as a whole."""

from collections.abc import Sequence
from datetime import datetime

from django.db import connection, transaction

from markets import sources
from markets.actions import market
from markets.actions.stored_rows import StoredRows
from markets.providers.indicators import Observation


@transaction.atomic
def store(observations: Sequence[Observation], *, provider: str, is_simulated: bool, at: datetime) -> StoredRows:
    """Store observations, each indicator and instant once; a provider's later word replaces its earlier one.

    Raises `MarketIsOfAnotherKind` where simulated numbers would meet real ones.
    """
    market.require_kind(is_simulated=is_simulated)
    if not observations:
        return StoredRows()
    source_id = sources.id_of(provider, is_simulated=is_simulated)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO markets_indicatorvalue AS i (indicator, at, value, source_id, received_at)"
            " SELECT indicator, at, value, %s, %s FROM unnest(%s::text[], %s::timestamptz[], %s::float8[])"
            " AS said (indicator, at, value)"
            " ON CONFLICT (indicator, at, source_id) DO UPDATE"
            " SET value = excluded.value, received_at = excluded.received_at WHERE i.value <> excluded.value"
            " RETURNING xmax = 0",
            [
                source_id,
                at,
                [row.indicator for row in observations],
                [row.at for row in observations],
                [row.value for row in observations],
            ],
        )
        is_new = [bool(record[0]) for record in cursor.fetchall()]
    if is_new:
        market.touch(at=at)
    inserted = sum(is_new)
    return StoredRows(inserted, len(is_new) - inserted, len(observations) - len(is_new))
