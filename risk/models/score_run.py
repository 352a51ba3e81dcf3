from typing import Self

from django.db import models

from markets.models import Market


class ScoreRunQuerySet(models.QuerySet["ScoreRun"]):
    def running(self) -> Self:
        return self.filter(state=ScoreRun.State.RUNNING)

    def finished(self) -> Self:
        return self.filter(state=ScoreRun.State.FINISHED)

    def of_former_market(self) -> Self:
        """Those of a market that was replaced since: its assets are gone."""
        return self.filter(Market.began_after("started_at"))


class ScoreRun(models.Model):
    """One scoring of the universe by one model, as of the close of a UTC day.

    Of runs for the same model and day one is running or finished at most; one that failed leaves room for the next.
    """

    class State(models.TextChoices):
        RUNNING = "running"
        FINISHED = "finished"
        FAILED = "failed"

    id = models.BigAutoField(primary_key=True)
    model = models.ForeignKey("risk.RiskModel", on_delete=models.PROTECT, related_name="runs")
    fit = models.ForeignKey(
        "risk.RiskFit",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="runs",
        help_text="What the model had learnt by then; empty: history was too short to learn from.",
    )
    as_of = models.DateField(help_text="Data through the close of this UTC day.")
    attempt = models.PositiveSmallIntegerField(default=1)
    state = models.CharField(max_length=16, choices=State, default=State.RUNNING)
    job_id = models.UUIDField(null=True, blank=True, help_text="The job that asked for it, if one did.")
    finish_job_id = models.UUIDField(
        null=True, blank=True, help_text="The job that finishes it, once every chunk is there."
    )
    news_at = models.DateTimeField(help_text="News seen by then count.")
    sentiment_version = models.CharField(
        max_length=64, blank=True, default="", help_text="The scorer whose tones of news count; empty: nobody noted it."
    )
    chunks = models.PositiveIntegerField(default=0)
    chunks_done = models.PositiveIntegerField(default=0)
    counts = models.JSONField(default=dict, help_text="Rows of each status.")
    context = models.BinaryField(null=True, blank=True, help_text="What every chunk needs to know of the market.")
    context_checksum = models.CharField(max_length=64, blank=True, default="")
    seed_base = models.CharField(max_length=16, help_text="Hexadecimal; of this model and day.")
    libraries = models.JSONField(default=dict, help_text="Versions.")
    engine = models.CharField(max_length=16, blank=True, default="", help_text="numba or numpy.")
    cpu = models.CharField(max_length=200, blank=True, default="")
    durations = models.JSONField(default=dict, help_text="Seconds of each stage.")
    error = models.TextField(blank=True, default="")
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = ScoreRunQuerySet.as_manager()

    class Meta:
        ordering = ["-as_of", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["model", "as_of", "attempt"], name="score_run_attempts_are_numbered"),
            models.UniqueConstraint(
                fields=["model", "as_of"], condition=~models.Q(state="failed"), name="score_run_one_wins"
            ),
            models.CheckConstraint(
                condition=models.Q(state="running", finished_at__isnull=True)
                | models.Q(state__in=["finished", "failed"], finished_at__isnull=False),
                name="score_run_finished_at_when_over",
            ),
            models.CheckConstraint(
                condition=models.Q(chunks_done__lte=models.F("chunks")), name="score_run_no_more_chunks_than_there_are"
            ),
            models.CheckConstraint(
                condition=~models.Q(state="failed") | ~models.Q(error=""), name="score_run_failure_says_why"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.as_of} attempt {self.attempt} {self.state}"
