"""Every day: what had been forecast against what has happened."""

from collections.abc import Mapping
from datetime import datetime

from accounts.actions import jobs
from accounts.models import Job, User

KIND = "record_forecast_outcomes"


def request(owner: User | None, *, at: datetime) -> Job:
    """Ask for it; a worker performs it."""
    return jobs.request(KIND, owner=owner, parameters={}, at=at)


def perform(job: Job) -> Mapping[str, object]:
    """Write down what has become known since the last time."""
    from risk.runs import realised

    return realised.record(through=realised.known_through(job.created_at), on_progress=lambda p: jobs.progress(job, p))
