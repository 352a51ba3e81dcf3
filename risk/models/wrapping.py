from django.db import models


class Wrapping(models.Model):
    """An asset that stands for another one: it is at least as risky as what it stands for."""

    # Without constraints, as scores: a market is cleared without asking what refers to it.
    asset = models.OneToOneField(
        "markets.Asset", on_delete=models.CASCADE, db_constraint=False, related_name="wrapping"
    )
    underlying = models.ForeignKey(
        "markets.Asset", on_delete=models.CASCADE, db_constraint=False, related_name="wrapped_by"
    )

    class Meta:
        ordering = ["asset"]
        constraints = [
            models.CheckConstraint(condition=~models.Q(asset=models.F("underlying")), name="wrapping_of_another_asset"),
        ]

    def __str__(self) -> str:
        return f"{self.asset} of {self.underlying}"
