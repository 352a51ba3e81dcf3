from datetime import timedelta

import pytest
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from accounts.actions import schedules
from accounts.models import AuditEntry
from tests.accounts.factories import NOON, UserFactory

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


@pytest.fixture
def row():
    interval = IntervalSchedule.objects.create(every=5, period=IntervalSchedule.MINUTES)
    return PeriodicTask.objects.create(name="sync", task="update_market_data", interval=interval, last_run_at=NOON)


def test_a_change_leaves_alone_what_the_scheduler_counted_meanwhile(row):
    later = NOON + timedelta(minutes=5)
    PeriodicTask.objects.update(last_run_at=later, total_run_count=8)

    row.description = "Quotes."
    schedules.change(row, by=UserFactory.create(), at=NOON)

    stored = PeriodicTask.objects.get()
    assert (stored.description, stored.last_run_at, stored.total_run_count) == ("Quotes.", later, 8)


def test_a_switch_leaves_alone_what_was_counted_and_what_was_edited_meanwhile(row):
    PeriodicTask.objects.update(total_run_count=8, description="Quotes.")

    schedules.switch_off(row, by=UserFactory.create(), reason="Moving.", at=NOON)

    stored = PeriodicTask.objects.get()
    assert (stored.enabled, stored.total_run_count, stored.description) == (False, 8, "Quotes.")


def test_a_switch_that_is_that_way_already_is_refused_and_leaves_no_trace(row):
    before = PeriodicTask.objects.values().get()

    with pytest.raises(schedules.ScheduleIsOn):
        schedules.switch_on(row, by=UserFactory.create(), reason="Why not.", at=NOON)

    assert PeriodicTask.objects.values().get() == before
    assert not AuditEntry.objects.exists()
