from django.db import models


class ScoreChunk(models.Model):
    """Some assets of a run, measured apart from the others by whoever takes them first."""

    class State(models.TextChoices):
        WAITING = "waiting"
        DONE = "done"

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey("risk.ScoreRun", on_delete=models.CASCADE, related_name="parts")
    number = models.PositiveIntegerField()
    asset_ids = models.JSONField()
    state = models.CharField(max_length=16, choices=State, default=State.WAITING)
    job_id = models.UUIDField(null=True, blank=True)
    packed = models.BinaryField(null=True, blank=True, help_text="The measurements, until the run has finished.")
    checksum = models.CharField(max_length=64, blank=True, default="", help_text="SHA-256 of the packed bytes.")
    seconds = models.FloatField(null=True, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["run", "number"]
        constraints = [
            models.UniqueConstraint(fields=["run", "number"], name="score_chunk_once_per_run"),
            models.CheckConstraint(
                condition=models.Q(state="waiting", done_at__isnull=True)
                | models.Q(state="done", done_at__isnull=False),
                name="score_chunk_done_at_when_done",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.run_id}/{self.number}"
