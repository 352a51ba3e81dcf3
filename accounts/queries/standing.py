"""Where jobs stand: how many are before them, how long they have waited and worked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from django.db.models import Count, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce, Now

from accounts.models import Job
from accounts.models.job import JobQuerySet


@dataclass(frozen=True, slots=True)
class Standing:
    """A job at a moment of the database's clock."""

    job: Job
    at: datetime
    queue_position: int | None
    """1 for the next of its queue; None once it does not wait."""

    @property
    def queued_seconds(self) -> float:
        """How long the latest attempt waited, or the next one has been waiting since it could begin."""
        job = self.job
        until = self.at if job.is_waiting else job.started_at or job.finished_at or self.at
        return _seconds(job.run_after, until)

    @property
    def running_seconds(self) -> float | None:
        """How long the latest attempt has taken so far, or took; None before the first, and while another one waits."""
        job = self.job
        if job.started_at is None or job.is_waiting:
            return None
        return _seconds(job.started_at, job.finished_at or self.at)

    @property
    def ask_again_after(self) -> int | None:
        """The whole seconds after which there may be news; None when there will be none."""
        return None if self.job.is_finished else max(1, ceil(_seconds(self.at, self.job.run_after)))


def standings(jobs: JobQuerySet) -> list[Standing]:
    """The standing of each of these jobs, in their order, in one query."""
    earlier = Q(run_after__lt=OuterRef("run_after")) | Q(run_after=OuterRef("run_after"), pk__lt=OuterRef("pk"))
    before = Job.objects.waiting().filter(earlier, queue=OuterRef("queue")).order_by().values("queue")
    number = Coalesce(Subquery(before.annotate(number=Count("pk")).values("number")), 0) + 1
    return [
        Standing(job, job.observed_at, job.number if job.is_waiting else None)
        for job in jobs.annotate(observed_at=Now(), number=number)
    ]


def _seconds(start: datetime, end: datetime) -> float:
    return round(max(end - start, timedelta(0)).total_seconds(), 3)
