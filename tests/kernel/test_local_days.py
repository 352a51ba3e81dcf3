"""Days of a place against zoneinfo's own clock, and against PostgreSQL's tables of time zones."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from config.kernel.local_days import CENTRAL, bounds, complete_days

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
FIRST, LAST = date(1990, 1, 1), date(2040, 12, 31)
ALL_DAYS = [FIRST + n * DAY for n in range((LAST - FIRST).days + 1)]

zones = st.sampled_from(
    [ZoneInfo(name) for name in ("America/Chicago", "America/Sao_Paulo", "America/Havana", "Asia/Beirut")]
    + [ZoneInfo(name) for name in ("Pacific/Apia", "Australia/Lord_Howe", "Asia/Kolkata", "UTC")]
)
instants = st.datetimes(datetime(1990, 1, 1), datetime(2040, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("day", "start", "hours"),
    [
        (date(2026, 3, 7), datetime(2026, 3, 7, 6, tzinfo=UTC), 24),
        (date(2026, 3, 8), datetime(2026, 3, 8, 6, tzinfo=UTC), 23),
        (date(2026, 3, 9), datetime(2026, 3, 9, 5, tzinfo=UTC), 24),
        (date(2026, 11, 1), datetime(2026, 11, 1, 5, tzinfo=UTC), 25),
        (date(2026, 11, 2), datetime(2026, 11, 2, 6, tzinfo=UTC), 24),
    ],
)
def test_days_on_which_clocks_change_are_shorter_and_longer(day, start, hours):
    assert bounds(day, CENTRAL) == (start, start + hours * HOUR)


def test_the_hour_that_comes_twice_belongs_to_one_day():
    start, end = bounds(date(2026, 11, 1), CENTRAL)

    half_past_one = [datetime(2026, 11, 1, 1, 30, tzinfo=CENTRAL, fold=fold).astimezone(UTC) for fold in (0, 1)]

    assert half_past_one[1] - half_past_one[0] == HOUR
    assert all(start <= instant < end for instant in half_past_one)


def test_a_day_is_complete_in_the_instant_in_which_the_next_begins():
    since, over = datetime(2026, 3, 7, 6, tzinfo=UTC), datetime(2026, 3, 9, 5, tzinfo=UTC)

    assert list(complete_days(CENTRAL, since, over)) == [date(2026, 3, 7), date(2026, 3, 8)]
    assert list(complete_days(CENTRAL, since, over - timedelta(microseconds=1))) == [date(2026, 3, 7)]
    assert list(complete_days(CENTRAL, since + timedelta(microseconds=1), over)) == [date(2026, 3, 8)]


def test_a_period_within_a_day_holds_none():
    assert list(complete_days(CENTRAL, datetime(2026, 3, 8, 7, tzinfo=UTC), datetime(2026, 3, 9, 4, tzinfo=UTC))) == []


def test_a_day_that_never_happened_is_not_among_them():
    apia = ZoneInfo("Pacific/Apia")
    start, end = bounds(date(2011, 12, 30), apia)

    days = complete_days(apia, start - 2 * DAY, end + 2 * DAY)

    assert start == end
    assert list(days) == [date(2011, 12, day) for day in (28, 29, 31)] + [date(2012, 1, 1)]


@given(zone=zones, instant=instants)
def test_every_instant_is_in_the_day_that_its_clock_shows(zone, instant):
    start, end = bounds(instant.astimezone(zone).date(), zone)

    assert start <= instant < end


@given(zone=zones, since=instants, span=st.timedeltas(timedelta(0), timedelta(days=800)))
def test_days_follow_each_other_without_gap_and_leave_less_than_two_days_over(zone, since, span):
    until = since + span
    periods = [bounds(day, zone) for day in complete_days(zone, since, until)]

    assert all(before[1] == after[0] for before, after in pairwise(periods))
    assert all(since <= start < end <= until for start, end in periods)
    covered = periods[-1][1] - periods[0][0] if periods else timedelta(0)
    assert span - covered < 2 * timedelta(hours=25)


@pytest.mark.integration
@pytest.mark.django_db
def test_postgresql_cuts_the_same_days_for_fifty_years():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT date_trunc('day', first, 'America/Chicago'), date_trunc('day', last, 'America/Chicago')"
            " FROM unnest(%s::timestamptz[], %s::timestamptz[]) WITH ORDINALITY AS day(first, last, n) ORDER BY n",
            [
                [bounds(day, CENTRAL)[0] for day in ALL_DAYS],
                [bounds(day, CENTRAL)[1] - timedelta(microseconds=1) for day in ALL_DAYS],
            ],
        )
        truncated = cursor.fetchall()

    starts = [bounds(day, CENTRAL)[0] for day in ALL_DAYS]
    assert len(truncated) == 18_628
    assert truncated == [(start, start) for start in starts]


@pytest.mark.integration
@pytest.mark.django_db
def test_postgresql_knows_the_same_offset_at_every_hour_of_fifty_years():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT instant, (instant AT TIME ZONE 'America/Chicago') - (instant AT TIME ZONE 'UTC')"
            " FROM generate_series('1990-01-01Z'::timestamptz, '2041-01-01Z', '1 hour') AS instant"
        )
        rows = cursor.fetchall()

    assert len(rows) == 447_073
    assert [instant for instant, offset in rows if instant.astimezone(CENTRAL).utcoffset() != offset] == []
