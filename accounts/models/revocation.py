from __future__ import annotations

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Func, Q


class CurrentTransaction(Func):
    """The number of the transaction that inserts the row, which no other process needs to be told in order."""

    template = "(pg_current_xact_id()::text::bigint)"
    output_field = models.BigIntegerField()


class RevocationQuerySet(models.QuerySet["Revocation"]):
    def expired(self, at: datetime) -> Self:
        return self.filter(expires_at__lte=at)


class Revocation(models.Model):
    """Something that no longer opens the door, kept until everything it was signed into has expired.

    Every process reads the new rows within a second (`accounts.revocations`).
    """

    class Kind(models.TextChoices):
        USER = "user"  # tokens of versions before `token_version`
        SESSION = "session"
        TOKEN = "token"  # noqa: S105  # a kind of subject
        KEY = "key"

    kind = models.CharField(max_length=8, choices=Kind.choices)
    subject = models.CharField(max_length=64, help_text="Id of the user, session or key; jti of the token.")
    token_version = models.PositiveIntegerField(null=True, blank=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    # Rows become visible in the order of commits, ids are given before: a reader that remembers the oldest transaction
    # still open at its last look misses nothing.
    transaction = models.BigIntegerField(db_default=CurrentTransaction(), editable=False)

    objects = RevocationQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["transaction"], name="revocation_by_transaction"),
            models.Index(fields=["expires_at"], name="revocation_by_expiry"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="user", token_version__isnull=False)
                | Q(kind__in=["session", "token", "key"], token_version__isnull=True),
                name="revocation_of_a_user_names_a_version",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}"
