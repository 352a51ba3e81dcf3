"""Quotes for assets of which only daily bars are known."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from markets.actions import market

_SET = """
WITH recent AS (
    SELECT b.*, row_number() OVER (PARTITION BY b.asset_id ORDER BY b.day DESC) AS age
    FROM markets_dailybar b JOIN markets_asset a ON a.id = b.asset_id
    WHERE a.id = ANY(%(assets)s) AND b.day > a.bars_to - 8 AND b.day <= a.bars_to
), last AS (
    SELECT l.*, LEAST((l.day + 1)::timestamp AT TIME ZONE 'UTC' - interval '1 second', %(at)s) AS as_of,
           yesterday.close AS yesterday, last_week.close AS last_week
    FROM recent l
    LEFT JOIN recent yesterday ON yesterday.asset_id = l.asset_id AND yesterday.day = l.day - 1
    LEFT JOIN recent last_week ON last_week.asset_id = l.asset_id AND last_week.day = l.day - 7
    WHERE l.age = 1
), extremes AS (
    SELECT DISTINCT b.asset_id,
           first_value(b.day) OVER (PARTITION BY b.asset_id ORDER BY coalesce(b.high, b.close) DESC, b.day) AS ath_on,
           max(coalesce(b.high, b.close)) OVER (PARTITION BY b.asset_id) AS ath,
           first_value(b.day) OVER (PARTITION BY b.asset_id ORDER BY coalesce(b.low, b.close), b.day) AS atl_on,
           min(coalesce(b.low, b.close)) OVER (PARTITION BY b.asset_id) AS atl
    FROM markets_dailybar b WHERE b.asset_id = ANY(%(assets)s)
)
INSERT INTO markets_quote AS q (asset_id, as_of, received_at, source_id, price, market_cap, volume_24h,
                                change_24h, change_7d, high_24h, low_24h, ath, ath_at, atl, atl_at)
SELECT l.asset_id, l.as_of, %(at)s, l.source_id, l.close, l.market_cap, l.volume,
       CASE WHEN abs(ln(l.close) - ln(l.yesterday)) < %(measure)s THEN (l.close / l.yesterday - 1) * 100 END,
       CASE WHEN abs(ln(l.close) - ln(l.last_week)) < %(measure)s THEN (l.close / l.last_week - 1) * 100 END,
       l.high, l.low,
       e.ath, e.ath_on::timestamp AT TIME ZONE 'UTC', e.atl, e.atl_on::timestamp AT TIME ZONE 'UTC'
FROM last l JOIN extremes e USING (asset_id)
ON CONFLICT (asset_id) DO UPDATE SET
    as_of = excluded.as_of, received_at = excluded.received_at, source_id = excluded.source_id,
    price = excluded.price, market_cap = excluded.market_cap, volume_24h = excluded.volume_24h,
    change_1h = NULL, change_24h = excluded.change_24h, change_7d = excluded.change_7d,
    high_24h = excluded.high_24h, low_24h = excluded.low_24h,
    ath = excluded.ath, ath_at = excluded.ath_at, atl = excluded.atl, atl_at = excluded.atl_at
WHERE q.as_of < excluded.as_of AND NOT EXISTS (
    SELECT FROM markets_priceoverride o
    WHERE o.asset_id = q.asset_id AND o.withdrawn_at IS NULL AND o.starts_at <= %(at)s AND o.ends_at > %(at)s
)
"""

# Among quotes that come from bars alone nobody has ranked the market yet.
_RANK = """
UPDATE markets_quote q SET rank = r.rank
FROM (SELECT asset_id, row_number() OVER (ORDER BY market_cap DESC, asset_id) AS rank
      FROM markets_quote WHERE market_cap IS NOT NULL) r
WHERE q.asset_id = r.asset_id AND q.asset_id = ANY(%(assets)s) AND q.rank IS DISTINCT FROM r.rank
"""

_MEASURE = 500.0
"""Beyond this logarithm a change is no number that a float holds for certain, and stays missing."""


@transaction.atomic
def set_from_last_bars(asset_ids: Sequence[int], *, at: datetime) -> int:
    """Quote each asset at its last bar's close, where no newer quote is known and no price is set by hand; how many
    were set.

    `as_of` is the last second of that day, or `at` while it lasts; changes are against the closes of one and seven days
    before, the extremes those of the stored bars. What bars do not tell (supplies, the hourly change) stays missing.
    """
    parameters: dict[str, Any] = {"assets": list(asset_ids), "at": at, "measure": _MEASURE}
    with connection.cursor() as cursor:
        cursor.execute(_SET, parameters)
        quoted: int = cursor.rowcount
        if quoted:
            cursor.execute(_RANK, parameters)
            market.touch(at=at)
    return quoted
