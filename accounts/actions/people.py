"""What is done to people's accounts, by those who may."""

from __future__ import annotations

import secrets
from datetime import datetime

from django.db import transaction

from accounts.actions import audit, mails, passwords, sessions
from accounts.models import Session, User
from accounts.roles import Role
from config.kernel.errors import Conflict, PermissionDenied, ValidationFailed

Status = User.Status


class UserNotPending(Conflict):
    code = "user_not_pending"
    message = "Only an account that waits for approval can be approved."


class UserNotDisabled(Conflict):
    code = "user_not_disabled"
    message = "Only a disabled account can be enabled."


class UserDisabled(Conflict):
    code = "user_disabled"
    message = "This account is disabled already."


class OwnAccount(Conflict):
    code = "own_account"
    message = "Somebody else has to do this to your account."


class LastAdmin(Conflict):
    code = "last_admin"
    message = "This is the last active administrator; make somebody else one first."


class RightsWithdrawn(PermissionDenied):
    code = "rights_withdrawn"
    message = "Your own account was changed a moment ago, so you cannot do this any more."


@transaction.atomic
def approve(user: User, *, by: User, at: datetime, reason: str = "") -> None:
    """Let somebody in who has signed up. Raises `UserNotPending`."""
    person = _locked(user, by=by)
    if person.status != Status.PENDING:
        raise UserNotPending
    _set_status(person, Status.ACTIVE, "accounts.user.approved", by=by, at=at, reason=reason)
    _tell(person, "account_approved", {"username": person.username}, at=at)
    user.refresh_from_db()


@transaction.atomic
def disable(user: User, *, by: User, at: datetime, reason: str = "") -> None:
    """Shut somebody out at once. Raises `OwnAccount`, `UserDisabled` or `LastAdmin`."""
    if user.pk == by.pk:
        raise OwnAccount
    person = _locked(user, by=by)
    if person.status == Status.DISABLED:
        raise UserDisabled
    _require_another_admin(person)
    _set_status(person, Status.DISABLED, "accounts.user.disabled", by=by, at=at, reason=reason)
    _tell(person, "account_disabled", {"username": person.username, "at": at}, at=at)
    user.refresh_from_db()


@transaction.atomic
def enable(user: User, *, by: User, at: datetime, reason: str = "") -> None:
    """Let somebody in again. Raises `UserNotDisabled`."""
    person = _locked(user, by=by)
    if person.status != Status.DISABLED:
        raise UserNotDisabled
    _set_status(person, Status.ACTIVE, "accounts.user.enabled", by=by, at=at, reason=reason)
    _tell(person, "account_approved", {"username": person.username}, at=at)
    user.refresh_from_db()


@transaction.atomic
def set_role(user: User, role: Role, *, by: User | None, at: datetime, reason: str = "") -> None:
    """Give `user` another role and withdraw their tokens. Nothing happens when they have it already.

    Raises `LastAdmin`.
    """
    person = _locked(user, by=by)
    previous = person.role
    if previous == role:
        return
    if previous == Role.ADMIN:
        _require_another_admin(person)
    person.role = role
    person.save(update_fields=["role", "updated_at"])
    sessions.withdraw_everything(person, Session.Ending.ACCOUNT_CHANGED, by=by, at=at, reason=reason)
    audit.record(
        "accounts.user.role_changed",
        actor=by,
        subject=person,
        at=at,
        reason=reason,
        before={"role": previous},
        after={"role": role},
    )
    user.refresh_from_db()


@transaction.atomic
def revoke_sessions(user: User, *, by: User, at: datetime, reason: str = "") -> None:
    """Make somebody log in anew everywhere."""
    person = _locked(user, by=by)
    sessions.withdraw_everything(person, Session.Ending.REVOKED, by=by, at=at, reason=reason)
    audit.record("accounts.user.sessions_revoked", actor=by, subject=person, at=at, reason=reason)
    user.refresh_from_db()


@transaction.atomic
def create_service(username: str, role: Role, *, by: User, at: datetime, reason: str = "") -> User:
    """An account that no person logs in to: it only calls with API keys, and outlives who made it.

    Raises `ValidationFailed` for a name that is taken or cannot be one.
    """
    if User.objects.called(username).exists():
        raise ValidationFailed(fields={"username": ["This user name is taken."]})
    # `.invalid` never resolves (RFC 2606): nothing is ever mailed to a service.
    service = User.objects.create_user(
        username, f"{username.strip()}@service.invalid", role=role, status=Status.ACTIVE, kind=User.Kind.SERVICE
    )
    audit.record("accounts.service.created", actor=by, subject=service, at=at, reason=reason, after={"role": role})
    return service


@transaction.atomic
def create_admin(username: str, email: str, password: str, *, at: datetime) -> User:
    """An active administrator, made by whoever runs the installation; the others are approved by one.

    Raises `ValidationFailed` for the password, and Django's `ValidationError` for the rest.
    """
    passwords.require_acceptable(password, User(username=username, email=email))
    admin = User.objects.create_superuser(username, email, password)
    audit.record("accounts.user.created", actor=None, subject=admin, at=at, after={"role": admin.role})
    return admin


@transaction.atomic
def ensure_demo_people(*, at: datetime) -> dict[str, dict[str, str]]:
    """One active person per role, named demo_<role>, for trying the product out.

    Returns `{role: {"username", "password"}}` of those who were missing and have been created: the password of the
    others is known to nobody but them.
    """
    created = {}
    for role in Role:
        username = f"demo_{role}"
        if User.objects.called(username).exists():
            continue
        password = secrets.token_urlsafe(12)
        person = User.objects.create_user(
            username, f"{username}@example.com", password, role=role, status=Status.ACTIVE
        )
        audit.record("accounts.user.created", actor=None, subject=person, at=at, after={"role": role})
        created[role.value] = {"username": username, "password": password}
    return created


def _locked(user: User, *, by: User | None) -> User:
    """The person as stored now, and every active administrator, held until the end of the transaction.

    All in the order of their keys: two administrators who act on each other at once come one after the other, and the
    second finds what the first has made of them. Raises `RightsWithdrawn`.
    """
    admins = User.objects.active().filter(role=Role.ADMIN)
    concerned = User.objects.filter(pk__in=[person.pk for person in (user, by) if person is not None])
    held = {person.pk: person for person in (admins | concerned).order_by("pk").select_for_update()}
    if by is not None and (held[by.pk].role, held[by.pk].status) != (by.role, by.status):
        raise RightsWithdrawn
    return held[user.pk]


def _require_another_admin(person: User) -> None:
    if person.role != Role.ADMIN or person.status != Status.ACTIVE:
        return
    if not User.objects.active().people().filter(role=Role.ADMIN).exclude(pk=person.pk).exists():
        raise LastAdmin


def _set_status(person: User, status: User.Status, verb: str, *, by: User, at: datetime, reason: str) -> None:
    previous = person.status
    person.status = status
    person.save(update_fields=["status", "updated_at"])
    sessions.withdraw_everything(person, Session.Ending.ACCOUNT_CHANGED, by=by, at=at, reason=reason)
    audit.record(
        verb, actor=by, subject=person, at=at, reason=reason, before={"status": previous}, after={"status": status}
    )


def _tell(person: User, template: str, context: dict[str, object], *, at: datetime) -> None:
    if person.kind == User.Kind.PERSON:  # services have no mailbox
        mails.queue(template, to=person.email, context=context, at=at)
