from __future__ import annotations

from datetime import datetime
from typing import Self

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q

from config.kernel.keys import uuid7
from config.kernel.redaction import shortened

MAX_ATTEMPTS = 8


class MailQuerySet(models.QuerySet["Mail"]):
    def pending(self) -> Self:
        """Neither sent nor given up."""
        return self.filter(sent_at__isnull=True, given_up_at__isnull=True)

    def settled(self) -> Self:
        """Sent or given up: nobody will try again by themselves."""
        return self.filter(Q(sent_at__isnull=False) | Q(given_up_at__isnull=False))

    def due(self, at: datetime) -> Self:
        """Pending, and the time has come to try, longest waiting first."""
        return self.pending().filter(next_attempt_at__lte=at).order_by("next_attempt_at")

    def backlog(self) -> tuple[int, datetime | None]:
        """How many are pending, and since when the oldest of them."""
        found = self.pending().aggregate(count=models.Count("pk"), oldest=models.Min("created_at"))
        return found["count"], found["oldest"]


class Mail(models.Model):
    """An e-mail in the outbox: written in the transaction of what it tells about, sent once that is committed."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    recipient = models.EmailField()
    template = models.CharField(max_length=64, help_text="Which of templates/mail is rendered.")
    # Names, addresses and tokens of people: kept for no longer than it takes to send.
    context = models.JSONField(
        null=True, encoder=DjangoJSONEncoder, help_text="What is filled in; empty once forgotten."
    )
    created_at = models.DateTimeField()
    next_attempt_at = models.DateTimeField(help_text="While an attempt runs, when it counts as dead.")
    attempts = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True, blank=True)
    given_up_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=500, blank=True)

    objects = MailQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        indexes = [
            models.Index(
                fields=["next_attempt_at"],
                condition=Q(sent_at__isnull=True, given_up_at__isnull=True),
                name="mail_pending",
            ),
            models.Index(fields=["-created_at"], name="mail_by_time"),
            models.Index(fields=["created_at"], condition=Q(context__isnull=False), name="mail_remembered"),
        ]
        constraints = [
            models.CheckConstraint(condition=~Q(template=""), name="mail_template_is_given"),
            models.CheckConstraint(
                condition=~Q(recipient="") & ~Q(recipient__regex="[\r\n]"), name="mail_recipient_is_one_line"
            ),
            models.CheckConstraint(condition=Q(attempts__lte=MAX_ATTEMPTS), name="mail_attempts_are_limited"),
            models.CheckConstraint(
                condition=Q(sent_at__isnull=True) | Q(given_up_at__isnull=True), name="mail_is_sent_or_given_up"
            ),
            models.CheckConstraint(
                condition=Q(sent_at__isnull=True, given_up_at__isnull=True) | Q(attempts__gte=1),
                name="mail_is_settled_by_an_attempt",
            ),
            models.CheckConstraint(
                condition=Q(sent_at__isnull=False) | Q(given_up_at__isnull=False) | Q(context__isnull=False),
                name="mail_is_remembered_while_pending",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.template} to {self.redacted_recipient}"

    @property
    def redacted_recipient(self) -> str:
        """The address as it may be shown and logged."""
        return shortened(self.recipient)

    @property
    def state(self) -> str:
        if self.sent_at is not None:
            return "sent"
        return "given up" if self.given_up_at is not None else "pending"
