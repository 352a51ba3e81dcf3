"""When what runs by itself runs next."""

from __future__ import annotations

from datetime import datetime

from celery.schedules import ParseException
from django.conf import settings
from django.db import models
from django_celery_beat.models import PeriodicTask

UNUSABLE = (ValueError, ParseException, RuntimeError)
"""What Celery raises for times that cannot be read or never come."""


def with_times() -> models.QuerySet[PeriodicTask]:
    """All schedules, each with its time."""
    rows: models.QuerySet[PeriodicTask] = PeriodicTask.objects.select_related("interval", "crontab", "solar", "clocked")
    return rows


def next_run_at(row: PeriodicTask, at: datetime) -> datetime | None:
    """When the scheduler sends it next: `at` itself if it is due; None if it is off, over or without a usable time."""
    is_over = row.expires is not None and row.expires <= at
    if not settings.SCHEDULER_ENABLED or not row.enabled or is_over or row.scheduler is None:
        return None
    try:
        schedule = row.schedule
        schedule.nowfun = lambda: at
        following: datetime = at + schedule.remaining_estimate(row.last_run_at or row.date_changed or at)
    except UNUSABLE:
        return None
    begins: datetime = row.start_time or at
    return max(following, begins, at)
