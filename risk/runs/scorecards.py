"""What happens in a scoring run, whoever performs its parts: jobs on several machines, or a command by itself."""

import hashlib
import io
import platform
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import asdict, dataclass, fields
from datetime import UTC, date, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from math import exp, isfinite
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.db import Error as DatabaseError
from django.db import transaction
from django.db.models import OuterRef, Subquery

from accounts import lease
from accounts.actions import jobs
from accounts.models import Job
from config.kernel import clock
from config.kernel.many import any_of
from markets.models import Asset, NewsItem
from markets.queries import news_mood
from markets.queries.news_mood import AssetMood
from markets.sentiment import scorer
from markets.sentiment.daily import NewsMood
from risk import frames
from risk.actions import risk_models, risk_scores, score_runs
from risk.errors import NothingToScore
from risk.models import RiskFit, RiskModel, RiskScore, ScoreChunk, ScoreRun, Wrapping
from risk.parameters import Parameters
from risk.quant import universe
from risk.quant.arrays import FloatArray
from risk.quant.eligibility import Standing
from risk.quant.engine import installed
from risk.quant.features import LEVELS, Market
from risk.quant.garch import Prior
from risk.quant.score_map import band
from risk.quant.tail_risk import Pool
from risk.quant.universe import CAUSES, Compared, Facts, Measured, Natural, Redraws, Scored
from risk.runs import learning, scoring

CHUNK_ASSETS = 500
ADDITIVE_WITHIN = 1e-9
CONTEXT = ("news", "wrapping", "score before", "fit")
"""What a score is made of besides prices, in the order of its `context_hash`."""
LIBRARIES = ("numpy", "scipy", "numba", "llvmlite", "arch")
ALARMS = ("hack", "depeg", "delisting", "insolvency", "regulation")
"""Kinds of events whose news are told beside a score, and add nothing to it."""
MOST_TOLD = 10
"""Items of an event that a row names, the newest."""
_DAY = timedelta(days=1)
_NEWS = attrgetter(*(field.name for field in fields(NewsMood)))

log = structlog.get_logger(__name__)

REASONS: Mapping[str, str] = {
    Standing.NO_HISTORY: "There is no daily price of it.",
    Standing.HISTORY_ENDED: "Its prices end before this day: where a source ends nothing is known.",
    Standing.INSUFFICIENT_HISTORY: "Fewer than 14 days with a price.",
    Standing.DEAD: "Down by 99 % at hardly any volume, or without any trade for 30 days: 100 by rule, not by forecast.",
    universe.NOT_MEASURABLE: "Its prices do not move, or are too far apart for returns: no volatility to measure.",
    RiskScore.Status.NO_MODEL: "The stored history is too short for the model to have learnt from it.",
}


class NotAdditive(ArithmeticError):
    """The causes of a score do not add up to it: nothing of such a run is stored."""


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


def plan(model: RiskModel, as_of: date, *, at: datetime, asset_ids: Sequence[int] | None = None) -> Plan:
    """What the model had learnt by then (learning it now where that has not happened), and the market of the day.

    Of these assets, or of those that `whom` says.
    """
    risk_models.require_own(model)
    started = time.perf_counter()
    asset_ids = whom(as_of, at=at) if asset_ids is None else asset_ids
    fit = learning.fit_for(model, as_of, at=at)
    return Plan(model, as_of, fit, asset_ids, frames.market(asset_ids, through=as_of), time.perf_counter() - started)


def begin(plan: Plan, *, job: Job, at: datetime, chunk_assets: int = CHUNK_ASSETS) -> ScoreRun:
    """The run of a plan, with its chunks. Raises `AlreadyScored`."""
    context = _packed(plan.market)
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
    rows = cards(run, _kept(run), at=at)
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
        run = begin(plan(model, as_of, at=clock.now(), asset_ids=asset_ids), job=job, at=clock.now())
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
    return list(cards(run, measured_all(run, plan.asset_ids, plan.market, on_progress), at=at))


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


