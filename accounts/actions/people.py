"""What is done to people's accounts."""

from __future__ import annotations

import secrets
from datetime import datetime

from django.db import transaction

from accounts.actions import audit
from accounts.models import User
from accounts.roles import Role


@transaction.atomic
def set_role(user: User, role: Role, *, by: User | None, at: datetime, reason: str) -> None:
    """Give `user` another role and withdraw their tokens. Nothing happens when they have it already."""
    person = User.objects.select_for_update().get(pk=user.pk)
    previous = person.role
    if previous == role:
        return
    person.role = role
    person.token_version += 1
    person.save(update_fields=["role", "token_version", "updated_at"])
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
            username, f"{username}@example.com", password, role=role, status=User.Status.ACTIVE
        )
        audit.record("accounts.user.created", actor=None, subject=person, at=at, after={"role": role})
        created[role.value] = {"username": username, "password": password}
    return created
