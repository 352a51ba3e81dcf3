"""How long a score counts as fresh: twice the interval at which the schedule renews it."""

from datetime import UTC, date, datetime, time, timedelta

INTERVAL_DAYS = 1
FRESH_DAYS = 1 + 2 * INTERVAL_DAYS
"""After the day's end the score is the newest there can be for a day, and another day is granted to make the next."""


def fresh_until(as_of: date) -> datetime:
    """The instant at which a score of this day turns stale."""
    return datetime.combine(as_of + timedelta(days=FRESH_DAYS), time(), tzinfo=UTC)
