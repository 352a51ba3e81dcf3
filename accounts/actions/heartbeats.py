"""The signs of life of processes that nobody calls: written by themselves, read by whoever wonders."""

from __future__ import annotations

import os
import socket
from datetime import datetime, timedelta

from accounts.models import Heartbeat

KEPT = timedelta(days=1)
"""How long a process that is gone stays on record."""


def this_process() -> str:
    """A name for the process that calls: its machine and its number there."""
    return f"{socket.gethostname()}:{os.getpid()}"


def beat(organ: Heartbeat.Organ, *, at: datetime, instance: str = "", queue: str = "") -> None:
    """Record a sign of life. Who beats last wins: a clock that runs ahead does not silence the others."""
    Heartbeat.objects.bulk_create(
        [Heartbeat(organ=organ, queue=queue, instance=instance, beaten_at=at)],
        update_conflicts=True,
        unique_fields=["organ", "queue", "instance"],
        update_fields=["beaten_at"],
    )


def forget(*, at: datetime) -> int:
    """Remove processes that have been silent for a day, all but the last one of each kind; return how many."""
    kept = Heartbeat.objects.order_by("organ", "queue", "-beaten_at").distinct("organ", "queue")
    silent = Heartbeat.objects.filter(beaten_at__lt=at - KEPT).exclude(pk__in=kept.values("pk"))
    return silent.delete()[0]
