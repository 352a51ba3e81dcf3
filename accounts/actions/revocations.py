"""Withdrawing what opens the door; every process knows within a second."""

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings

from accounts.models import ApiKey, Revocation, Session, User

_SPARE = timedelta(minutes=5)  # for clocks that differ, and for what a process keeps of a key it has seen


def withdraw_user(user: User, *, at: datetime) -> None:
    """All tokens of versions before the user's present one; the caller has raised and stored it."""
    _withdraw(Revocation.Kind.USER, str(user.pk), at=at, token_version=user.token_version)


def withdraw_session(session: Session, *, at: datetime) -> None:
    _withdraw(Revocation.Kind.SESSION, session.pk.hex, at=at)


def withdraw_token(jti: UUID, *, at: datetime) -> None:
    _withdraw(Revocation.Kind.TOKEN, jti.hex, at=at)


def withdraw_key(key: ApiKey, *, at: datetime) -> None:
    _withdraw(Revocation.Kind.KEY, str(key.pk), at=at)


def forget_expired(*, at: datetime) -> int:
    """Remove what everything it concerned has outlived; returns how many rows."""
    return Revocation.objects.expired(at).delete()[0]


def _withdraw(kind: Revocation.Kind, subject: str, *, at: datetime, token_version: int | None = None) -> None:
    # Only access tokens are judged by these rows alone: refresh tokens are compared with their session's row.
    lifetime = timedelta(minutes=settings.ACCESS_TOKEN_EXPIRES_MIN) + _SPARE
    Revocation.objects.create(
        kind=kind, subject=subject, token_version=token_version, created_at=at, expires_at=at + lifetime
    )
