from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from config.kernel.keys import uuid7


class SessionQuerySet(models.QuerySet["Session"]):
    def open(self) -> Self:
        """Sessions that nobody has ended; some of them may have run out, see `live`."""
        return self.filter(ended_at=None)

    def live(self, at: datetime) -> Self:
        """Sessions whose tokens still work."""
        found = self.open()
        if settings.SESSION_TIMEOUT_MINUTES:
            found = found.filter(last_seen_at__gt=at - timedelta(minutes=settings.SESSION_TIMEOUT_MINUTES))
        if settings.MAX_SESSION_TTL_HOURS:
            found = found.filter(created_at__gt=at - timedelta(hours=settings.MAX_SESSION_TTL_HOURS))
        return found


class Session(models.Model):
    """One login on one device, and the family of tokens that came of it.

    Of its refresh tokens the newest is `refresh_jti`. The one before it, `previous_jti`, is answered with the newest
    again for as long as that has not been used; any older one has been used twice, which ends the session.
    """

    class Ending(models.TextChoices):
        LOGGED_OUT = "logged_out"
        REVOKED = "revoked"
        TOKEN_REUSED = "token_reused"  # noqa: S105  # an ending
        PASSWORD_CHANGED = "password_changed"  # noqa: S105  # an ending
        SECOND_FACTOR_CHANGED = "second_factor_changed"
        ACCOUNT_CHANGED = "account_changed"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="sessions")
    device = models.CharField(max_length=64, help_text="Browser and system, as the user agent names them.")
    user_agent = models.CharField(max_length=400, blank=True)
    address = models.GenericIPAddressField(null=True, blank=True, help_text="From where the login came.")
    second_factor = models.BooleanField(default=False, help_text="Whether a second factor was shown at the login.")
    refresh_jti = models.UUIDField(default=uuid.uuid4, editable=False)
    previous_jti = models.UUIDField(null=True, blank=True, editable=False)
    rotated_at = models.DateTimeField(help_text="When the newest refresh token was made.")
    created_at = models.DateTimeField()
    last_seen_at = models.DateTimeField(help_text="To the minute.")
    ended_at = models.DateTimeField(null=True, blank=True)
    ending = models.CharField(max_length=24, choices=Ending.choices, blank=True)

    objects = SessionQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        indexes = [
            models.Index(fields=["user", "-created_at"], name="session_by_user"),
            models.Index(fields=["last_seen_at"], name="session_by_last_use"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, ending="") | (Q(ended_at__isnull=False) & ~Q(ending="")),
                name="session_ending_says_why",
            ),
            models.CheckConstraint(
                condition=Q(
                    ending__in=[
                        "",
                        "logged_out",
                        "revoked",
                        "token_reused",
                        "password_changed",
                        "second_factor_changed",
                        "account_changed",
                    ]
                ),
                name="session_ending_is_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.device} since {self.created_at:%Y-%m-%d %H:%M}"

    @property
    def ends_at(self) -> datetime | None:
        """When the session ends however much it is used; None for never."""
        hours = settings.MAX_SESSION_TTL_HOURS
        return self.created_at + timedelta(hours=hours) if hours else None

    def has_run_out(self, at: datetime) -> bool:
        """Whether it was left alone, or used, for too long."""
        minutes = settings.SESSION_TIMEOUT_MINUTES
        idle = bool(minutes) and at - self.last_seen_at >= timedelta(minutes=minutes)
        return idle or (self.ends_at is not None and at >= self.ends_at)
