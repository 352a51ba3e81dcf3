"""What is known of each version of the model."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from django.db.models import Max, Q, QuerySet

from risk.errors import InsufficientHistory, NoBacktest
from risk.models import Backtest, RiskFit, RiskModel, ScoreRun

FEWEST_DAYS = 60
"""Forecast days below which a backtest says nothing."""


def published() -> Sequence[Any]:
    """Every version that has ever been in use, the one in charge first, each with `scored_as_of`."""
    return _listed(RiskModel.objects.published())


def all_of_them() -> Sequence[Any]:
    """The same with drafts."""
    return _listed(RiskModel.objects.all())


def _listed(models: QuerySet[RiskModel]) -> Sequence[Any]:
    finished = Q(runs__state=ScoreRun.State.FINISHED)
    found = models.annotate(scored_as_of=Max("runs__as_of", filter=finished))
    return list(found.order_by("-is_headline", "-created_at", "-id"))


def scored_as_of(model: RiskModel) -> date | None:
    """The day of the newest finished run of a model."""
    newest: date | None = model.runs.filter(state=ScoreRun.State.FINISHED).aggregate(newest=Max("as_of"))["newest"]
    return newest


def newest_fit(model: RiskModel) -> RiskFit | None:
    """The newest of what a model has learnt."""
    return model.fits.of_this_market().order_by("-as_of", "-id").first()


def newest_backtest(model: RiskModel) -> Backtest:
    """How the model fared; `NoBacktest`, or `InsufficientHistory` where never enough days were forecast.

    One that does not say how many it were, as of an earlier release, is none.
    """
    counted = model.backtests.of_this_market().filter(days__isnull=False).order_by("-created_at", "-id")
    telling = counted.filter(days__gte=FEWEST_DAYS).first()
    if telling is not None:
        return telling
    newest = counted.first()
    if newest is None:
        raise NoBacktest
    raise InsufficientHistory(days=newest.days, needed=FEWEST_DAYS)
