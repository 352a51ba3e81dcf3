from django.db import models


class Source(models.Model):
    """Who said a number: a provider, or the origin that a file names for its rows."""

    id = models.SmallAutoField(primary_key=True)
    name = models.CharField(max_length=64, unique=True)
    is_simulated = models.BooleanField(default=False, help_text="Its numbers are invented for demonstration.")

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
