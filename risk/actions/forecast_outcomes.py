"""What came of forecasts, written down once, and counted."""

from collections.abc import Sequence
from typing import Any

from django.db import connection, models, transaction

from markets.actions import market
from risk.models import ForecastOutcome
from risk.models.calibration_day import PEGGED

COUNTED = (
    "SELECT score.model_id, score.as_of, o.horizon, o.level,"  # noqa: S608  # literal name
    f" CASE WHEN score.is_stablecoin THEN '{PEGGED}' ELSE score.bucket END AS bucket, count(*) AS size,"
    " count(*) FILTER (WHERE coalesce(o.is_exceeded, o.is_inside)) AS hits,"
    # Within an aggregate, where the loss was not beyond there is nothing to add.
    " coalesce(sum(-o.realised_return / o.expected_shortfall)"
    " FILTER (WHERE o.is_exceeded AND o.expected_shortfall > 0), 0) AS beyond,"
    # A price that has never fallen has a shortfall of zero: there is no ratio to it.
    " count(*) FILTER (WHERE o.expected_shortfall > 0) AS comparable,"
    " sum(CASE o.level WHEN 0.8 THEN score.score_high_80 - score.score_low_80"
    " WHEN 0.9 THEN score.score_high_90 - score.score_low_90 END) FILTER (WHERE o.is_inside IS NOT NULL) AS width"
    " FROM {outcomes} o JOIN risk_riskscore score ON score.id = o.score_id"
    # Those of a run that was given up since, as when its market was replaced, count no more.
    " JOIN risk_scorerun run ON run.id = score.run_id AND run.state = 'finished' GROUP BY 1, 2, 3, 4, 5"
)
"""The rows of `CalibrationDay` that some outcomes amount to."""

_FIELDS = [field for field in ForecastOutcome._meta.concrete_fields if not field.primary_key]
_TYPES = {
    models.FloatField: "float8",
    models.CharField: "varchar",
    models.BooleanField: "bool",
    models.DateTimeField: "timestamptz",
    models.ForeignKey: "int8",
}
_NAMES = ", ".join(str(field.column) for field in _FIELDS)
_ARRAYS = ", ".join(f"%s::{_TYPES[type(field)]}[]" for field in _FIELDS)

# Of all who record the same at once each counts what it has added itself. The days are taken in one order, so that two
# do not wait for each other.
_STORE = (
    f"WITH added AS (INSERT INTO risk_forecastoutcome ({_NAMES}) SELECT * FROM unnest({_ARRAYS})"  # noqa: S608  # names of columns
    f" ON CONFLICT DO NOTHING RETURNING {_NAMES}),"
    " counted AS (INSERT INTO risk_calibrationday AS day"
    " (model_id, as_of, horizon, level, bucket, size, hits, beyond, comparable, width)"
    f" {COUNTED.format(outcomes='added')} ORDER BY 1, 2, 3, 4, 5"
    " ON CONFLICT (model_id, as_of, horizon, level, bucket) DO UPDATE SET size = day.size + excluded.size,"
    " hits = day.hits + excluded.hits, beyond = day.beyond + excluded.beyond,"
    " comparable = day.comparable + excluded.comparable, width = day.width + excluded.width)"
    " SELECT count(*) FROM added"
)


@transaction.atomic
def store(rows: Sequence[ForecastOutcome]) -> int:
    """Append what is not there yet, and count it; how many that were."""
    if not rows:
        return 0
    columns: list[Any] = [[getattr(row, field.attname) for row in rows] for field in _FIELDS]
    with connection.cursor() as cursor:
        cursor.execute(_STORE, columns)
        (added,) = cursor.fetchone()
    if added:
        market.touch(at=rows[0].recorded_at)
    return int(added)
