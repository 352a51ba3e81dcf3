from typing import Self

from django.db import models

from markets.models import Market


class BacktestQuerySet(models.QuerySet["Backtest"]):
    def of_this_market(self) -> Self:
        """Without those on the history of a market that was replaced since."""
        return self.exclude(Market.began_after("created_at"))


class Backtest(models.Model):
    """How a model's one-day value at risk and expected shortfall fared on the history that was loaded; append-only."""

    id = models.BigAutoField(primary_key=True)
    model = models.ForeignKey("risk.RiskModel", on_delete=models.PROTECT, related_name="backtests")
    since = models.DateField(help_text="The first day that was forecast.")
    until = models.DateField(help_text="The last day that was forecast.")
    days = models.PositiveIntegerField(
        null=True, blank=True, help_text="Days that were forecast; empty: an earlier release did not count them."
    )
    assets = models.PositiveIntegerField()
    forecasts = models.PositiveIntegerField()
    results = models.JSONField(
        help_text="One entry a method and level: hits, hit rate, Kupiec, Christoffersen, Acerbi-Szekely, FZ0."
    )
    created_at = models.DateTimeField()

    objects = BacktestQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return f"{self.since} to {self.until}"
