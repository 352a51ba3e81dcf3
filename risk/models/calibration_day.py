from django.db import models

from risk.models.forecast_outcome import ForecastOutcome

PEGGED = "pegged"
"""The bucket of assets that are stablecoins; no other bucket has its name."""


class CalibrationDay(models.Model):
    """How the forecasts of a model's scores of a day fared, counted by horizon, level and bucket.

    Pegged assets are a bucket of their own, whatever the bucket of their scores: intervals are learnt without them.

    Derived from `ForecastOutcome` by the deed that stores outcomes, in the same transaction, so that years of them are
    told in milliseconds. `verify_invariants` compares the two.
    """

    id = models.BigAutoField(primary_key=True)
    model = models.ForeignKey("risk.RiskModel", on_delete=models.PROTECT, db_index=False, related_name="+")
    as_of = models.DateField(help_text="Of the scores.")
    horizon = models.CharField(max_length=8, choices=ForecastOutcome.Horizon)
    level = models.FloatField()
    bucket = models.CharField(max_length=32, blank=True, default="")
    size = models.PositiveIntegerField(help_text="Outcomes.")
    hits = models.PositiveIntegerField(help_text="Losses beyond the value at risk, or risks inside the interval.")
    beyond = models.FloatField(help_text="Sum of losses beyond the value at risk, as multiples of the shortfall.")
    comparable = models.PositiveIntegerField(
        help_text="Outcomes whose shortfall was above zero: a price that never fell has none to compare a loss with."
    )
    width = models.FloatField(null=True, blank=True, help_text="Sum of the widths of the intervals, in points.")

    class Meta:
        ordering = ["model", "-as_of", "horizon", "level", "bucket"]
        constraints = [
            models.UniqueConstraint(
                fields=["model", "as_of", "horizon", "level", "bucket"], name="calibration_day_once"
            ),
            models.CheckConstraint(
                condition=models.Q(hits__lte=models.F("size")), name="calibration_day_no_more_hits_than_outcomes"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.as_of} {self.horizon} {self.level} {self.bucket}"
