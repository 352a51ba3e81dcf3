"""Scoring the universe by jobs: the run is begun, its chunks are measured by whoever takes them, and it is finished.

This module stays light, for the web process reads it to ask for a run; what calculates is imported when it is needed.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta

import structlog
from django.db import transaction

from accounts.actions import audit, jobs, reasons
from accounts.models import Job, User
from config.kernel import clock
from config.kernel.errors import Conflict, Impossible, ValidationFailed
from markets.models import Asset
from risk.actions import risk_models, score_runs
from risk.actions.risk_models import ModelNotScored, ModelOfOtherFormulas
from risk.actions.score_runs import AlreadyScored, RunNotRunning
from risk.errors import NothingToScore
from risk.models import RiskModel, ScoreChunk, ScoreRun

UNIVERSE = "score_universe"
CHUNK = "score_chunk"
FINISH = "finish_scores"

log = structlog.get_logger(__name__)


class RunNotFailed(Conflict):
    code = "score_run_not_failed"
    message = "Only a run that failed can be run again: the scores of a finished one are what they are."


class NoModelOfTheseFormulas(Impossible):
    """What was asked of every active model has been done by none, as after a release with other formulas."""

    code = "no_model_of_these_formulas"

    def __init__(self) -> None:
        super().__init__(
            "Every active risk model was made of other formulas than these, so none is calculated and scores grow old."
            f" Run `{risk_models.successor(RiskModel.objects.headline().first())}`: it scores by these formulas and"
            " makes them the headline.",
            skipped=skipped(None),
        )


@dataclass(frozen=True, slots=True)
class Parameters:
    """Which day's close, an ISO date, and which version; None: yesterday's, and every active model."""

    as_of: str | None = None
    model: str | None = None


def request(owner: User | None, parameters: Parameters, *, at: datetime) -> Job:
    """Ask for scores; a worker begins the runs. Raises `UnknownModel`, `ModelNotActive` and what `require_day` does."""
    if parameters.as_of is not None:
        require_day(date.fromisoformat(parameters.as_of), at=at)
    if parameters.model is not None:
        risk_models.require_in_use(risk_models.named(parameters.model))
    return jobs.request(UNIVERSE, owner=owner, parameters=asdict(parameters), at=at)


def request_by_hand(parameters: Parameters, *, by: User, at: datetime, reason: str) -> Job:
    """Ask for scores because somebody wants them. Raises what `request` does."""
    reason = reasons.given(reason)
    with transaction.atomic():
        job = request(by, parameters, at=at)
        audit.record("risk.run.asked_for", actor=by, subject=job, at=at, reason=reason, after=asdict(parameters))
    return job


def request_again(run: ScoreRun, *, by: User, at: datetime, reason: str) -> Job:
    """Ask for the day and the model of a run that failed; it stays on record, and another attempt begins.

    Raises `RunNotFailed` for any other, and what `request` does, as where the model was retired since.
    """
    reason = reasons.given(reason)
    if run.state != ScoreRun.State.FAILED:
        raise RunNotFailed
    with transaction.atomic():
        audit.record("risk.run.asked_for_again", actor=by, subject=run, at=at, reason=reason)
        return request(by, Parameters(run.as_of.isoformat(), run.model.version), at=at)


def last_close(at: datetime) -> date:
    """The last UTC day that is over."""
    return at.astimezone(UTC).date() - timedelta(days=1)


def require_day(as_of: date, *, at: datetime) -> None:
    """Raise `ValidationFailed` for a day that is not over, and `NothingToScore` for one before all prices."""
    if as_of > last_close(at):
        raise ValidationFailed("That day is not over.", fields={"as_of": ["That day is not over."]})
    if not Asset.objects.filter(bars_from__lte=as_of).exists():
        raise NothingToScore(as_of=as_of.isoformat())


def last_of(until: date | None, *, since: date | None, at: datetime) -> date:
    """The last day of a window, by default the last that is over. Raises `ValidationFailed` for no such window."""
    last = last_close(at)
    until = until or last
    if until > last:
        raise ValidationFailed(f"{until} is not over: give no day after {last}.", fields={"until": ["Not over."]})
    if since is not None and since > until:
        raise ValidationFailed(f"{since} is after {until}.", fields={"since": ["After the last day."]})
    return until


def models_of(version: str | None, *, at: datetime) -> list[RiskModel]:
    """The model of this version, or all active ones of these formulas; people are told of the others.

    Raises `NoModelOfTheseFormulas` where all are of others, and `ModelNotActive` for one that was retired.
    """
    if version is not None:
        model = risk_models.named(version)
        risk_models.require_in_use(model)
        return [model]
    risk_models.register(at=at)
    risk_models.tell_of_other_formulas(at=at)
    own = [model for model in RiskModel.objects.active().order_by("pk") if risk_models.is_own(model)]
    if not own:
        raise NoModelOfTheseFormulas
    return own


def skipped(version: str | None) -> dict[str, str]:
    """The active models that `models_of` leaves out, by version, and why."""
    others = RiskModel.objects.active().order_by("pk") if version is None else []
    return {model.version: ModelOfOtherFormulas(model).message for model in others if not risk_models.is_own(model)}


def put_in_charge(
    model: RiskModel, *, by: User | None, reason: str, on_progress: Callable[[int], None] = lambda assets: None
) -> None:
    """Make an active model the headline; where readers would lose scores by it, its scores of the last close first.

    May be done again where it was interrupted. Raises `ModelNotScored` while another process scores that day.
    """
    from risk.runs import course

    try:
        risk_models.make_headline(model, by=by, at=clock.now(), reason=reason)
    except ModelNotScored:
        try:
            course.score(model, last_close(clock.now()), on_progress=on_progress)
        except AlreadyScored:
            log.info("risk.already_scored", version=model.version)
        risk_models.make_headline(model, by=by, at=clock.now(), reason=reason)


def perform(job: Job) -> Mapping[str, object]:
    """Begin a run for each model, unless the day is scored already or has nobody to score, and ask for the chunks."""
    from risk.runs import course

    at = clock.now()
    parameters = Parameters(**job.parameters)
    as_of = date.fromisoformat(parameters.as_of) if parameters.as_of else last_close(job.created_at)
    runs: dict[str, int | None] = {}
    left_out = skipped(parameters.model)
    for model in models_of(parameters.model, at=at):
        jobs.progress(job, 1)
        try:
            score_runs.require_room(model, as_of, at=at)
            # What is learnt may take minutes, in which somebody may have cancelled it.
            plan = course.plan(model, as_of, at=at, on_progress=lambda percent: jobs.progress(job, percent * 9 // 10))
            jobs.progress(job, 90)
            with transaction.atomic():
                run = course.begin(plan, job=job, at=clock.now())
                _ask_for_chunks(run, job, at=clock.now())
        except AlreadyScored:
            log.info("risk.already_scored", version=model.version, as_of=as_of.isoformat())
            runs[model.version] = None
        except NothingToScore as error:
            log.info("risk.nothing_to_score", version=model.version, as_of=as_of.isoformat())
            left_out[model.version] = error.message
        else:
            runs[model.version] = run.pk
    return {"as_of": as_of.isoformat(), "runs": runs, "skipped": left_out}


def _ask_for_chunks(run: ScoreRun, job: Job, *, at: datetime) -> None:
    for chunk in ScoreChunk.objects.filter(run=run):
        asked = jobs.request(CHUNK, owner=job.owner, parameters={"chunk": chunk.pk}, at=at)
        ScoreChunk.objects.filter(pk=chunk.pk).update(job_id=asked.pk)


def _ask_for_finish(run: ScoreRun, job: Job, *, at: datetime) -> None:
    asked = jobs.request(FINISH, owner=job.owner, parameters={"run": run.pk}, at=at)
    ScoreRun.objects.filter(pk=run.pk).update(finish_job_id=asked.pk)


def perform_chunk(job: Job) -> Mapping[str, object]:
    """Measure the assets of a chunk; whoever completes the run asks for its end.

    Nothing is left to do where an earlier attempt has kept it, or the run has ended.
    """
    from risk.runs import course

    chunk = ScoreChunk.objects.select_related("run").get(pk=job.parameters["chunk"])
    if chunk.state == ScoreChunk.State.DONE or chunk.run.state != ScoreRun.State.RUNNING:
        return {"run": chunk.run_id, "chunk": chunk.number, "assets": 0}
    try:
        measured = course.measure(chunk)
        with transaction.atomic():
            # In the transaction of the deed: a worker that was given up for dead stores nothing.
            jobs.progress(job, 99)
            if course.keep(chunk, measured, at=clock.now()):
                _ask_for_finish(chunk.run, job, at=clock.now())
    except jobs.JobCancelled:
        score_runs.fail(chunk.run, error="A chunk was cancelled.", at=clock.now())
        raise
    except jobs.JobNotRunning:
        raise
    except Exception as error:
        _give_up(job, chunk.run, error)
        raise
    return {"run": chunk.run_id, "chunk": chunk.number, "assets": len(chunk.asset_ids)}


def perform_finish(job: Job) -> Mapping[str, object]:
    """Rank, score, explain and store; a run that has been finished already stays as it is."""
    from risk.runs import course

    run = ScoreRun.objects.select_related("model", "fit").get(pk=job.parameters["run"])
    if run.state == ScoreRun.State.FINISHED:
        return {"run": run.pk, "as_of": run.as_of.isoformat(), "counts": run.counts}
    if run.state == ScoreRun.State.FAILED:
        raise RunNotRunning
    try:
        counts = course.finish(run, job=job)
    except jobs.JobCancelled:
        score_runs.fail(run, error="Its end was cancelled.", at=clock.now())
        raise
    except jobs.JobNotRunning:
        raise
    except Exception as error:
        _give_up(job, run, error)
        raise
    return {"run": run.pk, "as_of": run.as_of.isoformat(), "counts": counts}


def _give_up(job: Job, run: ScoreRun, error: Exception) -> None:
    """After the last attempt there will be no scores, nor after a release with other formulas came in between."""
    if isinstance(error, ModelOfOtherFormulas):
        score_runs.fail(run, error=f"{job.kind}: {error.message}", at=clock.now())
    elif job.attempt >= job.max_attempts:
        score_runs.fail(run, error=f"{job.kind}: {type(error).__name__}", at=clock.now())
