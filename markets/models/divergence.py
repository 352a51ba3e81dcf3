from django.db import models


class Divergence(models.Model):
    """Two providers disagreed on the price of one asset beyond the threshold."""

    id = models.BigAutoField(primary_key=True)
    asset = models.ForeignKey("markets.Asset", on_delete=models.CASCADE, related_name="divergences")
    run = models.ForeignKey("markets.SyncRun", on_delete=models.CASCADE, related_name="divergences")
    observed_at = models.DateTimeField(db_index=True)
    provider = models.CharField(max_length=64)
    price = models.FloatField(help_text="USD, as the first provider says")
    other_provider = models.CharField(max_length=64)
    other_price = models.FloatField(help_text="USD, as the second provider says")
    deviation = models.FloatField(help_text="per cent of the smaller price")

    class Meta:
        ordering = ["-observed_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["run", "asset", "other_provider"], name="divergence_once_per_run"),
        ]

    def __str__(self) -> str:
        return f"{self.asset}: {self.provider} {self.price}, {self.other_provider} {self.other_price}"
