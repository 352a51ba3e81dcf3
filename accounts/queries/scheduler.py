"""Whether the schedules run, as anybody can tell who can read the database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.conf import settings

from accounts.models import Heartbeat

SILENT_AFTER = timedelta(seconds=60)
"""A beat gives a sign of life every two seconds, and another takes over within ten."""


class Condition(StrEnum):
    RUNNING = "running"
    SILENT = "silent"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class Scheduler:
    """How it is, and who led when; None where no beat has ever run."""

    condition: Condition
    last_tick_at: datetime | None
    leader: str | None


def scheduler(at: datetime) -> Scheduler:
    """Disabled when SCHEDULER_ENABLED says so, silent when no beat has led for a minute."""
    last = Heartbeat.objects.of(Heartbeat.Organ.BEAT).order_by("-beaten_at").first()
    if not settings.SCHEDULER_ENABLED:
        condition = Condition.DISABLED
    elif last is None or last.beaten_at < at - SILENT_AFTER:
        condition = Condition.SILENT
    else:
        condition = Condition.RUNNING
    return Scheduler(condition, last.beaten_at if last else None, last.instance if last else None)
