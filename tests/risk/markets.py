"""Small markets with a history long enough to learn from."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from accounts.actions import jobs
from accounts.holder import Holder
from accounts.models import Job
from config import pipelines
from markets.models import Asset
from markets.runs import simulation
from risk.runs import scoring
from tests.markets.factories import AssetFactory, store_daily_bars

NOON = datetime(2026, 3, 12, 12, tzinfo=UTC)
LAST = date(2026, 3, 11)
ASSETS, DAYS = 26, 480


def simulated(*, assets: int = ASSETS, days: int = DAYS, seed: int = 3) -> None:
    """A simulated market whose last bar is of `LAST`."""
    simulation.perform(simulation.Parameters(assets, days, seed), at=NOON)


def coin(
    slug: str,
    close: Sequence[float | None] | NDArray[np.float64],
    *,
    volume: Sequence[float | None] | None = None,
    until: date = LAST,
) -> Asset:
    """A coin with these daily closes, the last one of `until`."""
    values = [None if value is None or np.isnan(value) else float(value) for value in close]
    asset = AssetFactory.create(slug=slug)
    traded = volume if volume is not None else [1e6] * len(values)
    store_daily_bars(asset, until - timedelta(days=len(values) - 1), values, volume=traded)
    return asset


def walk(days: int, *, seed: int, scale: float = 0.04) -> NDArray[np.float64]:
    """Prices of a random walk from 10 on."""
    moves: NDArray[np.float64] = np.random.default_rng(seed).standard_t(5, days) * scale
    return np.asarray(10.0 * np.exp(moves.cumsum()))


def held() -> Job:
    """A job that this process holds, as a command does."""
    return jobs.take(scoring.UNIVERSE, holder=Holder.current(), parameters={}, at=NOON)


def perform_all(*, most: int = 200) -> list[Job]:
    """Perform waiting jobs as a worker would, until none is due; in their order."""
    performed: list[Job] = []
    while len(performed) < most and (job := Job.objects.due().order_by("created_at", "pk").first()):
        pipelines.perform_job(job_id=str(job.pk))
        job.refresh_from_db()
        performed.append(job)
    return performed
