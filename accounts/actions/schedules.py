"""What people do to the schedules: every change leaves who, when and what was before."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

from celery import current_app
from django.db import transaction
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask
from kombu.exceptions import OperationalError

from accounts.actions import audit, reasons
from accounts.models import User
from config.kernel.errors import Conflict, ServiceUnavailable

TIME = ("interval", "crontab")
FIELDS = ("name", "description", "task", "enabled", *TIME, "kwargs", "queue", "start_time", "expires")
"""What people decide about a schedule; the rest of its row is the scheduler's own."""


class ScheduleIsOn(Conflict):
    code = "schedule_is_on"
    message = "This schedule is on already."


class ScheduleIsOff(Conflict):
    code = "schedule_is_off"
    message = "This schedule is off already."


class WorkersNotTold(ServiceUnavailable):
    code = "workers_not_told"
    message = "The workers cannot be told at the moment, so nothing was started."


@transaction.atomic
def add(row: PeriodicTask, *, by: User, at: datetime) -> None:
    """Store a new schedule; it runs for the first time when its time comes next."""
    row.save()
    audit.record("accounts.schedule.added", actor=by, subject=row, at=at, after=_said(row))


@transaction.atomic
def change(row: PeriodicTask, *, by: User, at: datetime) -> None:
    """Store what was changed in `row`. Another time, or a pause, begins from now: nothing is made up for."""
    stored = PeriodicTask.objects.select_for_update(of=["self"]).get(pk=row.pk)
    before, after = _said(stored), _said(row)
    changed = [name for name in FIELDS if before[name] != after[name]]
    if not changed:
        return
    fields = [*changed, "date_changed"]
    if {"enabled", *TIME} & set(changed):
        row.last_run_at = None
        fields.append("last_run_at")
    # Only what was changed: the scheduler counts its runs in the same row meanwhile.
    row.save(update_fields=fields)
    audit.record(
        "accounts.schedule.changed",
        actor=by,
        subject=row,
        at=at,
        before={name: before[name] for name in changed},
        after={name: after[name] for name in changed},
    )


@transaction.atomic
def remove(row: PeriodicTask, *, by: User, at: datetime) -> None:
    """Delete a schedule. One that the product brings along comes back with the next release; switch it off instead."""
    audit.record("accounts.schedule.removed", actor=by, subject=row, at=at, before=_said(row))
    row.delete()


def switch_on(row: PeriodicTask, *, by: User, reason: str, at: datetime) -> None:
    """Let it run from its next time on. Raises `ScheduleIsOn`, and `ValidationFailed` without a reason."""
    _switch(row, on=True, by=by, reason=reason, at=at)


def switch_off(row: PeriodicTask, *, by: User, reason: str, at: datetime) -> None:
    """Let it run no more. Raises `ScheduleIsOff`, and `ValidationFailed` without a reason."""
    _switch(row, on=False, by=by, reason=reason, at=at)


@transaction.atomic
def run_now(row: PeriodicTask, *, by: User, reason: str, at: datetime) -> None:
    """Send its task once, apart from its times and also when it is off.

    Raises `WorkersNotTold`, and then leaves no trace; `ValidationFailed` without a reason.
    """
    after = {"name": row.name, "task": row.task, "kwargs": row.kwargs}
    audit.record("accounts.schedule.run_now", actor=by, subject=row, at=at, reason=reasons.given(reason), after=after)
    where = {"queue": row.queue} if row.queue else {}
    headers = {"periodic_task_name": row.name}
    try:
        current_app.send_task(row.task, kwargs=json.loads(row.kwargs or "{}"), headers=headers, **where)
    except OperationalError as error:
        raise WorkersNotTold from error


@transaction.atomic
def add_time(row: IntervalSchedule | CrontabSchedule, *, by: User, at: datetime) -> None:
    """Store a time that schedules can be given. It never changes afterwards, since several may have it."""
    row.save()
    audit.record("accounts.schedule_time.added", actor=by, subject=row, at=at, after={"time": str(row)})


@transaction.atomic
def _switch(row: PeriodicTask, *, on: bool, by: User, reason: str, at: datetime) -> None:
    reason = reasons.given(reason)
    stored = PeriodicTask.objects.select_for_update(of=["self"]).get(pk=row.pk)
    if stored.enabled is on:
        raise ScheduleIsOn if on else ScheduleIsOff
    stored.enabled, stored.last_run_at = on, None
    stored.save(update_fields=["enabled", "last_run_at", "date_changed"])
    verb = "accounts.schedule.switched_on" if on else "accounts.schedule.switched_off"
    audit.record(verb, actor=by, subject=row, at=at, reason=reason, before={"enabled": not on}, after={"enabled": on})


def _said(row: PeriodicTask) -> Mapping[str, object]:
    """What the row says, in words and numbers that fit into the trail."""
    values = {name: getattr(row, name) for name in FIELDS}
    return values | {name: str(values[name]) for name in TIME if values[name] is not None}
