from typing import Self

from django.db import models


class RiskModelQuerySet(models.QuerySet["RiskModel"]):
    def active(self) -> Self:
        return self.filter(state=RiskModel.State.ACTIVE)

    def published(self) -> Self:
        """Those that readers may ask about: all that have ever been in use."""
        return self.exclude(state=RiskModel.State.DRAFT)

    def headline(self) -> Self:
        """The one whose scores are shown where no version is asked for; none or one."""
        return self.filter(is_headline=True)


class RiskModel(models.Model):
    """A version of how risk is calculated. Several active ones score side by side, one of them for the headline."""

    class State(models.TextChoices):
        DRAFT = "draft"
        ACTIVE = "active"
        RETIRED = "retired"

    version = models.CharField(
        max_length=64, unique=True, help_text="Semantic version and a hash of the formulas and the parameters."
    )
    parameters = models.JSONField(help_text="As `risk.parameters.Parameters` knows them.")
    state = models.CharField(max_length=16, choices=State, default=State.DRAFT)
    is_headline = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    objects = RiskModelQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["is_headline"], condition=models.Q(is_headline=True), name="risk_model_one_headline"
            ),
            models.CheckConstraint(
                condition=models.Q(is_headline=False) | models.Q(state="active"), name="risk_model_headline_is_active"
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=["draft", "active", "retired"]), name="risk_model_state_is_known"
            ),
        ]

    def __str__(self) -> str:
        return self.version
