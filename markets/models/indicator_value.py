from django.db import models

from markets.providers.indicators import INDICATORS


class IndicatorValue(models.Model):
    """What a provider said that the market as a whole was at an instant; said anew, the later word stands."""

    class Name(models.TextChoices):
        TOTAL_MARKET_CAP = "total_market_cap"
        TOTAL_VOLUME = "total_volume"
        BTC_DOMINANCE = "btc_dominance", "BTC dominance"
        ETH_DOMINANCE = "eth_dominance", "ETH dominance"
        FEAR_AND_GREED = "fear_and_greed", "Fear & Greed"

    id = models.BigAutoField(primary_key=True)
    indicator = models.CharField(max_length=32, choices=Name)
    at = models.DateTimeField(
        help_text="When the provider says that it held; of a daily number the day's first instant."
    )
    value = models.FloatField()
    source = models.ForeignKey("markets.Source", on_delete=models.PROTECT, related_name="+")
    received_at = models.DateTimeField()

    class Meta:
        ordering = ["-at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["indicator", "at", "source"], name="indicator_once_per_instant_and_source"),
            models.CheckConstraint(
                condition=models.Q(value__gte=0) & models.Q(value__lt=float("inf")), name="indicator_value_possible"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.indicator} {self.at:%Y-%m-%d %H:%M}: {self.value:g}"

    @property
    def unit(self) -> str:
        return INDICATORS[self.indicator].unit
