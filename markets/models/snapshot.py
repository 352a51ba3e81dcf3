from django.db import models

TABLE = "markets_snapshot"
"""The partitioned table, for what the ORM cannot say."""


class Snapshot(models.Model):
    """What a sync saw of one asset at one moment; partitioned by month, dropped after the retention."""

    pk = models.CompositePrimaryKey("asset_id", "at")
    asset = models.ForeignKey("markets.Asset", on_delete=models.DO_NOTHING, db_constraint=False, related_name="+")
    at = models.DateTimeField()
    price = models.FloatField(null=True, help_text="USD")
    market_cap = models.FloatField(null=True, help_text="USD")
    volume = models.FloatField(null=True, help_text="USD, of the 24 hours before")
    source = models.ForeignKey("markets.Source", on_delete=models.DO_NOTHING, db_constraint=False, related_name="+")

    class Meta:
        managed = False  # Django cannot declare partitions; see migration 0002_storage.

    def __str__(self) -> str:
        return f"{self.asset_id} {self.at:%Y-%m-%d %H:%M}: {self.price}"
