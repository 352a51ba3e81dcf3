"""Scores as readers find them: those of runs that have finished, of one model at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any

from django.db.models import F, Q, QuerySet

from risk.errors import UnknownModel
from risk.models import RiskModel, RiskScore, ScoreRun

DAY = timedelta(days=1)
_MAX_GAPS = 100


def model_of(version: str | None) -> RiskModel | None:
    """The model of a version, or the one in charge where none is named; None where none is in charge."""
    return RiskModel.objects.headline().first() if version is None else named(version)


def named(version: str) -> RiskModel:
    """The model of a version that is or was in use."""
    model = RiskModel.objects.published().filter(version=version).first()
    if model is None:
        raise UnknownModel(models=list(RiskModel.objects.published().values_list("version", flat=True)))
    return model


def run_of(model: RiskModel | None, *, as_of: date | None = None) -> ScoreRun | None:
    """The newest run of the model that has finished, or the one of a day; None where there is none."""
    if model is None:
        return None
    runs = ScoreRun.objects.finished().filter(model=model).select_related("model", "fit")
    if as_of is not None:
        runs = runs.filter(as_of=as_of)
    return runs.order_by("-as_of", "-id").first()


def score_in(run: ScoreRun | None, asset_id: int) -> RiskScore | None:
    """What a run found of an asset; None where the run has not seen it."""
    if run is None:
        return None
    return RiskScore.objects.filter(run=run, asset_id=asset_id).select_related("asset", "previous").first()


@dataclass(frozen=True, slots=True)
class Span:
    """What part of a history is wanted, `end` exclusive; at most `limit` days, the newest unless `start` is given."""

    limit: int
    start: date | None = None
    end: date | None = None

    @classmethod
    def between(cls, start: datetime | None, end: datetime | None, *, limit: int) -> "Span":
        """The days whose first instants lie between two instants."""
        return cls(limit, None if start is None else day_from(start), None if end is None else day_from(end))


@dataclass(frozen=True, slots=True)
class History:
    """The scores of an asset, oldest first; days without one are named in `gaps`, `end` exclusive."""

    scores: Sequence[RiskScore]
    gaps: Sequence[tuple[date, date]]
    gap_points: int
    next_start: date | None

    @property
    def newest(self) -> RiskScore | None:
        return self.scores[-1] if self.scores else None


def history(asset_id: int, model: RiskModel | None, span: Span) -> History:
    """The part of an asset's scores that `span` describes."""
    if model is None:
        return History([], [], 0, None)
    scores = RiskScore.objects.narrow().filter(asset_id=asset_id, model=model, run__state=ScoreRun.State.FINISHED)
    if span.start is not None:
        scores = scores.filter(as_of__gte=span.start)
    if span.end is not None:
        scores = scores.filter(as_of__lt=span.end)
    order = ("-as_of", "-id") if span.start is None else ("as_of", "id")
    found = list(scores.order_by(*order)[: span.limit + 1])
    following = found[span.limit].as_of if span.start is not None and len(found) > span.limit else None
    found = found[: span.limit]
    if span.start is None:
        found.reverse()
    holes = [(before.as_of + DAY, after.as_of) for before, after in pairwise(found) if after.as_of - before.as_of > DAY]
    return History(found, holes[:_MAX_GAPS], sum((end - start).days for start, end in holes), following)


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page starts: behind the row with this value and id."""

    value: float | None
    score_id: int


@dataclass(frozen=True, slots=True)
class Ranking:
    """The filters and the order of one page of a run's scores; missing values come last in either direction."""

    limit: int
    sort_by: str = "score"
    descending: bool = True
    position: Position | None = None
    symbols: Sequence[str] = ()
    band: str | None = None
    status: str | None = None
    confidence: str | None = None
    min_score: float | None = None
    max_score: float | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """The scores of one page, how many match in all, and where the next page starts."""

    count: int
    scores: Sequence[RiskScore]
    next: Position | None


def page(run: ScoreRun | None, ranking: Ranking) -> Page:
    """One page of the listed assets that a run has seen."""
    if run is None:
        return Page(0, [], None)
    matching = _matching(run, ranking)
    order = F(ranking.sort_by)
    ordered = order.desc(nulls_last=True) if ranking.descending else order.asc(nulls_last=True)
    beyond = _beyond(ranking)
    found = list(matching.filter(beyond).select_related("asset").order_by(ordered, "id")[: ranking.limit + 1])
    following = None
    if len(found) > ranking.limit:
        found = found[: ranking.limit]
        following = Position(getattr(found[-1], ranking.sort_by), found[-1].pk)
    return Page(matching.count(), found, following)


def _matching(run: ScoreRun, ranking: Ranking) -> QuerySet[RiskScore]:
    scores = RiskScore.objects.narrow().filter(run=run, asset__is_active=True)
    wanted: dict[str, Any] = {
        "band": ranking.band,
        "status": ranking.status,
        "confidence": ranking.confidence,
        "score__gte": ranking.min_score,
        "score__lte": ranking.max_score,
        "asset__symbol__in": [symbol.upper() for symbol in ranking.symbols] or None,
    }
    return scores.filter(**{name: value for name, value in wanted.items() if value is not None})


def _beyond(ranking: Ranking) -> Q:
    position = ranking.position
    if position is None:
        return Q()
    if position.value is None:
        return Q(**{f"{ranking.sort_by}__isnull": True}, pk__gt=position.score_id)
    side = "lt" if ranking.descending else "gt"
    tie = Q(**{ranking.sort_by: position.value}, pk__gt=position.score_id)
    return Q(**{f"{ranking.sort_by}__{side}": position.value}) | tie | Q(**{f"{ranking.sort_by}__isnull": True})


def midnight(day: date) -> datetime:
    """The start of a UTC day."""
    return datetime.combine(day, time(), tzinfo=UTC)


def day_from(instant: datetime) -> date:
    """The first UTC day that starts no earlier."""
    moment = instant.astimezone(UTC)
    return moment.date() if moment.time() == time() or moment.date() == date.max else moment.date() + DAY