def cards(run: ScoreRun, found: Measured, *, at: datetime) -> Iterator[RiskScore]:
    """A row an asset, with its score and causes or with the reason why there is none.

    One after the other: all rows of a large universe at once are hundreds of megabytes of small objects.
    """
    parameters = Parameters.of(run.model.parameters)
    previous, pumped = _past(run, found.asset_ids.tolist(), parameters)
    moods = news_mood.moods(
        found.asset_ids.tolist(), at=run.news_at, model_version=run.sentiment_version or None, judged_by=at
    )
    facts = _facts(run, found, moods, previous, pumped, parameters)
    events = _events(moods)
    beside = universe.compared(found)
    if run.fit is None:
        day = universe.unlearnt(found)
    else:
        learnt = frames.learnt(run.fit)
        day = universe.scored(found, beside, learnt, facts=facts, rules=frames.rules(parameters))
    ends = Ends.of(day)
    # A copy of it is made four times as fast as a row.
    blank = RiskScore(model=run.model, run=run, as_of=run.as_of, calculated_at=at)
    # Everything has been asked of the database by now: rows are made while others are being copied to it.
    return (
        _card(copy(blank), run, found, beside, natural, day, ends, facts, moods, events, previous, row)
        for row, natural in enumerate(universe.naturals(found, beside))
    )


@dataclass(frozen=True, slots=True)
class Ends:
    """Of intervals, by the names of their columns; a value an asset."""

    intervals: Mapping[str, list[float]]
    estimation: Mapping[str, list[float]]

    @classmethod
    def of(cls, day: Scored) -> "Ends":
        """All of a day."""
        kinds = ("score_low", "score_high", "percentile_low", "percentile_high")
        return cls(
            {
                f"{kind}_{round(100 * coverage)}": values.tolist()
                for coverage, ends in day.intervals.items()
                for kind, values in zip(kinds, ends, strict=True)
            },
            {
                f"{kind}_{round(100 * coverage)}": values.tolist()
                for coverage, ends in day.estimation.items()
                for kind, values in zip(("estimate_low", "estimate_high"), ends, strict=True)
            },
        )


def _card(
    card: RiskScore,
    run: ScoreRun,
    found: Measured,
    beside: Compared,
    measurements: Sequence[Natural],
    day: Scored,
    ends: Ends,
    facts: Facts,
    moods: Mapping[int, AssetMood],
    events: Mapping[int, list[dict[str, Any]]],
    previous: Mapping[int, RiskScore],
    row: int,
) -> RiskScore:
    asset_id = int(found.asset_ids[row])
    standing = str(found.standing[row])
    card.asset_id = asset_id
    card.status = standing
    card.bucket = str(beside.bucket[row])
    card.is_stablecoin = standing == Standing.STABLECOIN
    card.is_pumped = bool(found.is_pumped[row])
    card.is_stale = bool(found.is_stale[row])
    card.bad_prints = int(found.bad_prints[row])
    card.data_from = frames.day_of(int(found.first_day[row]))
    card.data_to = frames.day_of(int(found.last_day[row]))
    card.observations = int(found.observed[row])
    card.input_hash = str(found.input_hash[row])
    card.seed = _first_bits(card.input_hash, str(asset_id), run.as_of.isoformat(), run.model.version, "score")
    news = (moods[asset_id].model_version, *_NEWS(moods[asset_id].mood), events[asset_id])
    card.context_hash = _context_hash(run, found, facts, news, previous.get(asset_id), row)
    if standing in (Standing.ORDINARY, Standing.STABLECOIN):
        card.measurements = [*measurements, _news(moods[asset_id].mood, events[asset_id])]
        if isfinite(found.peg_distance[row]):
            card.measurements.append(_peg(float(found.peg_distance[row])))
        card.tail = _tail(found, row)
        card.status = RiskScore.Status.OK
    if standing == universe.FAILED:
        card.reason = f"It could not be worked out: {found.error[row]}."
    elif card.status != RiskScore.Status.OK:
        card.reason = REASONS[standing]
    if card.status not in RiskScore.SCORED:
        return card
    if run.fit is None and card.status != RiskScore.Status.DEAD:
        card.status, card.reason = RiskScore.Status.NO_MODEL, REASONS[RiskScore.Status.NO_MODEL]
    elif not isfinite(day.score[row]):
        card.status, card.reason = RiskScore.Status.NOT_MEASURABLE, REASONS[universe.NOT_MEASURABLE]
    else:
        _with_score(card, found, day, ends, facts, previous.get(asset_id), row)
    return card


