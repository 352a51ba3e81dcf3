"""What Prometheus sees of jobs; labels are kinds, queues and states, never ids."""

from __future__ import annotations

from collections.abc import Iterator

import structlog
from django.db import DatabaseError, connection
from prometheus_client import Counter, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from accounts import kinds
from accounts.models import Job

log = structlog.get_logger(__name__)

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, float("inf"))

JOBS = Counter("jobs_total", "Jobs that came into a state.", ["kind", "state"])
DURATION = Histogram("jobs_duration_seconds", "Seconds that an attempt took.", ["kind"], buckets=_SECONDS)
QUEUE_WAIT = Histogram(
    "jobs_queue_wait_seconds", "Seconds from when an attempt could begin to when it did.", ["kind"], buckets=_SECONDS
)
LEASES_EXPIRED = Counter("jobs_lease_expired_total", "Jobs taken back from a worker that was lost.")
DEAD = Counter("jobs_dead_total", "Jobs given up after their last attempt.", ["kind"])
DUPLICATES = Counter("jobs_duplicate_deliveries_total", "Messages about jobs that others had or that had ended.")
IDEMPOTENCY_REPLAYS = Counter("idempotency_replays_total", "Requests answered as the first with their key was.")


def label(kind: str) -> str:
    """The name of a kind, or "other" for one that is not known (any more)."""
    return kind if kind in kinds.known() else "other"


def entered(job: Job, state: Job.State) -> None:
    """Count that a job came into a state."""
    JOBS.labels(label(job.kind), state.value).inc()
    if state == Job.State.DEAD:
        DEAD.labels(label(job.kind)).inc()


class Standing(Collector):
    """What waits and what runs, asked of the database at each scrape: it is so even when nobody works any more."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        ages = GaugeMetricFamily(
            "jobs_oldest_queued_age_seconds", "Seconds that the job waits that waits longest.", labels=["queue"]
        )
        running = GaugeMetricFamily("jobs_running", "Jobs being performed.", labels=["kind"])
        try:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT queue, extract(epoch FROM statement_timestamp() - min(run_after)) FROM accounts_job"
                    " WHERE state IN ('queued', 'retrying') AND run_after <= statement_timestamp() GROUP BY queue"
                )
                oldest = {queue: float(age) for queue, age in cursor.fetchall()}
                cursor.execute("SELECT kind, count(*) FROM accounts_job WHERE state = 'running' GROUP BY kind")
                counts = dict.fromkeys(kinds.known(), 0)
                for kind, count in cursor.fetchall():
                    counts[label(kind)] = counts.get(label(kind), 0) + count
        except DatabaseError as error:
            # The other metrics matter most just now; that these are missing can be seen.
            log.warning("metrics.jobs_unknown", error=type(error).__name__)
            return
        for queue in Job.Queue.values:
            ages.add_metric([queue], oldest.get(queue, 0.0))
        for kind, count in counts.items():
            running.add_metric([kind], count)
        yield ages
        yield running
