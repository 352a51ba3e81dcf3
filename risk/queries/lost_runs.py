"""Runs that nobody is left to complete, by what the jobs say: leases decide that, and no clock of ours."""

from accounts.models import Job
from risk.models import ScoreChunk, ScoreRun


def why_lost(run: ScoreRun) -> str | None:
    """Why a running run will never end by itself; None while every job that it waits for is alive.

    A waiting chunk waits for its own job, or for the one job that does the whole run; when all are there, the run waits
    for the job that finishes it. Exact while the row of the run is locked: then no chunk is stored meanwhile.
    """
    waiting = ScoreChunk.objects.filter(run=run, state=ScoreChunk.State.WAITING).order_by("number")
    awaited = [pk or run.job_id for pk in waiting.values_list("job_id", flat=True)] or [run.finish_job_id or run.job_id]
    jobs = Job.objects.only("kind", "state", "error_code").in_bulk([pk for pk in awaited if pk is not None])
    for pk in dict.fromkeys(awaited):
        job = jobs.get(pk) if pk is not None else None
        if job is None:
            return "A job that it waits for is not on record any more."
        if job.is_finished:
            code = f", {job.error_code}" if job.error_code else ""
            return f"A job that it waits for has ended: {job.kind} is {job.state}{code}."
    return None
