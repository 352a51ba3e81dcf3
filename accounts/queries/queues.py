"""How the queues are doing, and who serves them: as the database knows, and the broker where it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import redis
import structlog
from django.conf import settings
from django.db.models import Count, Min, Q
from redis.backoff import NoBackoff
from redis.retry import Retry

from accounts.models import Heartbeat, Job
from accounts.models.heartbeat import HeartbeatQuerySet

log = structlog.get_logger(__name__)

PATIENCE = 1.0  # seconds that the broker may take
UNDELIVERED = "unacked"
"""Where Celery keeps, for all queues, what workers have taken and not done."""


@dataclass(frozen=True, slots=True)
class Queue:
    """One queue: messages in the broker (None while it does not answer) and jobs in the database."""

    name: str
    messages: int | None
    waiting: int
    running: int
    oldest_age: timedelta | None
    answered_at: datetime | None


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker that was heard of: the queues it answered for, and when last."""

    name: str
    queues: tuple[str, ...]
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class Broker:
    """Messages by queue, and those that workers hold."""

    messages: Mapping[str, int]
    held: int


def broker() -> Broker | None:
    """What waits in the broker; None where it does not answer within a second."""
    client = redis.Redis.from_url(
        settings.CELERY_BROKER_URL,
        socket_timeout=PATIENCE,
        socket_connect_timeout=PATIENCE,
        retry=Retry(NoBackoff(), 0),
    )
    try:
        with client.pipeline(transaction=False) as pipeline:
            for name in Job.Queue.values:
                pipeline.llen(name)
            pipeline.hlen(UNDELIVERED)
            *lengths, held = pipeline.execute()
    except (redis.RedisError, OSError) as error:
        log.warning("queues.broker_away", error=type(error).__name__)
        return None
    finally:
        client.close()
    return Broker(dict(zip(Job.Queue.values, lengths, strict=True)), held)


def queues(at: datetime, seen: Broker | None) -> list[Queue]:
    """Every queue, also those in which nothing happens."""
    due = Q(state__in=Job.WAITING, run_after__lte=at)
    rows = Job.objects.active().order_by().values("queue")
    jobs = {
        row["queue"]: row
        for row in rows.annotate(
            waiting=Count("pk", filter=Q(state__in=Job.WAITING)),
            running=Count("pk", filter=Q(state=Job.State.RUNNING)),
            oldest=Min("run_after", filter=due),
        )
    }
    answers = {beat.queue: beat.beaten_at for beat in _answers().order_by("beaten_at")}
    nothing: dict[str, Any] = {"waiting": 0, "running": 0, "oldest": None}
    found = []
    for name in Job.Queue.values:
        row = jobs.get(name, nothing)
        age = at - row["oldest"] if row["oldest"] is not None else None
        messages = seen.messages[name] if seen is not None else None
        found.append(Queue(name, messages, row["waiting"], row["running"], age, answers.get(name)))
    return found


def workers() -> list[Worker]:
    """The workers that answered for a queue in the last day, the latest first."""
    known: dict[str, list[Heartbeat]] = {}
    for beat in _answers().order_by("-beaten_at"):
        known.setdefault(beat.instance, []).append(beat)
    return [Worker(name, tuple(sorted(b.queue for b in beats)), beats[0].beaten_at) for name, beats in known.items()]


def _answers() -> HeartbeatQuerySet:
    return Heartbeat.objects.of(Heartbeat.Organ.QUEUE)
