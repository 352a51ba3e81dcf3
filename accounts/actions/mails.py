"""The life of an e-mail: queued with what it tells about, delivered after that is committed, then forgotten."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parseaddr
from enum import StrEnum
from uuid import UUID

import structlog
from celery import current_app
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.db.models import Q
from kombu.exceptions import OperationalError

from accounts import letters
from accounts.actions import audit, reasons
from accounts.models import Mail, User
from accounts.models.mail import MAX_ATTEMPTS
from config.kernel.errors import Conflict
from config.kernel.metrics import MAILS
from config.kernel.redaction import scrub

log = structlog.get_logger(__name__)

DELIVER_TASK = "accounts.deliver_mail"
LONGEST_VALUE = 2_000
DELIVER_BATCH = 50

# An attempt that has not ended by then is dead: Celery has killed its worker before.
LEASE = timedelta(seconds=settings.CELERY_TASK_TIME_LIMIT)
FIRST_DELAY = timedelta(minutes=1)
LONGEST_DELAY = timedelta(hours=6)

KEPT_FOR = timedelta(days=7)
# These carry what opens an account: nobody needs it once it was sent.
FORGOTTEN_AT_ONCE = frozenset({"password_reset"})


class MailOnItsWay(Conflict):
    code = "mail_on_its_way"
    message = "This mail is still on its way and will be tried again by itself."


class MailForgotten(Conflict):
    code = "mail_forgotten"
    message = "What this mail said has been forgotten, so it cannot be sent again."


class Outcome(StrEnum):
    """What became of one attempt; the words of the metric."""

    SENT = "sent"
    FAILED = "failed"
    GIVEN_UP = "given_up"
    NOT_DUE = "not_due"


def queue(template: str, *, to: str, context: Mapping[str, object], at: datetime) -> Mail:
    """Write a mail in the transaction of what it tells about: it is sent if, and only if, that is committed.

    `context` holds exactly what `letters.CONTEXTS` names, else `ValueError`: a mistake of the caller. Nothing else
    fails: what people have typed is made harmless, and a broker or a mail server that is away only delays the mail.
    """
    if context.keys() != letters.CONTEXTS[template]:
        raise ValueError(f"{template} needs {sorted(letters.CONTEXTS[template])}, not {sorted(context)}.")
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


def deliver(mail_id: UUID, *, at: datetime) -> Outcome:
    """Try to send a mail that is due; of all who try at once one does. Never call it inside a transaction.

    At least once: a worker that dies between sending and noting it sends again, with the same Message-ID.
    """
    mail = _claim(mail_id, at)
    if mail is None:
        return Outcome.NOT_DUE
    if mail.given_up_at is not None:
        return _note(mail, Outcome.GIVEN_UP)
    try:
        sent = _message(mail).send()
    except Exception as error:  # whatever it is, the mail is kept and tried again
        return _put_off(mail, f"{type(error).__name__}: {error}", at)
    return _mark_sent(mail, at) if sent else _put_off(mail, "No mail server is configured.", at)


def deliver_due(*, now: Callable[[], datetime]) -> int:
    """Send what is due, longest waiting first; return how many mails were sent.

    It ends at the first mail that cannot be sent: the server is likely away, and the others keep their attempts.
    """
    sent = 0
    for mail_id in list(Mail.objects.due(now()).values_list("pk", flat=True)[:DELIVER_BATCH]):
        outcome = deliver(mail_id, at=now())
        if outcome in {Outcome.FAILED, Outcome.GIVEN_UP}:
            break
        sent += outcome == Outcome.SENT
    return sent


@transaction.atomic
def send_again(mail: Mail, *, by: User, reason: str, at: datetime) -> None:
    """Try anew with a mail that was sent or given up. Raises `MailOnItsWay`, `MailForgotten`, and `ValidationFailed`
    without a reason."""
    reason = reasons.given(reason)
    again = Mail.objects.settled().filter(pk=mail.pk, context__isnull=False)
    if not again.update(sent_at=None, given_up_at=None, attempts=0, next_attempt_at=at, last_error=""):
        raise MailForgotten if Mail.objects.settled().filter(pk=mail.pk).exists() else MailOnItsWay
    audit.record(
        "accounts.mail.sent_again",
        actor=by,
        subject=mail,
        at=at,
        reason=reason,
        before={"state": mail.state},
        after={"state": "pending"},
    )
    transaction.on_commit(lambda: publish(mail.pk), robust=True)


def forget(*, at: datetime) -> int:
    """Drop what old mails said: it names people. Return how many were forgotten; that they were sent stays known."""
    old = Mail.objects.filter(Q(sent_at__lt=at - KEPT_FOR) | Q(given_up_at__lt=at - KEPT_FOR))
    forgotten = old.filter(context__isnull=False).update(context=None)
    log.info("mail.forgotten", mails=forgotten)
    return forgotten


def delay(attempts: int, *, chance: float) -> timedelta:
    """How long to wait after so many attempts: `chance`, from 0 to 1, of a time that grows fourfold up to six hours."""
    longest = min(LONGEST_DELAY, FIRST_DELAY * int(4 ** (attempts - 1)))
    return longest * chance


@transaction.atomic
def _claim(mail_id: UUID, at: datetime) -> Mail | None:
    """The mail, with one attempt more, or given up; None for all but one of those who ask at once."""
    mail = Mail.objects.due(at).filter(pk=mail_id).select_for_update(skip_locked=True).first()
    if mail is None:
        return None
    if mail.attempts >= MAX_ATTEMPTS:  # the last attempt died with its worker
        mail.given_up_at = at
    else:
        mail.attempts += 1
        mail.next_attempt_at = at + LEASE
    mail.save(update_fields=["given_up_at", "attempts", "next_attempt_at"])
    return mail


def _message(mail: Mail) -> EmailMultiAlternatives:
    letter = letters.write(mail.template, mail.context or {})
    _, sender = parseaddr(settings.DEFAULT_FROM_EMAIL)
    message = EmailMultiAlternatives(
        subject=letter.subject,
        body=letter.text,
        to=[mail.recipient],
        headers={
            # The same at each attempt, so that a second delivery can be recognised.
            "Message-ID": f"<{mail.pk}@{sender.rpartition('@')[2]}>",
            "Auto-Submitted": "auto-generated",
            "X-Template": mail.template,
        },
    )
    message.attach_alternative(letter.html, "text/html")
    return message


def _mark_sent(mail: Mail, at: datetime) -> Outcome:
    changes: dict[str, object] = {"sent_at": at, "given_up_at": None, "last_error": ""}
    if mail.template in FORGOTTEN_AT_ONCE:
        changes["context"] = None
    Mail.objects.filter(pk=mail.pk).update(**changes)
    return _note(mail, Outcome.SENT)


def _put_off(mail: Mail, error: str, at: datetime) -> Outcome:
    error = scrub(_line(error.replace(mail.recipient, mail.redacted_recipient)))[:500]
    changes: dict[str, object] = {"last_error": error}
    outcome = Outcome.FAILED
    if mail.attempts >= MAX_ATTEMPTS:
        changes["given_up_at"], outcome = at, Outcome.GIVEN_UP
    else:
        chance = secrets.SystemRandom().random()  # spreads the attempts of mails that failed together
        changes["next_attempt_at"] = at + delay(mail.attempts, chance=chance)
    # The attempt is the fence: one that was given up for dead does not write over its successor.
    Mail.objects.pending().filter(pk=mail.pk, attempts=mail.attempts).update(**changes)
    return _note(mail, outcome, error=error)


def _note(mail: Mail, outcome: Outcome, **more: str) -> Outcome:
    MAILS.labels(mail.template, outcome).inc()
    write = {Outcome.SENT: log.info, Outcome.FAILED: log.warning}.get(outcome, log.error)
    write(f"mail.{outcome}", mail_id=str(mail.pk), template=mail.template, attempt=mail.attempts, **more)
    return outcome


def _harmless(value: object) -> object:
    """Text as one printable line: it adds no header, lays out no page, and the database takes it."""
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    if isinstance(value, (list, tuple)):
        return [_harmless(item) for item in value]
    if isinstance(value, int):
        return value
    line = _line(str(value))
    return line if len(line) <= LONGEST_VALUE else f"{line[:LONGEST_VALUE]}..."


def _line(text: str) -> str:
    return "".join(sign if sign.isprintable() else " " for sign in text)
