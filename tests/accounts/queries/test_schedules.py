from datetime import UTC, datetime, timedelta

import pytest
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from accounts.queries.schedules import next_run_at, with_times

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

NOON = datetime(2026, 3, 12, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def schedule(*, crontab: dict[str, str] | None = None, **fields: object) -> PeriodicTask:
    if crontab is not None:
        fields["crontab"] = CrontabSchedule.objects.create(**{"timezone": "UTC", **crontab})
    else:
        fields["interval"] = IntervalSchedule.objects.create(every=5, period=IntervalSchedule.MINUTES)
    row = PeriodicTask(name="one", task="update_market_data", **fields)
    row.save()
    return with_times().get()


def test_an_interval_counts_from_the_last_run():
    assert next_run_at(schedule(last_run_at=NOON - MINUTE), NOON) == NOON + 4 * MINUTE


def test_what_is_overdue_runs_now():
    assert next_run_at(schedule(last_run_at=NOON - 180 * MINUTE), NOON) == NOON


@pytest.mark.parametrize(
    ("crontab", "expected"),
    [
        ({"minute": "5", "hour": "0"}, datetime(2026, 3, 13, 0, 5, tzinfo=UTC)),
        ({"minute": "20", "hour": "*"}, datetime(2026, 3, 12, 12, 20, tzinfo=UTC)),
        # Chicago is five hours behind in March after its clocks changed.
        ({"minute": "0", "hour": "2,8,14,20", "timezone": "America/Chicago"}, datetime(2026, 3, 12, 13, tzinfo=UTC)),
        ({"minute": "0", "hour": "0", "day_of_month": "29", "month_of_year": "2"}, datetime(2028, 2, 29, tzinfo=UTC)),
    ],
)
def test_a_crontab_names_its_next_moment(crontab, expected):
    assert next_run_at(schedule(crontab=crontab, last_run_at=NOON - MINUTE), NOON) == expected


@pytest.mark.parametrize(
    ("hours", "last", "expected"),
    [
        # On 8 March the clocks of Chicago go from 1:59 to 3:00, on 1 November from 1:59 back to 1:00.
        ("2,8,14,20", datetime(2026, 3, 8, 2, tzinfo=UTC), datetime(2026, 3, 8, 8, tzinfo=UTC)),
        ("2,8,14,20", datetime(2026, 3, 8, 8, tzinfo=UTC), datetime(2026, 3, 8, 13, tzinfo=UTC)),
        ("1", datetime(2026, 10, 31, 6, tzinfo=UTC), datetime(2026, 11, 1, 6, tzinfo=UTC)),
        ("1", datetime(2026, 11, 1, 6, tzinfo=UTC), datetime(2026, 11, 2, 7, tzinfo=UTC)),
    ],
)
def test_where_clocks_change_a_skipped_time_comes_right_after_and_a_repeated_one_once(hours, last, expected):
    row = schedule(crontab={"minute": "0", "hour": hours, "timezone": "America/Chicago"}, last_run_at=last)

    assert next_run_at(row, last + MINUTE) == expected


def test_a_new_schedule_counts_from_when_it_was_made():
    row = schedule()

    assert next_run_at(row, row.date_changed + MINUTE) == row.date_changed + 5 * MINUTE


def test_nothing_runs_before_its_start():
    start = NOON + 60 * MINUTE

    assert next_run_at(schedule(last_run_at=NOON - 9 * MINUTE, start_time=start), NOON) == start


@pytest.mark.parametrize("fields", [{"enabled": False}, {"expires": NOON}])
def test_what_is_off_or_over_does_not_run(fields):
    assert next_run_at(schedule(last_run_at=NOON - MINUTE, **fields), NOON) is None


def test_nothing_runs_without_a_scheduler(settings):
    settings.SCHEDULER_ENABLED = False

    assert next_run_at(schedule(last_run_at=NOON - MINUTE), NOON) is None
