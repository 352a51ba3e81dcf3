"""The course of a scoring run, whoever performs its parts: jobs on several machines, or a command by itself."""

import hashlib
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.db import Error as DatabaseError
from django.db import transaction

from accounts import lease
from accounts.actions import jobs
from accounts.models import Job
from config.kernel import clock
from markets.sentiment import scorer
from risk import frames
from risk.actions import risk_models, risk_scores, score_runs
from risk.errors import NothingToScore
from risk.models import RiskFit, RiskModel, RiskScore, ScoreChunk, ScoreRun
from risk.quant import measurement
from risk.quant.engine import installed
from risk.quant.features import Market
from risk.quant.garch import Prior
from risk.quant.measurement import Measured, Redraws
from risk.runs import learning, scorecards, scoring
from risk.runs.scorecards import first_bits

CHUNK_ASSETS = 500
LIBRARIES = ("numpy", "scipy", "numba", "llvmlite", "arch")
_DAY = timedelta(days=1)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Plan:
    """All that a run is begun with."""

    model: RiskModel
    as_of: date
    fit: RiskFit | None
    asset_ids: Sequence[int]
    market: Market
    seconds: float


def whom(as_of: date, *, at: datetime) -> Sequence[int]:
    """The assets of a run. Raises `NothingToScore` where no price of any of them is known by then."""
    asset_ids = frames.listed() if as_of >= scoring.last_close(at) else frames.there_on(as_of)
    first = frames.first_day(asset_ids)
    if first is None or first > as_of:
        raise NothingToScore(as_of=as_of.isoformat())
    return asset_ids


def plan(
    model: RiskModel,
    as_of: date,
    *,
    at: datetime,
    asset_ids: Sequence[int] | None = None,
    on_progress: Callable[[int], None] = lambda percent: None,
) -> Plan:
    """What the model had learnt by then (learning it now where that has not happened), and the market of the day.

    Of these assets, or of those that `whom` says. `on_progress` hears how far the learning has come.
    """
    risk_models.require_own(model)
    started = time.perf_counter()
    asset_ids = whom(as_of, at=at) if asset_ids is None else asset_ids
    fit = learning.fit_for(model, as_of, at=at, on_progress=on_progress)
    return Plan(model, as_of, fit, asset_ids, frames.market(asset_ids, through=as_of), time.perf_counter() - started)


def begin(plan: Plan, *, job: Job, at: datetime, chunk_assets: int = CHUNK_ASSETS) -> ScoreRun:
    """The run of a plan, with its chunks. Raises `AlreadyScored`."""
    context = plan.market.pack()
    facts = {
        "news_at": _close(plan.as_of),
        "sentiment_version": scorer.model_version(),
        "context": context,
        "context_checksum": hashlib.sha256(context).hexdigest(),
        "seed_base": _seed_base(plan.model, plan.as_of),
        "libraries": _libraries(),
        "engine": str(installed()),
        "cpu": _cpu(),
        "durations": {"plan": plan.seconds},
    }
    ids = list(plan.asset_ids)
    chunks = [ids[first : first + chunk_assets] for first in range(0, len(ids), chunk_assets)]
    return score_runs.begin(plan.model, plan.as_of, fit=plan.fit, chunks=chunks, facts=facts, job=job, at=at)


@dataclass(frozen=True, slots=True)
class Part:
    """What was measured of a chunk, packed."""

    packed: bytes
    seconds: float


def measure(chunk: ScoreChunk) -> Part:
    """The assets of a chunk; one that fails is said to have failed and fails no other.

    Raises `ModelOfOtherFormulas` where this code is not what the run was begun by.
    """
    started = time.perf_counter()
    run = ScoreRun.objects.select_related("fit", "model").get(pk=chunk.run_id)
    risk_models.require_own(run.model)
    measured = _measured(chunk.asset_ids, run.as_of, _market(run), *_taught(run))
    return Part(measured.pack(), time.perf_counter() - started)


def keep(chunk: ScoreChunk, part: Part, *, at: datetime) -> bool:
    """Store what was measured; True for the chunk that completes the run."""
    checksum = hashlib.sha256(part.packed).hexdigest()
    return score_runs.store_chunk(chunk, packed=part.packed, checksum=checksum, seconds=part.seconds, at=at)


def finish(run: ScoreRun, *, job: Job | None = None) -> dict[str, int]:
    """Rank, score, explain and store everybody of a run whose chunks are all there; how many of each status.

    Raises `ModelOfOtherFormulas` where this code is not what the run was begun by.
    """
    risk_models.require_own(run.model)
    started = time.perf_counter()
    at = clock.now()
    rows = scorecards.cards(run, _kept(run), at=at)
    with transaction.atomic():
        counts = risk_scores.store(rows)
        if job is not None:
            # Last, for it keeps the row of the job from whoever renews its lease.
            jobs.progress(job, 99)
        seconds = {**run.durations, "finish": time.perf_counter() - started}
        score_runs.finish(run, counts=counts, durations=seconds, at=clock.now())
    return counts


