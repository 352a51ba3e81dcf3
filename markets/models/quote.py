from django.db import models


class Quote(models.Model):
    """The latest word on one asset: one narrow row, rewritten in place by every sync.

    Only the primary key is indexed and the fill factor leaves room on each page (migration
    `0002_storage`), so an update touches no index. NULL means that nobody reported the value.
    """

    asset = models.OneToOneField("markets.Asset", on_delete=models.CASCADE, primary_key=True, related_name="quote")
    as_of = models.DateTimeField(help_text="When the source says the price held.")
    received_at = models.DateTimeField()
    source = models.ForeignKey(
        "markets.Source", on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    rank = models.IntegerField(null=True, blank=True)
    price = models.FloatField(null=True, blank=True, help_text="USD")
    market_cap = models.FloatField(null=True, blank=True, help_text="USD")
    volume_24h = models.FloatField(null=True, blank=True, help_text="USD")
    change_1h = models.FloatField(null=True, blank=True, help_text="per cent")
    change_24h = models.FloatField(null=True, blank=True, help_text="per cent")
    change_7d = models.FloatField(null=True, blank=True, help_text="per cent")
    high_24h = models.FloatField(null=True, blank=True, help_text="USD")
    low_24h = models.FloatField(null=True, blank=True, help_text="USD")
    ath = models.FloatField("all-time high", null=True, blank=True, help_text="USD")
    ath_at = models.DateTimeField(null=True, blank=True)
    atl = models.FloatField("all-time low", null=True, blank=True, help_text="USD")
    atl_at = models.DateTimeField(null=True, blank=True)
    circulating_supply = models.FloatField(null=True, blank=True)
    total_supply = models.FloatField(null=True, blank=True)
    max_supply = models.FloatField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.asset}: {self.price} USD"
