"""Calendar days of a place as periods of UTC: 23, 24 or 25 hours long, and some never happened."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

CENTRAL = ZoneInfo("America/Chicago")
"""Where the day of profit and loss begins and ends."""

_DAY = timedelta(days=1)


def bounds(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The first instant of `day` in `zone` and the first after it, both in UTC.

    The two are equal for a day that the place skipped, as Samoa did when it crossed the date line.
    """
    return _midnight(day, zone), _midnight(day + _DAY, zone)


def complete_days(zone: ZoneInfo, since: datetime, until: datetime) -> Iterator[date]:
    """The days of `zone` that lie between two instants, oldest first: begun at `since` or later, over at `until`.

    A day is complete in the instant in which the next one begins.
    """
    day = since.astimezone(zone).date()
    while True:
        start, end = bounds(day, zone)
        if end > until:
            return
        if since <= start < end:
            yield day
        day += _DAY


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    # The earlier of two midnights; where clocks skip midnight itself, this is the instant of the jump.
    return datetime.combine(day, time(), zone).astimezone(UTC)
