from datetime import date
from typing import Self

from django.db import models

from markets.models import Market


class RiskFitQuerySet(models.QuerySet["RiskFit"]):
    def of_this_market(self) -> Self:
        """Without those that were learnt from a market that was replaced since."""
        return self.exclude(Market.began_after("created_at"))

    def known_on(self, day: date) -> Self:
        """Those that had been learnt by that day, the newest first."""
        return self.filter(as_of__lte=day).order_by("-as_of", "-id")


class RiskFit(models.Model):
    """What a model has learnt from the past only, by a day; append-only."""

    id = models.BigAutoField(primary_key=True)
    model = models.ForeignKey("risk.RiskModel", on_delete=models.PROTECT, related_name="fits")
    as_of = models.DateField(help_text="Nothing later than its close has been looked at.")
    coefficients = models.JSONField(help_text="Of each feature, none below zero.")
    feature_means = models.JSONField(help_text="The baseline that contributions are measured from.")
    mean = models.FloatField(help_text="Log of the annualised volatility of the baseline.")
    penalty = models.FloatField()
    score_reach = models.JSONField(
        help_text="Half-widths of the intervals of the log volatility: by coverage, of each bucket and pooled."
    )
    percentile_reach = models.JSONField(help_text="The same of the percentile.")
    garch_prior = models.JSONField(
        null=True, blank=True, help_text="Mean and deviation of the coordinates of persistence and tail."
    )
    dates = models.JSONField(help_text="The days whose forecasts and outcomes were learnt from.")
    observations = models.PositiveIntegerField(help_text="Forecasts with a known outcome that were learnt from.")
    calibrated_on = models.PositiveIntegerField(help_text="Forecasts that the intervals were calibrated on.")
    input_hash = models.CharField(max_length=64, help_text="SHA-256 of everything that was learnt from.")
    created_at = models.DateTimeField()

    objects = RiskFitQuerySet.as_manager()

    class Meta:
        ordering = ["-as_of", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["model", "as_of", "input_hash"], name="risk_fit_once_per_input"),
        ]

    def __str__(self) -> str:
        return f"{self.model} as of {self.as_of}"
