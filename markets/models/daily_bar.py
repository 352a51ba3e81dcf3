from django.db import models


class DailyBar(models.Model):
    """One asset's UTC day as a source reported it; partitioned by year, the record of truth.

    `day` is the day that the bar covers: its close is the price at 00:00 UTC of the next day.
    """

    class Quality(models.IntegerChoices):
        """Bits of `quality`; 0 is a plain observation."""

        MARKET_CAP_ESTIMATED = 1, "market cap estimated from an interpolated supply"
        RANGE_FROM_HOURLY_CLOSES = 2, "high and low from hourly closes, narrower than the true range"
        PROVISIONAL = 4, "from our own snapshots, until a provider's bar replaces it"

    pk = models.CompositePrimaryKey("asset_id", "day")
    # No database constraint: a foreign-key check per row would cost a third of the ingest; assets are never deleted.
    asset = models.ForeignKey("markets.Asset", on_delete=models.DO_NOTHING, db_constraint=False, related_name="bars")
    day = models.DateField()
    open = models.FloatField(null=True, help_text="USD")
    high = models.FloatField(null=True, help_text="USD")
    low = models.FloatField(null=True, help_text="USD")
    close = models.FloatField(help_text="USD")
    volume = models.FloatField(null=True, help_text="USD")
    market_cap = models.FloatField(null=True, help_text="USD")
    source = models.ForeignKey("markets.Source", on_delete=models.DO_NOTHING, db_constraint=False, related_name="+")
    quality = models.SmallIntegerField(default=0)

    class Meta:
        managed = False  # Django cannot declare partitions; see migration 0002_storage.

    def __str__(self) -> str:
        return f"{self.asset_id} {self.day}: {self.close}"
