from typing import Self

from django.conf import settings
from django.db import models


class QuarantineQuerySet(models.QuerySet["QuarantinedRecord"]):
    def open(self) -> Self:
        return self.filter(state=QuarantinedRecord.State.OPEN)


class QuarantinedRecord(models.Model):
    """A row or a page that was not believed, until someone retries or dismisses it."""

    class State(models.TextChoices):
        OPEN = "open"
        ACCEPTED = "accepted"
        DISMISSED = "dismissed"

    id = models.BigAutoField(primary_key=True)
    state = models.CharField(max_length=16, choices=State, default=State.OPEN)
    provider = models.CharField(max_length=64)
    external_id = models.CharField(max_length=200, blank=True, default="")
    reason = models.CharField(max_length=40, db_index=True)
    detail = models.CharField(max_length=500, blank=True, default="")
    raw = models.TextField(blank=True, default="", help_text="The row as it came, at most 4 kB.")
    run = models.ForeignKey(
        "markets.SyncRun", null=True, blank=True, on_delete=models.SET_NULL, related_name="quarantined_records"
    )
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    times_seen = models.PositiveIntegerField(default=1)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    decision_reason = models.CharField(max_length=500, blank=True, default="")

    objects = QuarantineQuerySet.as_manager()

    class Meta:
        ordering = ["-last_seen_at", "-id"]
        indexes = [models.Index(fields=["state", "-last_seen_at"], name="quarantine_open_newest")]
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "external_id", "reason"],
                condition=models.Q(state="open"),
                name="quarantine_one_open_per_row_and_reason",
            ),
            models.CheckConstraint(
                condition=models.Q(state="open", decided_at__isnull=True)
                | (~models.Q(state="open") & models.Q(decided_at__isnull=False)),
                name="quarantine_decided_when_not_open",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.external_id}: {self.reason}"
