"""How well a model's forecasts have held, by all that has been written down of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Avg, Count, F, FloatField, Q, Sum
from django.db.models.functions import Cast, Coalesce

from risk.models import ForecastOutcome


@dataclass(frozen=True, slots=True)
class TailCalibration:
    """Of the next day: how often the loss was beyond the value at risk, beside how often it should have been."""

    model: str
    level: float
    bucket: str
    """Third of the market caps and length of history; `all` for everything together."""
    forecasts: int
    exceedances: int
    expected_rate: float
    rate: float
    shortfall_statistic: float
    """Acerbi and Szekely's Z2 with the sign that positive is a shortfall too small; 0 for a true model."""


@dataclass(frozen=True, slots=True)
class IntervalCalibration:
    """Of the next 30 days: how often the realised risk was inside the interval, beside what the interval promised."""

    model: str
    level: float
    bucket: str
    forecasts: int
    inside: int
    rate: float
    mean_width: float
    """Points of the score."""


ALL = "all"


def tails(*, model: str | None = None) -> Sequence[TailCalibration]:
    """A row a model, level and bucket, and one a level for all buckets together."""
    rows = _of(ForecastOutcome.Horizon.DAY, model)
    # Within an aggregate, where the loss was not beyond there is nothing to add.
    beyond = Sum(Cast(-F("realised_return"), FloatField()) / F("expected_shortfall"), filter=Q(is_exceeded=True))
    figures = {
        "n": Count("pk"),
        "exceedances": Count("pk", filter=Q(is_exceeded=True)),
        "beyond": Coalesce(beyond, 0.0),
    }
    found = []
    for grouped in (("score__model__version", "level", "score__bucket"), ("score__model__version", "level")):
        for row in rows.values(*grouped).annotate(**figures).order_by(*grouped):
            expected = 1 - row["level"]
            found.append(
                TailCalibration(
                    row["score__model__version"],
                    row["level"],
                    row.get("score__bucket", ALL),
                    row["n"],
                    row["exceedances"],
                    expected,
                    row["exceedances"] / row["n"],
                    row["beyond"] / (row["n"] * expected) - 1,
                )
            )
    return found


def intervals(*, model: str | None = None) -> Sequence[IntervalCalibration]:
    """A row a model, coverage and bucket, and one a coverage for all buckets together."""
    rows = _of(ForecastOutcome.Horizon.MONTH, model)
    found = []
    for grouped in (("score__model__version", "level", "score__bucket"), ("score__model__version", "level")):
        for row in (
            rows.values(*grouped)
            .annotate(
                n=Count("pk"),
                inside=Count("pk", filter=Q(is_inside=True)),
                width_80=Avg(F("score__score_high_80") - F("score__score_low_80")),
                width_90=Avg(F("score__score_high_90") - F("score__score_low_90")),
            )
            .order_by(*grouped)
        ):
            found.append(
                IntervalCalibration(
                    row["score__model__version"],
                    row["level"],
                    row.get("score__bucket", ALL),
                    row["n"],
                    row["inside"],
                    row["inside"] / row["n"],
                    row[f"width_{round(100 * row['level'])}"],
                )
            )
    return found


def _of(horizon: str, model: str | None):  # type: ignore[no-untyped-def]  # a queryset, of which mypy makes too much
    rows = ForecastOutcome.objects.filter(horizon=horizon).order_by()
    return rows if model is None else rows.filter(score__model__version=model)
