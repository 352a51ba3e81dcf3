"""Daily bars of complete days from our own snapshots, until a provider's bars replace them."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
from django.db import connection

from markets.actions import bars
from markets.actions.bars import StoredBars
from markets.blocks import BarTable
from markets.models import DailyBar

LOOK_BACK_DAYS = 7
"""Days that are looked at again, so that a scheduler that was away for a week loses none."""

LAST_SEEN_WITHIN = timedelta(hours=2)
"""How near the day's end an asset must have been seen for its last price to count as a close."""

_BARS = """
SELECT asset_id, (at AT TIME ZONE 'UTC')::date - DATE '1970-01-01',
       (array_agg(price ORDER BY at))[1], max(price), min(price), (array_agg(price ORDER BY at DESC))[1],
       (array_agg(volume ORDER BY at DESC))[1], (array_agg(market_cap ORDER BY at DESC))[1],
       (array_agg(source_id ORDER BY at DESC))[1]
FROM markets_snapshot WHERE at >= %s AND at < %s AND price IS NOT NULL
GROUP BY 1, 2, (at AT TIME ZONE 'UTC')::date
HAVING max(at) >= ((at AT TIME ZONE 'UTC')::date + 1)::timestamp AT TIME ZONE 'UTC' - %s
ORDER BY 1, 2
"""


def perform(*, at: datetime) -> StoredBars:
    """Close the complete days of the last week; a bar that exists stays as it is."""
    today = at.astimezone(UTC).date()
    return bars.store(_bars(today - timedelta(days=LOOK_BACK_DAYS), today), at=at, replace_existing=False)


def _bars(start: date, end: date) -> BarTable:
    parameters: list[Any] = [datetime(day.year, day.month, day.day, tzinfo=UTC) for day in (start, end)]
    parameters.append(LAST_SEEN_WITHIN)
    with connection.cursor() as cursor:
        cursor.execute(_BARS, parameters)
        rows = cursor.fetchall()
    return BarTable(
        asset_id=np.array([row[0] for row in rows], dtype=np.int32),
        day=np.array([row[1] for row in rows], dtype=np.int32),
        values=np.array([row[2:8] for row in rows], dtype=np.float64).reshape(len(rows), 6),
        source_id=np.array([row[8] for row in rows], dtype=np.int16),
        quality=np.full(len(rows), DailyBar.Quality.PROVISIONAL, dtype=np.uint8),
    )
