from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models


class PriceOverrideQuerySet(models.QuerySet["PriceOverride"]):
    def in_force(self, at: datetime) -> Self:
        return self.filter(withdrawn_at__isnull=True, starts_at__lte=at, ends_at__gt=at)


class PriceOverride(models.Model):
    """A price set by hand that syncs must not replace until it ends."""

    id = models.BigAutoField(primary_key=True)
    asset = models.ForeignKey("markets.Asset", on_delete=models.CASCADE, related_name="price_overrides")
    price = models.FloatField(help_text="USD")
    reason = models.CharField(max_length=500)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    objects = PriceOverrideQuerySet.as_manager()

    class Meta:
        ordering = ["-starts_at", "-id"]
        constraints = [
            models.CheckConstraint(condition=models.Q(price__gt=0), name="price_override_positive"),
            models.CheckConstraint(condition=models.Q(ends_at__gt=models.F("starts_at")), name="price_override_ends"),
        ]

    def __str__(self) -> str:
        return f"{self.asset}: {self.price:g} USD until {self.ends_at:%Y-%m-%d %H:%M}"
