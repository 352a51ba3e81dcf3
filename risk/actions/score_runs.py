"""The life of a run: begun with its chunks, each stored once, finished or failed."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from django.db import transaction
from django.db.models import F, Max

from accounts.actions import audit
from accounts.models import Job
from config.kernel.errors import Conflict
from markets.actions import market
from risk.models import CalibrationDay, RiskFit, RiskModel, ScoreChunk, ScoreRun
from risk.models.score_run import ScoreRunQuerySet
from risk.queries.lost_runs import why_lost

FORMER_MARKET = "The market that it was of has been replaced."


class AlreadyScored(Conflict):
    code = "already_scored"
    message = "This day has been scored by this model, or is being scored."


class RunNotRunning(Conflict):
    code = "score_run_not_running"
    message = "This run has ended."


def require_room(model: RiskModel, as_of: date, *, at: datetime) -> None:
    """Raise `AlreadyScored` where a run would have no room; one that nobody is left to complete makes room."""
    give_up_former(at=at)
    fail_lost(ScoreRun.objects.filter(model=model, as_of=as_of), at=at)
    if ScoreRun.objects.filter(model=model, as_of=as_of).exclude(state=ScoreRun.State.FAILED).exists():
        raise AlreadyScored


@transaction.atomic
def fail_lost(runs: ScoreRunQuerySet, *, at: datetime) -> int:
    """Of these runs, end those that nobody is left to complete; how many."""
    lost = 0
    for run in runs.running().defer("context").order_by("pk").select_for_update():
        if (why := why_lost(run)) is not None:
            fail(run, error=why, at=at)
            lost += 1
    return lost


@transaction.atomic
def give_up_former(*, at: datetime) -> int:
    """Of all runs, give up those of a market that was replaced since; how many.

    Their days can be scored anew, and neither their scores nor what came of them are told any more.
    """
    former = ScoreRun.objects.of_former_market().exclude(state=ScoreRun.State.FAILED).defer("context")
    given_up = list(former.order_by("pk").select_for_update())
    for run in given_up:
        ScoreRun.objects.filter(pk=run.pk).update(
            state=ScoreRun.State.FAILED, error=FORMER_MARKET, finished_at=run.finished_at or at
        )
        ScoreChunk.objects.filter(run=run).update(packed=None)
        CalibrationDay.objects.filter(model_id=run.model_id, as_of=run.as_of).delete()
        audit.record("risk.run.failed", actor=None, subject=run, at=at, after={"error": FORMER_MARKET})
    if given_up:
        market.touch(at=at)
    return len(given_up)


@transaction.atomic
def begin(
    model: RiskModel,
    as_of: date,
    *,
    fit: RiskFit | None,
    chunks: Sequence[Sequence[int]],
    facts: Mapping[str, object],
    job: Job,
    at: datetime,
) -> ScoreRun:
    """A run with its chunks. Of all who begin one for the same model and day one wins; the others get `AlreadyScored`.

    `facts` are columns: the context of the market, the seed, the libraries.
    """
    # One by one: whoever comes second sees the run of the first. Scores that are stored meanwhile do not wait.
    RiskModel.objects.select_for_update(no_key=True).get(pk=model.pk)
    require_room(model, as_of, at=at)
    earlier = ScoreRun.objects.filter(model=model, as_of=as_of)
    run = ScoreRun.objects.create(
        model=model,
        fit=fit,
        as_of=as_of,
        attempt=(earlier.aggregate(last=Max("attempt"))["last"] or 0) + 1,
        job_id=job.pk,
        chunks=len(chunks),
        started_at=at,
        **facts,
    )
    ScoreChunk.objects.bulk_create(
        ScoreChunk(run=run, number=number, asset_ids=list(ids)) for number, ids in enumerate(chunks)
    )
    audit.record(
        "risk.run.begun",
        actor=job.owner,
        subject=run,
        at=at,
        after={"model": model.version, "as_of": as_of.isoformat(), "attempt": run.attempt},
    )
    return run


@transaction.atomic
def store_chunk(chunk: ScoreChunk, *, packed: bytes, checksum: str, seconds: float, at: datetime) -> bool:
    """Keep what was measured; True for the chunk that completes its run. One that is kept already stays as it is."""
    # The row of the run, always locked before those of its chunks, lets one chunk by at a time: only the last one sees
    # that all are done.
    row = ScoreRun.objects.running().filter(pk=chunk.run_id)
    is_running = bool(row.select_for_update().values_list("pk", flat=True))
    stored = ScoreChunk.objects.filter(pk=chunk.pk, state=ScoreChunk.State.WAITING).update(
        state=ScoreChunk.State.DONE, packed=packed, checksum=checksum, seconds=seconds, done_at=at
    )
    if not stored:
        return False
    if not is_running:
        raise RunNotRunning
    row.update(chunks_done=F("chunks_done") + 1)
    return row.filter(chunks_done=F("chunks")).exists()


@transaction.atomic
def finish(run: ScoreRun, *, counts: Mapping[str, int], durations: Mapping[str, float], at: datetime) -> None:
    """End a run whose scores are stored in the same transaction. Raises `RunNotRunning`."""
    ended = ScoreRun.objects.running().filter(pk=run.pk, chunks_done=F("chunks"))
    if not ended.update(state=ScoreRun.State.FINISHED, counts=dict(counts), durations=dict(durations), finished_at=at):
        raise RunNotRunning
    # What was measured is in the scores now.
    ScoreChunk.objects.filter(run=run).update(packed=None)
    audit.record("risk.run.finished", actor=None, subject=run, at=at, after={"counts": dict(counts)})
    # Last, for it lets one writer by at a time: the lists show these scores.
    market.touch(at=at)


@transaction.atomic
def fail(run: ScoreRun, *, error: str, at: datetime) -> None:
    """End a run without scores; one that has ended already stays as it is."""
    failed = ScoreRun.objects.running().filter(pk=run.pk)
    if failed.update(state=ScoreRun.State.FAILED, error=error, finished_at=at):
        ScoreChunk.objects.filter(run=run).update(packed=None)
        audit.record("risk.run.failed", actor=None, subject=run, at=at, after={"error": error})
