"""What came of forecasts, written down once."""

from collections.abc import Sequence

from django.db import transaction

from markets.actions import market
from risk.models import ForecastOutcome


@transaction.atomic
def store(rows: Sequence[ForecastOutcome]) -> int:
    """Append what is not there yet; how many were asked for."""
    ForecastOutcome.objects.bulk_create(rows, batch_size=1_000, ignore_conflicts=True)
    if rows:
        market.touch(at=rows[0].recorded_at)
    return len(rows)
