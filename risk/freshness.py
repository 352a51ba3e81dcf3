"""How long a score counts as fresh: twice the interval at which the schedule renews it, from the data it was made of.

A run of today says nothing new of an asset whose prices ended last week, so that its day alone is no freshness. The
rule is told twice, for rows in memory and for those that are joined in the database.
"""

from datetime import UTC, date, datetime, time, timedelta

INTERVAL_DAYS = 1
FRESH_DAYS = 1 + 2 * INTERVAL_DAYS
"""After the day's end the score is the newest there can be for a day, and another day is granted to make the next."""

NEVER = datetime.min.replace(tzinfo=UTC)

FRESH_UNTIL = (
    "CASE WHEN score.data_to IS NOT NULL"
    f" THEN (least(score.as_of, score.data_to) + {FRESH_DAYS})::timestamp AT TIME ZONE 'UTC' END"
)
"""The same as `fresh_until` in SQL, of a table `score`; NULL instead of `NEVER`."""


def fresh_until(as_of: date, data_to: date | None) -> datetime:
    """The instant at which a score of this day, made of prices through `data_to`, turns stale; `NEVER` without any."""
    if data_to is None:
        return NEVER
    return datetime.combine(min(as_of, data_to) + timedelta(days=FRESH_DAYS), time(), tzinfo=UTC)
