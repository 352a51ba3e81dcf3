"""What the schedules start."""

from dataclasses import asdict

from celery import shared_task

from config.kernel import clock
from markets.models import SyncRun
from markets.runs import day_close, description, indicators, news, retention, sync


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


@shared_task(name="markets.observe_indicators")
def observe_indicators(**_: object) -> dict[str, str]:
    """Fetch what the market as a whole is worth, and whose share of it is how large."""
    return _states(indicators.observe())


@shared_task(name="markets.observe_fear_and_greed")
def observe_fear_and_greed(**_: object) -> dict[str, str]:
    """Fetch the history of the Fear & Greed index."""
    run = indicators.observe_fear_and_greed()
    return {} if run is None else _states([run])


@shared_task(name="markets.collect_news")
def collect_news(**_: object) -> dict[str, str]:
    """Read every news feed; each one's run tells how it went."""
    return _states(news.collect())


def _states(runs: list[SyncRun]) -> dict[str, str]:
    return {run.provider: str(run.state) for run in runs}