def _with_score(
    card: RiskScore, found: Measured, day: Scored, ends: Ends, facts: Facts, previous: RiskScore | None, row: int
) -> None:
    card.score = float(day.score[row])
    card.percentile = float(day.percentile[row])
    card.band = str(band(card.score))
    points = dict(zip(CAUSES, day.points[row].tolist(), strict=True))
    if abs(sum(points.values()) - card.score) > ADDITIVE_WITHIN:
        raise NotAdditive(f"asset {card.asset_id}: {points} is not {card.score}")
    card.contributions = [{"component": name, "points": value} for name, value in points.items()]
    if card.status == RiskScore.Status.OK:
        card.estimate_basis = str(found.basis[row])
        for name, values in ends.intervals.items():
            setattr(card, name, values[row])
        if card.is_estimated:
            for name, values in ends.estimation.items():
                setattr(card, name, values[row])
        card.sigma = exp(day.log_volatility[row])
        card.confidence_reasons = universe.doubts(found, facts, row, day=(card.as_of - frames.EPOCH).days)
        card.confidence = universe.confidence(card.confidence_reasons)
    if previous is not None and previous.score is not None:
        card.previous = previous
        card.delta = card.score - previous.score
        before = {entry["component"]: entry["points"] for entry in previous.contributions}
        names = dict.fromkeys([*points, *before])
        card.delta_by_component = [
            {"component": name, "points": points.get(name, 0.0) - before.get(name, 0.0)} for name in names
        ]


def context_parts(context_hash: str) -> dict[str, str]:
    """What the hash of a context says of each of `CONTEXT`."""
    width = len(context_hash) // len(CONTEXT)
    return {name: context_hash[width * place : width * (place + 1)] for place, name in enumerate(CONTEXT)}


def _events(moods: Mapping[int, AssetMood]) -> dict[int, list[dict[str, Any]]]:
    """What the news of each asset tell of, with the items, as the row keeps them: feeds and their readings change."""
    told = {
        asset_id: {kind: mood.events[kind] for kind in ALARMS if kind in mood.events}
        for asset_id, mood in moods.items()
    }
    ids = {item_id for kinds in told.values() for items in kinds.values() for item_id in items[:MOST_TOLD]}
    urls = dict(NewsItem.objects.filter(pk__in=any_of(ids)).values_list("pk", "url"))
    return {
        asset_id: [
            {"event": kind, "n": len(items), "items": [{"id": pk, "url": urls[pk]} for pk in items[:MOST_TOLD]]}
            for kind, items in kinds.items()
        ]
        for asset_id, kinds in told.items()
    }


def _context_hash(
    run: ScoreRun, found: Measured, facts: Facts, news: Sequence[object], previous: RiskScore | None, row: int
) -> str:
    underlying = int(facts.underlying[row])
    parts: dict[str, Sequence[object]] = {
        "news": news,
        "wrapping": (None if underlying < 0 else int(found.asset_ids[underlying]),),
        "score before": (previous and previous.pk, float(facts.held_at[row])),
        "fit": (run.fit and run.fit.input_hash,),
    }
    return "".join(_first_bits(*map(repr, parts[name])) for name in CONTEXT)


def _news(mood: NewsMood, events: list[dict[str, Any]]) -> dict[str, Any]:
    measured = Natural(
        name="news_negativity",
        component="news",
        value=mood.net_negativity_z,
        unit="deviations",
        standard_error=None,
        n=mood.items,
        percentile=None,
    )
    return {**measured, "events": events}


def _peg(distance: float) -> Natural:
    return Natural(
        name="peg_distance",
        component="peg",
        value=distance,
        unit="log_distance",
        standard_error=None,
        n=1,
        percentile=None,
    )


def _tail(found: Measured, row: int) -> list[dict[str, Any]]:
    return [
        {
            "level": level,
            "horizon_days": 1,
            "value_at_risk": float(found.value_at_risk[row, column]),
            "value_at_risk_error": _or_none(float(found.value_at_risk_error[row, column])),
            "expected_shortfall": float(found.expected_shortfall[row, column]),
            "expected_shortfall_error": _or_none(float(found.expected_shortfall_error[row, column])),
            "unit": "log_return",
            "method": str(found.tail_method[row, column]),
            "n": int(found.tail_count[row, column]),
        }
        for column, level in enumerate(LEVELS)
        if isfinite(found.value_at_risk[row, column]) and isfinite(found.expected_shortfall[row, column])
    ]


def _or_none(value: float) -> float | None:
    return value if isfinite(value) else None