def score(model: RiskModel, as_of: date, *, on_progress: Callable[[int], None] = lambda assets: None) -> ScoreRun:
    """A whole run by this process alone, which holds a job for it. Raises `AlreadyScored` or `NothingToScore`; whatever
    else is raised is told by the run."""
    score_runs.require_room(model, as_of, at=clock.now())
    asset_ids = whom(as_of, at=clock.now())
    parameters = scoring.Parameters(as_of.isoformat(), model.version)
    with lease.performed_here(scoring.UNIVERSE, parameters=asdict(parameters), at=clock.now()) as job:
        # What is learnt may take minutes, in which somebody may have cancelled it.
        planned = plan(model, as_of, at=clock.now(), asset_ids=asset_ids, on_progress=lambda _: jobs.progress(job, 0))
        run = begin(planned, job=job, at=clock.now())
        try:
            for chunk in ScoreChunk.objects.filter(run=run):
                part = measure(chunk)
                with transaction.atomic():
                    jobs.progress(job, 90 * (chunk.number + 1) // run.chunks)
                    keep(chunk, part, at=clock.now())
                on_progress(len(chunk.asset_ids))
            finish(run, job=job)
        except BaseException as error:
            score_runs.fail(run, error=type(error).__name__, at=clock.now())
            raise
        jobs.succeed(job, result={"as_of": as_of.isoformat(), "runs": {model.version: run.pk}, "skipped": {}})
    run.refresh_from_db()
    return run


def preview(plan: Plan, *, on_progress: Callable[[int], None] = lambda assets: None) -> list[RiskScore]:
    """The rows that a run of this plan would store."""
    at = clock.now()
    run = ScoreRun(
        model=plan.model,
        fit=plan.fit,
        as_of=plan.as_of,
        news_at=_close(plan.as_of),
        sentiment_version=scorer.model_version(),
        seed_base=_seed_base(plan.model, plan.as_of),
        started_at=at,
        engine=installed(),
    )
    return list(scorecards.cards(run, measured_all(run, plan.asset_ids, plan.market, on_progress), at=at))


def measured_all(
    run: ScoreRun,
    asset_ids: Sequence[int],
    market: Market,
    on_progress: Callable[[int], None] = lambda assets: None,
) -> Measured:
    """Everybody of a run, chunk by chunk, in this process."""
    prior, redraws = _taught(run)
    parts = []
    for first in range(0, len(asset_ids), CHUNK_ASSETS):
        ids = list(asset_ids[first : first + CHUNK_ASSETS])
        parts.append(_measured(ids, run.as_of, market, prior, redraws))
        on_progress(len(ids))
    return Measured.joined(parts)


def _taught(run: ScoreRun) -> tuple[Prior | None, Redraws]:
    """What a run knows before it measures."""
    return frames.prior(run.fit), frames.redraws(run.fit, seed=run.seed_base)


def _measured(
    asset_ids: Sequence[int], as_of: date, market: Market, prior: Prior | None, redraws: Redraws | None
) -> Measured:
    try:
        panel = frames.panel(asset_ids, through=as_of)
        return measurement.measured(
            panel, market=market, prior=prior, input_hashes=panel.input_hashes(), redraws=redraws
        )
    except (DatabaseError, SoftTimeLimitExceeded):
        # No fault of an asset: the chunk is tried again.
        raise
    except Exception as error:
        if len(asset_ids) > 1:
            half = len(asset_ids) // 2
            return Measured.joined(
                [_measured(part, as_of, market, prior, redraws) for part in (asset_ids[:half], asset_ids[half:])]
            )
        log.exception("risk.asset_failed", asset_id=asset_ids[0] if asset_ids else None)
        return measurement.failed(asset_ids, type(error).__name__)


def _kept(run: ScoreRun) -> Measured:
    parts = []
    for chunk in ScoreChunk.objects.filter(run=run).order_by("number"):
        packed = bytes(chunk.packed or b"")
        if hashlib.sha256(packed).hexdigest() != chunk.checksum:
            raise ValueError(f"chunk {chunk.number} is not what was stored")
        parts.append(Measured.unpack(packed))
    return Measured.joined(parts)


def _market(run: ScoreRun) -> Market:
    packed = bytes(run.context or b"")
    if hashlib.sha256(packed).hexdigest() != run.context_checksum:
        raise ValueError("the context is not what was stored")
    return Market.unpack(packed)


def _close(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + _DAY


def _seed_base(model: RiskModel, as_of: date) -> str:
    return first_bits(model.version, as_of.isoformat())


def _libraries() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()[:200]
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")[:200]
