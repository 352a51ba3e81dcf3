from django.db import models


class ForecastOutcome(models.Model):
    """What came of a forecast of a score: a row a horizon and level, kept for ever; append-only.

    Of the next day: value at risk and expected shortfall at `level`, the log return that happened, and whether it
    fell beyond. Of the next 30 days: whether the risk that was realised lies inside the interval of coverage `level`.
    """

    class Horizon(models.TextChoices):
        DAY = "day"
        MONTH = "month"

    id = models.BigAutoField(primary_key=True)
    # The constraint below begins with it.
    score = models.ForeignKey("risk.RiskScore", on_delete=models.PROTECT, db_index=False, related_name="outcomes")
    horizon = models.CharField(max_length=8, choices=Horizon)
    level = models.FloatField()
    value_at_risk = models.FloatField(null=True, blank=True, help_text="Positive: a loss, as a log return.")
    expected_shortfall = models.FloatField(null=True, blank=True)
    realised_return = models.FloatField(null=True, blank=True, help_text="Log return of the next day.")
    is_exceeded = models.BooleanField(null=True, blank=True, help_text="The loss was beyond the value at risk.")
    realised_volatility = models.FloatField(null=True, blank=True, help_text="Annualised, of the next 30 days.")
    realised_score = models.FloatField(null=True, blank=True, help_text="The realised risk in points of the score.")
    is_inside = models.BooleanField(null=True, blank=True, help_text="The realised risk was inside the interval.")
    recorded_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["score", "horizon", "level"], name="forecast_outcome_once"),
            models.CheckConstraint(
                condition=models.Q(
                    horizon="day",
                    value_at_risk__isnull=False,
                    expected_shortfall__isnull=False,
                    realised_return__isnull=False,
                    is_exceeded__isnull=False,
                    realised_volatility__isnull=True,
                    realised_score__isnull=True,
                    is_inside__isnull=True,
                )
                | models.Q(
                    horizon="month",
                    value_at_risk__isnull=True,
                    expected_shortfall__isnull=True,
                    realised_return__isnull=True,
                    is_exceeded__isnull=True,
                    realised_volatility__isnull=False,
                    realised_score__isnull=False,
                    is_inside__isnull=False,
                ),
                name="forecast_outcome_of_its_horizon",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.score}: {self.horizon} at {self.level}"
