"""The second factor: codes of an authenticator app (RFC 6238), and recovery codes for when it is lost."""

from __future__ import annotations

import base64
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from uuid import UUID

import pyotp
from django.db import transaction

from accounts import attempts
from accounts.actions import audit, mails, sessions
from accounts.metrics import AUTH_EVENTS
from accounts.models import RecoveryCode, Session, TotpDevice, User
from config.kernel.errors import Conflict, Unauthenticated

ISSUER = "Crypto platform"
STEP_SECONDS = 30
DRIFT = 1  # steps that the clock of a phone may be off
RECOVERY_CODES = 10

_OTP = re.compile(r"[0-9]{6}", re.ASCII)


class OtpInvalid(Unauthenticated):
    code = "invalid_otp"
    message = "This code is not right, or has been used before."


class SecondFactorEnabled(Conflict):
    code = "second_factor_enabled"
    message = "Two-factor authentication is already on; turn it off first."


class SecondFactorNotSetUp(Conflict):
    code = "second_factor_not_set_up"
    message = "Set two-factor authentication up first."


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an authenticator app needs; `uri` is what its QR code says."""

    secret: str
    uri: str


def is_enabled(user: User) -> bool:
    return TotpDevice.objects.filter(user=user, confirmed_at__isnull=False).exists()


@transaction.atomic
def set_up(user: User, *, at: datetime) -> Enrolment:
    """A new secret for an app; it counts for nothing until `confirm`. Raises `SecondFactorEnabled`."""
    _lock(user)
    if is_enabled(user):
        raise SecondFactorEnabled
    secret = pyotp.random_base32()
    TotpDevice.objects.update_or_create(user=user, defaults={"secret": secret, "last_step": 0, "created_at": at})
    uri = pyotp.TOTP(secret, interval=STEP_SECONDS).provisioning_uri(name=user.username, issuer_name=ISSUER)
    return Enrolment(secret, uri)


@transaction.atomic
def confirm(user: User, otp: str, *, session_id: UUID | None, at: datetime) -> list[str]:
    """Turn the second factor on once the app has shown a right code; returns the recovery codes, this once.

    Every other session ends, and `session_id`, from which it is done, counts as one with a second factor.
    Raises `SecondFactorNotSetUp`, `SecondFactorEnabled` or `OtpInvalid`, and what `attempts.spend` raises.
    """
    attempts.spend("second_factor", user.pk)
    _lock(user)
    device = TotpDevice.objects.filter(user=user).first()
    if device is None:
        raise SecondFactorNotSetUp
    if device.confirmed_at is not None:
        raise SecondFactorEnabled
    if not _accept_otp(device, otp, at=at):
        raise OtpInvalid
    attempts.forget("second_factor", user.pk)
    TotpDevice.objects.filter(pk=device.pk).update(confirmed_at=at)
    Session.objects.open().filter(pk__in=[session_id]).update(second_factor=True)
    codes = _make_recovery_codes(user, at=at)
    _changed(user, "enabled", session_id=session_id, at=at)
    return codes


@transaction.atomic
def disable(user: User, *, at: datetime) -> None:
    """Turn it off; the caller has asked for password and code. Raises `SecondFactorNotSetUp`.

    Every session ends: what they may do, here and in the admin site, was granted to somebody with a second factor.
    """
    person = _lock(user)
    if not TotpDevice.objects.filter(user=person, confirmed_at__isnull=False).delete()[0]:
        raise SecondFactorNotSetUp
    person.recovery_codes.all().delete()
    sessions.withdraw_everything(person, Session.Ending.SECOND_FACTOR_CHANGED, by=person, at=at)
    audit.record("accounts.second_factor.disabled", actor=person, subject=person, at=at)
    _tell(person, "disabled", at=at)


@transaction.atomic
def renew_recovery_codes(user: User, *, session_id: UUID | None, at: datetime) -> list[str]:
    """New recovery codes in place of all old ones. Raises `SecondFactorNotSetUp`."""
    _lock(user)
    if not is_enabled(user):
        raise SecondFactorNotSetUp
    codes = _make_recovery_codes(user, at=at)
    _changed(user, "recovery_codes", session_id=session_id, at=at)
    return codes


@transaction.atomic
def reset(user: User, *, by: User, at: datetime, reason: str) -> None:
    """Turn it off for somebody who has lost both app and recovery codes. Raises `SecondFactorNotSetUp`."""
    person = _lock(user)
    if not TotpDevice.objects.filter(user=person).delete()[0]:
        raise SecondFactorNotSetUp
    person.recovery_codes.all().delete()
    sessions.withdraw_everything(person, Session.Ending.SECOND_FACTOR_CHANGED, by=by, at=at, reason=reason)
    audit.record("accounts.second_factor.reset", actor=by, subject=person, at=at, reason=reason)
    _tell(person, "disabled", at=at)


def verify(user: User, otp: str, *, at: datetime) -> None:
    """Accept a code of the app, or a recovery code; either is good once.

    Raises `OtpInvalid`, and what `attempts.spend` raises.
    """
    attempts.spend("second_factor", user.pk)
    device = TotpDevice.objects.filter(user=user, confirmed_at__isnull=False).first()
    if device is not None and (_accept_otp(device, otp, at=at) or _accept_recovery_code(user, otp, at=at)):
        attempts.forget("second_factor", user.pk)
        AUTH_EVENTS.labels("second_factor", "accepted").inc()
        return
    AUTH_EVENTS.labels("second_factor", "refused").inc()
    raise OtpInvalid


def _accept_otp(device: TotpDevice, otp: str, *, at: datetime) -> bool:
    if not _OTP.fullmatch(otp):
        return False
    totp = pyotp.TOTP(device.secret, interval=STEP_SECONDS)
    now = int(at.timestamp()) // STEP_SECONDS
    matching = [
        step for step in range(now - DRIFT, now + DRIFT + 1) if secrets.compare_digest(totp.generate_otp(step), otp)
    ]
    # Of two who show the same code at once the row lets one through.
    return bool(matching) and bool(
        TotpDevice.objects.filter(pk=device.pk, last_step__lt=matching[-1]).update(last_step=matching[-1])
    )


def _accept_recovery_code(user: User, code: str, *, at: datetime) -> bool:
    return bool(user.recovery_codes.unused().filter(digest=_digest(code)).update(used_at=at))


def _make_recovery_codes(user: User, *, at: datetime) -> list[str]:
    user.recovery_codes.all().delete()
    codes = [_grouped(base64.b32encode(secrets.token_bytes(10)).decode()) for _ in range(RECOVERY_CODES)]
    RecoveryCode.objects.bulk_create(RecoveryCode(user=user, digest=_digest(code), created_at=at) for code in codes)
    return codes


def _grouped(code: str) -> str:
    return "-".join(code[start : start + 4] for start in range(0, len(code), 4))


def _digest(code: str) -> str:
    return sha256(code.upper().replace("-", "").replace(" ", "").encode()).hexdigest()


def _changed(user: User, change: str, *, session_id: UUID | None, at: datetime) -> None:
    sessions.end_all(user, Session.Ending.SECOND_FACTOR_CHANGED, by=user, at=at, but=session_id)
    audit.record(f"accounts.second_factor.{change}", actor=user, subject=user, at=at)
    _tell(user, change, at=at)


def _tell(user: User, change: str, *, at: datetime) -> None:
    context = {"username": user.username, "at": at, "change": change}
    mails.queue("two_factor_changed", to=user.email, context=context, at=at)


def _lock(user: User) -> User:
    return User.objects.select_for_update().get(pk=user.pk)
