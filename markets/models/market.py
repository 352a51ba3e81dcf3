from django.db import models
from django.db.models.functions import Now


class Market(models.Model):
    """The market as a whole: a single row whose version grows with every change of its data."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    data_version = models.BigIntegerField(default=0)
    changed_at = models.DateTimeField(db_default=Now())
    began_at = models.DateTimeField(
        null=True, blank=True, help_text="When the market before it was cleared away; empty: there was none."
    )
    simulation = models.JSONField(
        null=True,
        blank=True,
        help_text="What the invented prices of this market are made from; empty for a real market.",
    )

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="market_is_one_row")]

    def __str__(self) -> str:
        return "simulated market" if self.is_simulated else "market"

    @property
    def is_simulated(self) -> bool:
        """Whether the prices are invented for demonstration."""
        return self.simulation is not None

    @classmethod
    def began_after(cls, instant: str) -> models.Exists:
        """The condition that the market began after this column of a row: what is of then is of another market."""
        return models.Exists(cls.objects.filter(began_at__gt=models.OuterRef(instant)))
