"""What came of forecasts, written down once."""

from collections.abc import Sequence

from risk.models import ForecastOutcome


def store(rows: Sequence[ForecastOutcome]) -> int:
    """Append what is not there yet; how many were asked for."""
    ForecastOutcome.objects.bulk_create(rows, batch_size=1_000, ignore_conflicts=True)
    return len(rows)
