"""How often forecasts came true: by model, horizon, level and bucket."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from django.db import connection

from risk.models import ForecastOutcome
from risk.models.calibration_day import PEGGED
from risk.quant.hit_rate import OVERLAP, HitRate, hit_rate

What = Literal["value_at_risk_exceeded", "inside_interval"]

# Pegged assets are no part of all of them together: what is said of the others was learnt without them.
# Assets of a day go together, and so do months that overlap: a cluster is a day, or thirty.
_CLUSTERS = (
    "SELECT day.model_id, day.horizon, day.level, part.bucket,"  # noqa: S608  # literal name
    " CASE day.horizon WHEN 'day' THEN day.as_of - DATE '1970-01-01' ELSE (day.as_of - DATE '1970-01-01') / 30 END"
    " AS cluster, sum(day.size)::float8 AS n, sum(day.hits)::float8 AS h, min(day.as_of) AS first,"
    " max(day.as_of) AS last, sum(day.beyond) AS beyond, sum(day.comparable)::float8 AS comparable,"
    " sum(day.width) AS width FROM risk_calibrationday day"
    " CROSS JOIN LATERAL (VALUES (day.bucket), (NULL)) AS part (bucket)"
    f" WHERE {{where}} AND (part.bucket IS NOT NULL OR day.bucket <> '{PEGGED}') GROUP BY 1, 2, 3, 4, cluster"
)
_TABLE = (
    "SELECT model.version, c.horizon, c.level, c.bucket,"
    " count(*), sum(h), sum(n), sum(h * h), sum(h * n), sum(n * n), min(c.first), max(c.last),"
    " sum(beyond), sum(comparable), sum(width)"
    " FROM ({clusters}) c JOIN risk_riskmodel model ON model.id = c.model_id"
    " GROUP BY model.version, c.horizon, c.level, c.bucket"
    " ORDER BY model.version, c.horizon, c.level, c.bucket NULLS FIRST"
)


@dataclass(frozen=True, slots=True)
class Row:
    """One model, horizon and level in one bucket, or in all but the pegged (`bucket` None)."""

    model_version: str
    horizon: str
    level: float
    bucket: str | None
    hits: int
    size: int
    clusters: int
    first: date
    last: date
    found: HitRate
    shortfall_statistic: float | None
    """Of the next day: Acerbi and Szekely's Z2, positive where the shortfall was too small; 0 for a true model.

    None where there was no shortfall above zero, and where the only hits were on days without one: without their losses
    it would be -1, as if there had been no hit.
    """
    comparable: int | None
    """Outcomes whose shortfall was above zero, of which alone the statistic is."""
    mean_width: float | None
    """Of the next 30 days: points of the score that the intervals were wide."""

    @property
    def what(self) -> What:
        return "value_at_risk_exceeded" if self.horizon == ForecastOutcome.Horizon.DAY else "inside_interval"

    @property
    def expected(self) -> float:
        """The rate of a model that is right."""
        return 1 - self.level if self.horizon == ForecastOutcome.Horizon.DAY else self.level

    @property
    def agrees(self) -> bool:
        """Whether the expected rate is one that the interval allows."""
        return self.found.lower <= self.expected <= self.found.upper


def table(
    *, model_id: int | None = None, horizon: str | None = None, start: date | None = None, end: date | None = None
) -> Sequence[Row]:
    """Every row there is of scores as of `start` or later and before `end`."""
    conditions, parameters = ["true"], []
    for condition, value in (
        ("day.model_id = %s", model_id),
        ("day.horizon = %s", horizon),
        ("day.as_of >= %s", start),
        ("day.as_of < %s", end),
    ):
        if value is not None:
            conditions.append(condition)
            parameters.append(value)
    with connection.cursor() as cursor:
        cursor.execute(_TABLE.format(clusters=_CLUSTERS.format(where=" AND ".join(conditions))), parameters)
        records = cursor.fetchall()
    return [_row(*record) for record in records]


def _row(
    version: str,
    horizon: str,
    level: float,
    bucket: str | None,
    clusters: int,
    hits: float,
    size: float,
    hits_squared: float,
    cross: float,
    squared: float,
    first: date,
    last: date,
    beyond: float,
    comparable: float,
    width: float | None,
) -> Row:
    is_day = horizon == ForecastOutcome.Horizon.DAY
    found = hit_rate(
        clusters=clusters,
        hits=hits,
        size=size,
        hits_squared=hits_squared,
        cross=cross,
        squared=squared,
        shared=0.0 if is_day else OVERLAP,
    )
    can_be_told = is_day and comparable > 0 and (beyond != 0 or not hits)
    return Row(
        version,
        horizon,
        level,
        bucket,
        int(hits),
        int(size),
        clusters,
        first,
        last,
        found,
        beyond / (comparable * (1 - level)) - 1 if can_be_told else None,
        int(comparable) if is_day else None,
        None if is_day or width is None else width / size,
    )
