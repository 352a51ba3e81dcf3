"""How long a quote counts as fresh: twice the interval at which the schedule renews it.

A provider that falls silent is thus noticed within one interval of its first missed sync.
"""

from datetime import datetime, timedelta

TOP_RANK = 50
TOP_INTERVAL = timedelta(minutes=5)
BROAD_INTERVAL = timedelta(hours=1)

TOP_FRESH_FOR = 2 * TOP_INTERVAL
BROAD_FRESH_FOR = 2 * BROAD_INTERVAL
BARS_FRESH_FOR = timedelta(days=2)
"""After a day's end its bar is the newest there can be for one day, and another day is granted to fetch the next."""

INDICATORS_FRESH_FOR = 2 * BROAD_INTERVAL
DAILY_INDICATORS_FRESH_FOR = timedelta(days=2)
"""A daily number is dated by its day's first instant and holds until the next one, for which a day is granted."""


def fresh_until(as_of: datetime, rank: int | None) -> datetime:
    """The instant at which a quote of `as_of` turns stale."""
    return as_of + (TOP_FRESH_FOR if rank is not None and rank <= TOP_RANK else BROAD_FRESH_FOR)
