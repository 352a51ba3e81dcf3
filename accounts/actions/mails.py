"""The life of an e-mail: queued with what it tells about, delivered after that is committed, forgotten."""

from __future__ import annotations

from collections.abc import Mapping, Set
from datetime import UTC, datetime
from uuid import UUID

import structlog
from celery import current_app
from django.conf import settings
from django.db import transaction
from kombu.exceptions import OperationalError

from accounts.models import Mail

log = structlog.get_logger(__name__)

DELIVER_TASK = "accounts.deliver_mail"
LONGEST_VALUE = 2_000

# Which mails there are, and what each must be told. A template uses these names and no others.
CONTEXTS: Mapping[str, Set[str]] = {
    "signup_pending": {"user_id", "username", "email", "at", "address", "risk_flags"},
    "signup_known": {"reason"},  # "email" or "username": which of the two is in use already
    "account_approved": {"username"},
    "account_disabled": {"username", "at"},
    "new_device": {"username", "at", "address", "device"},
    "password_changed": {"username", "at", "address"},
    "password_reset": {"username", "token", "valid_minutes"},
    "two_factor_changed": {"username", "at", "change"},  # "enabled", "disabled" or "recovery_codes"
    "token_reused": {"username", "at", "address", "device"},
    "incident_opened": {"kind", "summary", "since", "path"},  # the path of a page of this site
}


def queue(template: str, *, to: str, context: Mapping[str, object], at: datetime) -> Mail:
    """Write a mail in the transaction of what it tells about: it is sent if, and only if, that is committed.

    `context` holds exactly what `CONTEXTS` names, else `ValueError`: a caller's mistake. Nothing else fails: values of
    people are made harmless, and a broker or a mail server that is away only delays the mail.
    """
    if context.keys() != CONTEXTS[template]:
        raise ValueError(f"{template} needs {sorted(CONTEXTS[template])}, not {sorted(context)}")
    mail = Mail.objects.create(
        recipient=to,
        template=template,
        context={name: _harmless(value) for name, value in context.items()},
        created_at=at,
        next_attempt_at=at,
    )
    transaction.on_commit(lambda: publish(mail.pk), robust=True)
    return mail


def tell_administrators(template: str, *, context: Mapping[str, object], at: datetime) -> Mail | None:
    """Queue a mail to `ADMIN_NOTIFICATION_EMAIL`; where nobody is named there, say so in the log and return None."""
    if not settings.ADMIN_NOTIFICATION_EMAIL:
        log.warning("mail.nobody_to_tell", template=template)
        return None
    return queue(template, to=settings.ADMIN_NOTIFICATION_EMAIL, context=context, at=at)


def publish(mail_id: UUID) -> None:
    """Tell the workers about a mail; when the broker is away, `deliver_due` finds it."""
    try:
        current_app.send_task(DELIVER_TASK, kwargs={"mail_id": str(mail_id)}, queue="default")
    except OperationalError as error:
        log.warning("mail.not_published", mail_id=str(mail_id), error=str(error))


def _harmless(value: object) -> object:
    """One printable line: no header can be added to, no row refused, no text laid out by who only gave a name."""
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    if isinstance(value, (list, tuple)):
        return [_harmless(item) for item in value]
    if isinstance(value, int):
        return value
    line = "".join(sign if sign.isprintable() else " " for sign in str(value))
    return line if len(line) <= LONGEST_VALUE else f"{line[:LONGEST_VALUE]}..."
