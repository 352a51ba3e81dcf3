"""Passwords: changed by who knows the old one, or reset by who reads the account's mail."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import structlog
from django.conf import settings
from django.contrib.auth import password_validation
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import transaction
from django.utils.encoding import force_str
from django.utils.http import urlsafe_base64_decode, urlsafe_base64_encode

from accounts import attempts
from accounts.actions import audit, mails, sessions
from accounts.clients import Client
from accounts.models import Session, User
from config.kernel.errors import PermissionDenied, RateLimited, ValidationFailed

log = structlog.get_logger(__name__)


class _ResetTokens(PasswordResetTokenGenerator):
    """Good until the next login or password, and until everything of the account is withdrawn."""

    def _make_hash_value(self, user: Any, timestamp: int) -> str:
        return f"{super()._make_hash_value(user, timestamp)}{user.token_version}"


_RESET_TOKENS = _ResetTokens()


class WrongPassword(PermissionDenied):
    code = "wrong_password"
    message = "The current password is not right."


def require(user: User, password: str) -> None:
    """Ask once more who is there, before something that a borrowed device must not do.

    Raises `WrongPassword`, and what `attempts.spend` raises.
    """
    attempts.spend("password", user.pk)
    if not User.objects.get(pk=user.pk).check_password(password):
        log.warning("password.refused", user_id=user.pk)
        raise WrongPassword
    attempts.forget("password", user.pk)


def require_acceptable(password: str, user: User, *, field: str = "password") -> None:
    """Raises `ValidationFailed` for a password that is too short, well known, or made of the account's own words."""
    try:
        password_validation.validate_password(password, user)
    except DjangoValidationError as error:
        raise ValidationFailed(fields={field: error.messages}) from error


def change(user: User, current: str, new: str, *, client: Client, at: datetime) -> None:
    """Give an account another password and end every session. Raises `WrongPassword` or `ValidationFailed`."""
    require(user, current)
    require_acceptable(new, user, field="new_password")
    _store(user, new, verb="accounts.password.changed", client=client, at=at)


def ask_for_reset(email: str, *, at: datetime) -> None:
    """Mail a token to the active person with this address, or say there that nobody has an account with it.

    The caller is told nothing, and both take the same rows and so the same time. No mailbox gets more than a few.
    """
    try:
        attempts.spend_on_mailbox(email)
    except RateLimited:
        log.warning("password.reset_too_often")
        return
    user = User.objects.people().active().called(email).first() if "@" in email else None
    with transaction.atomic():
        audit.record("accounts.password.reset_asked", actor=None, subject=user, at=at)
        if user is None:
            mails.queue("password_reset_unknown", to=email, context={}, at=at)
            return
        context = {
            "username": user.username,
            "token": f"{urlsafe_base64_encode(str(user.pk).encode())}-{_RESET_TOKENS.make_token(user)}",
            "valid_minutes": settings.PASSWORD_RESET_TIMEOUT // 60,
        }
        mails.queue("password_reset", to=user.email, context=context, at=at)


def reset(token: str, new: str, *, client: Client, at: datetime) -> User:
    """Set the password of the person to whom `token` was mailed, once; returns that person.

    Raises `ValidationFailed`.
    """
    user = _of_reset_token(token)
    if user is None:
        raise ValidationFailed(fields={"token": ["This token is not valid, or has been used, or has expired."]})
    require_acceptable(new, user, field="new_password")
    _store(user, new, verb="accounts.password.reset", client=client, at=at, token=token)
    return user


def _of_reset_token(token: str) -> User | None:
    encoded, _, signature = token.partition("-")
    try:
        user_id = int(force_str(urlsafe_base64_decode(encoded)))
    except (ValueError, OverflowError):
        return None
    user = User.objects.people().active().filter(pk=user_id).first() if 0 < user_id < 2**63 else None
    return user if user is not None and _RESET_TOKENS.check_token(user, signature) else None


@transaction.atomic
def _store(user: User, password: str, *, verb: str, client: Client, at: datetime, token: str | None = None) -> None:
    person = User.objects.select_for_update().get(pk=user.pk)
    if token is not None and _of_reset_token(token) is None:  # somebody has used it while we waited
        raise ValidationFailed(fields={"token": ["This token was used a moment ago."]})
    person.set_password(password)
    person.save(update_fields=["password", "updated_at"])
    sessions.withdraw_everything(person, Session.Ending.PASSWORD_CHANGED, by=person, at=at)
    audit.record(verb, actor=person, subject=person, at=at)
    context = {"username": person.username, "at": at, "address": client.address or "unknown"}
    mails.queue("password_changed", to=person.email, context=context, at=at)
