from typing import Self

from django.db import models


class SyncRunQuerySet(models.QuerySet["SyncRun"]):
    def running(self) -> Self:
        return self.filter(state=SyncRun.State.RUNNING)

    def of_quotes(self) -> Self:
        return self.filter(kind=SyncRun.Kind.QUOTES)


class SyncRun(models.Model):
    """One fetch of quotes, indicators or news: when, from whom, and what became of every row that came."""

    class Kind(models.TextChoices):
        QUOTES = "quotes"
        INDICATORS = "indicators"
        NEWS = "news"

    class State(models.TextChoices):
        RUNNING = "running"
        SUCCEEDED = "succeeded"
        FAILED = "failed"

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=16, choices=Kind, default=Kind.QUOTES)
    state = models.CharField(max_length=16, choices=State, default=State.RUNNING)
    provider = models.CharField(
        max_length=64, help_text="Who answered; while running and after a failure, who was asked last."
    )
    limit = models.PositiveIntegerField(null=True, blank=True, help_text="How many assets were asked for.")
    job_id = models.UUIDField(null=True, blank=True, help_text="The job that asked for it, if one did.")
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    received = models.PositiveIntegerField(default=0)
    inserted = models.PositiveIntegerField(default=0)
    updated = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    quarantined = models.PositiveIntegerField(default=0)
    error_code = models.CharField(max_length=64, blank=True, default="")
    error = models.TextField(blank=True, default="", help_text="What each provider answered that failed.")

    objects = SyncRunQuerySet.as_manager()

    class Meta:
        ordering = ["-started_at", "-id"]
        indexes = [models.Index(fields=["-started_at"], name="sync_run_newest")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    received=models.F("inserted")
                    + models.F("updated")
                    + models.F("unchanged")
                    + models.F("quarantined")
                ),
                name="sync_run_counts_add_up",
            ),
            models.CheckConstraint(
                condition=models.Q(state="running", finished_at__isnull=True)
                | (~models.Q(state="running") & models.Q(finished_at__isnull=False)),
                name="sync_run_finished_when_over",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.started_at:%Y-%m-%d %H:%M:%S} {self.state}"

    @property
    def duration_seconds(self) -> float | None:
        return (self.finished_at - self.started_at).total_seconds() if self.finished_at else None
