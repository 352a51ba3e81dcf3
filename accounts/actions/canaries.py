"""Small messages through every queue: a worker that is alive but no longer listens does not answer them."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from celery import current_app
from kombu.exceptions import OperationalError

from accounts.actions import heartbeats
from accounts.models import Heartbeat, Job

log = structlog.get_logger(__name__)

CANARY_TASK = "accounts.answer_canary"
LIFETIME = timedelta(minutes=5)
"""A canary that waited longer is thrown away, so that a deaf queue is not full of them when it wakes up."""


def send(*, at: datetime, afresh: bool) -> None:
    """Ask each queue for an answer, and note since when it owes one.

    `afresh` forgets questions of long ago: nobody was there to ask again, and their canaries are gone.
    """
    beats = Heartbeat.objects.filter(organ__in=[Heartbeat.Organ.CANARY, Heartbeat.Organ.QUEUE]).order_by("beaten_at")
    latest = {(beat.organ, beat.queue): beat.beaten_at for beat in beats}
    for queue in Job.Queue.values:
        asked, answered = latest.get((Heartbeat.Organ.CANARY, queue)), latest.get((Heartbeat.Organ.QUEUE, queue))
        if afresh or asked is None or (answered is not None and answered >= asked):
            heartbeats.beat(Heartbeat.Organ.CANARY, queue=queue, at=at)
        try:
            current_app.send_task(
                CANARY_TASK, kwargs={"queue": queue}, queue=queue, expires=int(LIFETIME.total_seconds())
            )
        except OperationalError as error:
            log.warning("canary.not_sent", queue=queue, error=str(error))
            return  # the broker is away for all of them


def answer(queue: str, *, worker: str, at: datetime) -> None:
    """Record that `worker` took a canary from `queue`."""
    heartbeats.beat(Heartbeat.Organ.QUEUE, queue=queue, instance=worker, at=at)
