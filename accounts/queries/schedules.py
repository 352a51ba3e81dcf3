"""When what runs by itself runs next."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import models
from django_celery_beat.models import PeriodicTask


def with_times() -> models.QuerySet[PeriodicTask]:
    """All schedules, each with its time."""
    rows: models.QuerySet[PeriodicTask] = PeriodicTask.objects.select_related("interval", "crontab", "solar", "clocked")
    return rows


def next_run_at(row: PeriodicTask, at: datetime) -> datetime | None:
    """When the scheduler sends it next; `at` itself when it is due, None when it does not run.

    Raises `ValueError` for a time that cannot be read, `RuntimeError` for one that never comes.
    """
    if not settings.SCHEDULER_ENABLED or not row.enabled or (row.expires is not None and row.expires <= at):
        return None
    schedule = row.schedule
    schedule.nowfun = lambda: at
    following: datetime = at + schedule.remaining_estimate(row.last_run_at or row.date_changed or at)
    return max(following, at, *([row.start_time] if row.start_time is not None else []))
