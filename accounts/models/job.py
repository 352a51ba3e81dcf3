from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.roles import Role
from config.kernel.keys import uuid7

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from accounts.models.user import User


class JobQuerySet(models.QuerySet["Job"]):
    def waiting(self) -> Self:
        """Those that no worker has at the moment, whether for the first time or for another attempt."""
        return self.filter(state__in=Job.WAITING)

    def due(self) -> Self:
        """Those of `waiting` whose moment has come, by the database's clock."""
        return self.waiting().filter(run_after__lte=Now())

    def running(self) -> Self:
        return self.filter(state=Job.State.RUNNING)

    def expired(self) -> Self:
        """Those of `running` whose worker has not been heard of for too long, by the database's clock."""
        return self.running().filter(lease_until__lt=Now())

    def active(self) -> Self:
        """Everything that has not ended."""
        return self.filter(state__in=Job.ACTIVE)

    def finished(self) -> Self:
        return self.filter(state__in=Job.FINISHED)

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """A person's own jobs; everybody's for operators and administrators."""
        if not user.is_authenticated:
            return self.none()
        return self if user.role_rank >= Role.OPERATOR.rank else self.filter(owner=user)


class Job(models.Model):
    """Work that somebody asked for, from the request to its result. This row is the truth, the broker only a hint.

    A running job is leased: who performs it extends `lease_until` while it lives, and a lease that ends gives the job
    to somebody else. All times except `created_at` are of the database's clock, the only one that all workers share.
    """

    class State(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        RETRYING = "retrying"
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        DEAD = "dead"
        CANCELLED = "cancelled"

    WAITING = (State.QUEUED, State.RETRYING)
    ACTIVE = (*WAITING, State.RUNNING)
    FINISHED = (State.SUCCEEDED, State.FAILED, State.DEAD, State.CANCELLED)

    class Queue(models.TextChoices):
        DEFAULT = "default"
        RISK_CALCULATIONS = "risk_calculations"
        PORTFOLIO_OPERATIONS = "portfolio_operations"
        REPORT_GENERATION = "report_generation"
        MAINTENANCE = "maintenance"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=100)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="jobs",
        help_text="Who asked for it; empty for a schedule.",
    )
    parameters = models.JSONField(default=dict, blank=True, encoder=DjangoJSONEncoder)
    queue = models.CharField(max_length=32, choices=Queue.choices, default=Queue.DEFAULT)
    state = models.CharField(max_length=16, choices=State.choices, default=State.QUEUED)
    attempt = models.PositiveSmallIntegerField(default=0, help_text="How often it was started.")
    max_attempts = models.PositiveSmallIntegerField(default=3)
    progress = models.PositiveSmallIntegerField(default=0, help_text="Percent.")
    result = models.JSONField(null=True, blank=True, encoder=DjangoJSONEncoder)
    error_code = models.CharField(max_length=64, blank=True)
    error_message = models.TextField(blank=True)
    request_id = models.CharField(max_length=64, blank=True, help_text="The request that asked for it.")
    created_at = models.DateTimeField()
    run_after = models.DateTimeField(db_default=Now(), help_text="Not started before; its waiting counts from here.")
    published_at = models.DateTimeField(
        null=True, blank=True, db_default=Now(), help_text="When the workers were last told; empty: they do not know."
    )
    started_at = models.DateTimeField(null=True, blank=True, help_text="Of the latest attempt.")
    worker = models.CharField(max_length=255, blank=True, help_text="The process that performs the latest attempt.")
    heartbeat_at = models.DateTimeField(null=True, blank=True, help_text="When that process last said that it lives.")
    lease_until = models.DateTimeField(null=True, blank=True, help_text="Until then it is nobody else's.")
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        indexes = [
            models.Index(fields=["owner", "-created_at"], name="job_by_owner"),
            models.Index(fields=["kind", "-created_at"], name="job_by_kind"),
            models.Index(
                fields=["queue", "run_after", "id"], condition=Q(state__in=["queued", "retrying"]), name="job_waiting"
            ),
            models.Index(fields=["lease_until"], condition=Q(state="running"), name="job_leased"),
            models.Index(fields=["finished_at"], condition=Q(finished_at__isnull=False), name="job_finished"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    queue__in=[
                        "default",
                        "risk_calculations",
                        "portfolio_operations",
                        "report_generation",
                        "maintenance",
                    ]
                ),
                name="job_queue_is_known",
            ),
            models.CheckConstraint(condition=~Q(kind=""), name="job_kind_is_given"),
            models.CheckConstraint(condition=Q(progress__lte=100), name="job_progress_is_a_percentage"),
            models.CheckConstraint(condition=Q(attempt__lte=models.F("max_attempts")), name="job_attempts_are_limited"),
            models.CheckConstraint(
                condition=Q(attempt=0, started_at__isnull=True) | Q(attempt__gte=1, started_at__isnull=False),
                name="job_started_at_with_first_attempt",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["queued", "failed", "cancelled"]) | Q(attempt__gte=1),
                name="job_runs_after_its_start",
            ),
            models.CheckConstraint(
                condition=(Q(state="running", lease_until__isnull=False, heartbeat_at__isnull=False) & ~Q(worker=""))
                | (~Q(state="running") & Q(lease_until__isnull=True)),
                name="job_leased_while_running",
            ),
            # Names every state, so that there are no others.
            models.CheckConstraint(
                condition=Q(state__in=["succeeded", "failed", "dead", "cancelled"], finished_at__isnull=False)
                | Q(state__in=["queued", "running", "retrying"], finished_at__isnull=True),
                name="job_finished_at_when_finished",
            ),
            models.CheckConstraint(
                condition=Q(state="succeeded", progress=100, result__isnull=False)
                | (~Q(state="succeeded") & Q(result__isnull=True)),
                name="job_result_when_succeeded",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["failed", "dead"]) | ~Q(error_code=""), name="job_failure_has_a_code"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"

    @property
    def is_waiting(self) -> bool:
        return self.state in self.WAITING

    @property
    def is_finished(self) -> bool:
        return self.state in self.FINISHED

    @property
    def error(self) -> dict[str, str] | None:
        """Why there is no result, once there will be none."""
        if self.state not in (self.State.FAILED, self.State.DEAD):
            return None
        return {"code": self.error_code, "message": self.error_message}

    @property
    def celery_word(self) -> str:
        """The state in the words that task clients know from Celery."""
        if self.state == self.State.RUNNING and self.progress:
            return IN_PROGRESS
        return CELERY_WORDS[self.State(self.state)]


IN_PROGRESS = "PROGRESS"
CELERY_WORDS = {
    Job.State.QUEUED: "PENDING",
    Job.State.RUNNING: "STARTED",
    Job.State.RETRYING: "RETRY",
    Job.State.SUCCEEDED: "SUCCESS",
    Job.State.FAILED: "FAILURE",
    Job.State.DEAD: "FAILURE",
    Job.State.CANCELLED: "REVOKED",
}
