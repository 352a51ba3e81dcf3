"""What the schedules start."""

from dataclasses import asdict

from celery import shared_task

from config.kernel import clock
from markets.runs import day_close, description, retention, sync


@shared_task(name="update_market_data")
def update_market_data(
    *, limit: int = sync.DEFAULT_LIMIT, provider: str | None = None, cross_check: bool = False, **_: object
) -> dict[str, object]:
    """Fetch the latest quotes; the run's row tells how it went."""
    run = sync.sync(sync.Parameters(limit, provider, cross_check))
    return {"run": run.pk, "state": run.state}


@shared_task(name="markets.close_days")
def close_days(**_: object) -> dict[str, int]:
    """Make daily bars of complete days from the snapshots."""
    return asdict(day_close.perform(at=clock.now()))


@shared_task(name="markets.enforce_retention")
def enforce_retention(**_: object) -> dict[str, object]:
    """Drop what is beyond the retention and create the partitions to come."""
    return asdict(retention.perform(at=clock.now()))


@shared_task(name="markets.describe_assets")
def describe_assets(*, limit: int = description.DEFAULT_LIMIT, **_: object) -> dict[str, int]:
    """Fetch what rarely changes about assets: description, website, picture, categories."""
    return {"described": description.perform(limit, now=clock.now)}
