"""Celery's beat as this product needs it: one of them sends, each time comes once, and none is lost."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import structlog
from celery.beat import Scheduler as CeleryScheduler
from django.conf import settings
from django.db import Error, connection
from django_celery_beat.models import PeriodicTask
from django_celery_beat.schedulers import ModelEntry
from kombu.exceptions import OperationalError as BrokerAway

from accounts.actions import heartbeats
from accounts.models import Heartbeat
from config.kernel import clock
from config.kernel.leadership import Leadership

log = structlog.get_logger(__name__)

LONGEST_SLEEP = 2  # seconds; how long an edit, a lost lock or a dead leader may go unnoticed
SHORTEST_SLEEP = 0.05
BEAT = 1  # the number of the lock


class Scheduler(CeleryScheduler):
    """Sends the tasks of the enabled schedules while it leads, and waits for the lead otherwise.

    The rows are read anew each time, so there is nothing to keep in step: not with an editor, not with a beat that led
    before. A schedule that was missed, however often, is sent once. With SCHEDULER_ENABLED=false there are none.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.max_interval = LONGEST_SLEEP
        self._leadership = Leadership(BEAT)
        self._troubles: dict[str, str] = {}

    def setup_schedule(self) -> None:
        """Nothing: the rows are read when this process leads, not while it starts and servers may be away."""

    def tick(self, *_: Any, **__: Any) -> float:
        """Send what is due; the seconds until the next look. Servers that are away are waited for."""
        try:
            session = self._leadership.session()
            organ = Heartbeat.Organ.WAITING_BEAT if session is None else Heartbeat.Organ.BEAT
            heartbeats.beat(organ, at=clock.now(), instance=heartbeats.this_process())
            seconds = LONGEST_SLEEP if session is None else self._send_due(session)
        except (Error, psycopg.Error) as error:
            connection.close()
            self._note("database", error)
            return LONGEST_SLEEP
        self._troubles.pop("database", None)
        return seconds

    def close(self) -> None:
        super().close()
        self._leadership.resign()

    def _send_due(self, session: psycopg.Connection[Any]) -> float:
        wait = LONGEST_SLEEP
        if not settings.SCHEDULER_ENABLED:
            return wait
        rows = PeriodicTask.objects.enabled().select_related("interval", "crontab", "solar", "clocked")
        for row in rows.order_by("pk"):
            try:
                entry = ModelEntry(row, app=self.app)
                is_due, seconds = entry.is_due()
                if is_due:
                    self._send(entry, session)
            except (Error, psycopg.Error):
                raise
            except Exception as error:
                # It stays due and is tried again; the others must not suffer from it.
                if isinstance(error.__context__, BrokerAway):
                    self._note("broker", error.__context__)
                    return LONGEST_SLEEP
                self._note(row.name, error)
                continue
            self._troubles.pop(row.name, None)
            wait = min(wait, seconds)
        self._troubles.pop("broker", None)
        return max(wait, SHORTEST_SLEEP)

    def _send(self, entry: ModelEntry, session: psycopg.Connection[Any]) -> None:
        # The count is the fence: it moves in the session that holds the lock, so of two who believe that they lead one
        # sends. A broker that is away undoes it, and so does death before the commit: then it is sent again.
        with _uninterrupted(), session.transaction():
            moved = session.execute(
                "UPDATE django_celery_beat_periodictask SET last_run_at = %s, total_run_count = total_run_count + 1"
                " WHERE id = %s AND total_run_count = %s AND enabled",
                [clock.now(), entry.model.pk, entry.total_run_count],
            )
            if moved.rowcount:
                self.apply_async(entry, advance=False)
                log.info("beat.sent", schedule=entry.name, task=entry.task)

    def _note(self, what: str, error: Exception) -> None:
        # Said once for each trouble, which may last for hours.
        name = type(error).__name__
        if self._troubles.get(what) != name:
            log.error("beat.trouble", what=what, error=name, reason=str(error))
            self._troubles[what] = name


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Let signals that ask for an end wait, so that nothing is sent whose row does not say so."""
    asked: list[int] = []
    before = {number: signal.signal(number, lambda n, _: asked.append(n)) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for late in asked:
            signal.raise_signal(late)