def _past(run: ScoreRun, asset_ids: Sequence[int], parameters: Parameters) -> tuple[dict[int, RiskScore], set[int]]:
    """Each asset's latest score before this run, and who was pumped within the days in which scores are held."""
    earlier = RiskScore.objects.filter(model_id=run.model_id, as_of__lt=run.as_of, calculated_at__lte=run.started_at)
    # One step into the index an asset: the table holds years of them.
    of_asset = earlier.scored().filter(asset_id=OuterRef("pk")).order_by("-as_of", "-id")
    newest = (
        Asset.objects.filter(pk__in=any_of(asset_ids))
        .order_by()
        .values_list(Subquery(of_asset.values("pk")[:1]), flat=True)
    )
    ids = [pk for pk in newest if pk is not None]
    told = ("id", "asset_id", "as_of", "status", "score", "contributions")
    latest = RiskScore.objects.filter(pk__in=any_of(ids)).order_by().only(*told)
    pumped = earlier.filter(as_of__gte=run.as_of - parameters.hold_days * _DAY, is_pumped=True).order_by()
    return {row.asset_id: row for row in latest}, set(pumped.values_list("asset_id", flat=True))


def _facts(
    run: ScoreRun,
    found: Measured,
    moods: Mapping[int, AssetMood],
    previous: Mapping[int, RiskScore],
    pumped: set[int],
    parameters: Parameters,
) -> Facts:
    ids = found.asset_ids.tolist()
    news = np.full(len(ids), np.nan)
    held = np.full(len(ids), np.nan)
    for row, asset_id in enumerate(ids):
        mood = moods[asset_id].mood
        if mood.net_negativity_z is not None:
            # Better than neutral is no bad news, however unusual.
            news[row] = mood.net_negativity_z if mood.net_negativity > 0 else 0.0
        before = previous.get(asset_id)
        # The hundred of the dead is a rule's, and ends with it.
        if before is None or before.score is None or before.status == RiskScore.Status.DEAD:
            continue
        is_recent = before.as_of >= run.as_of - parameters.hold_days * _DAY
        if is_recent and (asset_id in pumped or found.is_pumped[row]):
            held[row] = before.score
    rows = {asset_id: row for row, asset_id in enumerate(ids)}
    underlying = np.full(len(ids), -1, dtype=np.int64)
    for asset_id, other in Wrapping.objects.filter(asset_id__in=any_of(ids)).values_list("asset_id", "underlying_id"):
        underlying[rows[asset_id]] = rows.get(other, -1)
    return Facts(news, held, underlying)


def _taught(run: ScoreRun) -> tuple[Prior | None, Redraws]:
    """What a run knows before it measures."""
    return frames.prior(run.fit), frames.redraws(run.fit, seed=run.seed_base)


def _measured(
    asset_ids: Sequence[int], as_of: date, market: Market, prior: Prior | None, redraws: Redraws | None
) -> Measured:
    try:
        panel = frames.panel(asset_ids, through=as_of)
        return universe.measured(panel, market=market, prior=prior, input_hashes=panel.input_hashes(), redraws=redraws)
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
        return universe.failed(asset_ids, type(error).__name__)


def _kept(run: ScoreRun) -> Measured:
    parts = []
    for chunk in ScoreChunk.objects.filter(run=run).order_by("number"):
        packed = bytes(chunk.packed or b"")
        if hashlib.sha256(packed).hexdigest() != chunk.checksum:
            raise ValueError(f"chunk {chunk.number} is not what was stored")
        parts.append(Measured.unpack(packed))
    return Measured.joined(parts)


def _packed(market: Market) -> bytes:
    octets = io.BytesIO()
    pool: dict[str, Any] = {f"pool_{name}": value for name, value in asdict(market.pool).items()}
    np.savez_compressed(octets, index=market.index, reference=market.reference, **pool)
    return octets.getvalue()


def _market(run: ScoreRun) -> Market:
    packed = bytes(run.context or b"")
    if hashlib.sha256(packed).hexdigest() != run.context_checksum:
        raise ValueError("the context is not what was stored")
    with np.load(io.BytesIO(packed), allow_pickle=False) as arrays:
        index: FloatArray = arrays["index"]
        reference: FloatArray = arrays["reference"]
        pool = Pool(
            tuple(arrays["pool_levels"].tolist()),
            arrays["pool_value_at_risk"],
            arrays["pool_expected_shortfall"],
            arrays["pool_quantile_deviation"],
            arrays["pool_deviation"],
            int(arrays["pool_observations"]),
        )
        return Market(index, reference, pool)


def checksum_of(market: Market) -> str:
    """What the row of a run says of its context."""
    return hashlib.sha256(_packed(market)).hexdigest()


def _close(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + _DAY


def _seed_base(model: RiskModel, as_of: date) -> str:
    return _first_bits(model.version, as_of.isoformat())


def _first_bits(*words: str) -> str:
    """The first 64 bits of their SHA-256, in hexadecimal."""
    return hashlib.sha256("|".join(words).encode()).hexdigest()[:16]


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
