"""Backtests, written down as they came out."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from django.db import transaction

from accounts.actions import audit
from markets.actions import market
from risk.models import Backtest, RiskModel


@transaction.atomic
def record(
    model: RiskModel,
    *,
    since: date,
    until: date,
    days: int,
    assets: int,
    forecasts: int,
    results: Sequence[Mapping[str, object]],
    at: datetime,
) -> Backtest:
    """The record that the API shows beside the model."""
    found = Backtest.objects.create(
        model=model,
        since=since,
        until=until,
        days=days,
        assets=assets,
        forecasts=forecasts,
        results=[dict(result) for result in results],
        created_at=at,
    )
    audit.record(
        "risk.model.backtested",
        actor=None,
        subject=found,
        at=at,
        after={"model": model.version, "forecasts": forecasts},
    )
    market.touch(at=at)
    return found
