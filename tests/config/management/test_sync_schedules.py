from io import StringIO

import pytest
from celery import current_app
from django.core.management import call_command
from django_celery_beat.models import PeriodicTask

from config.schedules import SCHEDULES

pytestmark = pytest.mark.django_db


def sync_schedules(**options: object) -> str:
    out = StringIO()
    call_command("sync_schedules", stdout=out, **options)
    return out.getvalue()


def test_what_is_missing_is_added_and_nothing_twice() -> None:
    first, second = sync_schedules(), sync_schedules()

    assert first.splitlines() == [f"Added: {schedule.name}" for schedule in SCHEDULES]
    assert second == "Schedules: nothing to add.\n"
    assert PeriodicTask.objects.count() == len(SCHEDULES)


def test_an_edited_or_switched_off_schedule_stays_as_it_is() -> None:
    sync_schedules()
    edited = PeriodicTask.objects.get(name="Market: sync the top 50")
    edited.kwargs, edited.enabled = '{"limit": 10}', False
    edited.save()

    sync_schedules()

    edited.refresh_from_db()
    assert (edited.kwargs, edited.enabled) == ('{"limit": 10}', False)


def test_a_dry_run_names_what_is_missing_and_adds_nothing() -> None:
    assert sync_schedules(dry_run=True).splitlines() == [f"Missing: {schedule.name}" for schedule in SCHEDULES]
    assert not PeriodicTask.objects.exists()


def test_the_top_fifty_are_synced_every_five_minutes_and_the_top_two_hundred_every_hour() -> None:
    sync_schedules()

    tasks = (
        PeriodicTask.objects.filter(task="update_market_data").select_related("interval").order_by("interval__every")
    )
    assert [(task.interval.every, task.kwargs) for task in tasks] == [
        (300, '{"limit": 50}'),
        (3_600, '{"limit": 200, "cross_check": true}'),
    ]


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda schedule: schedule.name)
def test_each_schedule_starts_a_task_that_exists_at_one_kind_of_time(schedule) -> None:
    current_app.loader.import_default_modules()

    assert schedule.task in current_app.tasks
    assert (schedule.seconds is None) != (schedule.crontab is None)
