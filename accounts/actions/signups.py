"""Asking for an account, which somebody then approves."""

from __future__ import annotations

from datetime import datetime

import structlog
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import IntegrityError, transaction

from accounts import attempts, signup_flags
from accounts.actions import audit, mails, passwords
from accounts.clients import Client
from accounts.metrics import AUTH_EVENTS
from accounts.models import User
from config.kernel.errors import RateLimited, ValidationFailed

log = structlog.get_logger(__name__)


def sign_up(username: str, email: str, password: str, *, client: Client, at: datetime) -> None:
    """Store a person who waits for approval.

    Whether the name or the address is in use already is told to nobody but the address: the same answer, after the same
    time. Raises `ValidationFailed` for what could never be an account.
    """
    candidate = User(username=username.strip(), email=email.strip(), signup_address=client.address)
    try:
        candidate.clean_fields(exclude=["password"])
    except DjangoValidationError as error:
        raise ValidationFailed(fields=error.message_dict) from error
    passwords.require_acceptable(password, candidate)
    candidate.clean()
    candidate.set_password(password)  # before anything is known, so that it takes the same time
    taken = _taken(candidate)
    if taken is None:
        try:
            _store(candidate, at=at)
        except IntegrityError:  # somebody else was faster
            taken = _taken(candidate) or "username"
    if taken is not None:
        _tell_known(candidate.email, taken, at=at)
        log.info("signup.known", reason=taken)
    AUTH_EVENTS.labels("signup", "accepted" if taken is None else "known").inc()


def _tell_known(email: str, taken: str, *, at: datetime) -> None:
    try:
        attempts.spend_on_mailbox(email)
    except RateLimited:  # somebody plays with a mailbox that is not theirs
        log.warning("signup.known_too_often")
        return
    mails.queue("signup_known", to=email, context={"reason": taken}, at=at)


def _taken(candidate: User) -> str | None:
    if User.objects.called(candidate.email).exists():
        return "email"
    return "username" if User.objects.called(candidate.username).exists() else None


@transaction.atomic
def _store(candidate: User, *, at: datetime) -> None:
    candidate.signup_flags = signup_flags.of(candidate, at=at)
    candidate.save()
    audit.record(
        "accounts.user.signed_up", actor=None, subject=candidate, at=at, after={"flags": candidate.signup_flags}
    )
    context = {
        "user_id": candidate.pk,
        "username": candidate.username,
        "email": candidate.email,
        "at": at,
        "address": candidate.signup_address or "unknown",
        "risk_flags": [signup_flags.FLAGS[flag].sentence for flag in candidate.signup_flags],
    }
    mails.tell_administrators("signup_pending", context=context, at=at)
