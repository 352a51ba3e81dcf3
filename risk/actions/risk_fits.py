"""What a model has learnt, written down once."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from django.db import transaction

from accounts.actions import audit
from markets.actions import market
from risk.models import RiskFit, RiskModel


@transaction.atomic
def record(
    model: RiskModel,
    as_of: date,
    *,
    columns: Mapping[str, object],
    dates: Sequence[date],
    input_hash: str,
    at: datetime,
) -> RiskFit:
    """The fit with these columns; learnt again from the same, the row that is there already."""
    fit, is_new = RiskFit.objects.get_or_create(
        model=model,
        as_of=as_of,
        input_hash=input_hash,
        defaults={**columns, "dates": [day.isoformat() for day in dates], "created_at": at},
    )
    if is_new:
        audit.record(
            "risk.model.fitted",
            actor=None,
            subject=fit,
            at=at,
            after={"model": model.version, "as_of": as_of.isoformat(), "observations": fit.observations},
        )
        market.touch(at=at)
    return fit
