"""API keys: made and shown once, disabled for ever."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime
from ipaddress import ip_network

from django.db import transaction

from accounts.actions import audit, revocations
from accounts.credentials import digest_of
from accounts.models import ApiKey, User
from accounts.roles import Role
from accounts.scopes import Scope, ceiling
from config.kernel.errors import Conflict, ValidationFailed

PREFIX = "tp_live_"
MOST_KEYS = 50  # usable ones of one owner


class TooManyKeys(Conflict):
    code = "too_many_api_keys"
    message = f"An account has at most {MOST_KEYS} API keys; disable one first."


class KeyDisabled(Conflict):
    code = "api_key_disabled"
    message = "This API key is disabled already."


@transaction.atomic
def create(
    owner: User,
    name: str,
    scopes: Sequence[str],
    *,
    networks: Sequence[str] = (),
    expires_at: datetime | None = None,
    by: User,
    at: datetime,
) -> tuple[ApiKey, str]:
    """A new key and its text, which is stored nowhere and cannot be shown again.

    Raises `ValidationFailed` for a scope beyond the owner's role, a network that is none, or an end in the past, and
    `TooManyKeys`.
    """
    allowed = ceiling(Role(owner.role))
    beyond = sorted(set(scopes) - allowed)
    if not scopes or beyond:
        may = ", ".join(sorted(allowed))
        raise ValidationFailed(fields={"scopes": [f"Choose at least one of these, which your role allows: {may}."]})
    if expires_at is not None and expires_at <= at:
        raise ValidationFailed(fields={"expires_at": ["Must lie in the future."]})
    User.objects.select_for_update().get(pk=owner.pk)  # two at once would both be the last one
    if ApiKey.objects.usable(at).filter(owner=owner).count() >= MOST_KEYS:
        raise TooManyKeys
    prefix = f"{PREFIX}{secrets.token_hex(4)}"
    text = f"{prefix}_{secrets.token_hex(32)}"
    key = ApiKey.objects.create(
        owner=owner,
        name=name,
        prefix=prefix,
        digest=digest_of(text),
        scopes=sorted({Scope(scope) for scope in scopes}),
        networks=[_network(network) for network in networks],
        created_at=at,
        expires_at=expires_at,
    )
    audit.record(
        "accounts.api_key.created",
        actor=by,
        subject=key,
        at=at,
        after={"owner_id": owner.pk, "prefix": prefix, "scopes": key.scopes, "networks": key.networks},
    )
    return key, text


@transaction.atomic
def disable(key: ApiKey, *, by: User, at: datetime, reason: str = "") -> None:
    """Make a key useless, for good. Raises `KeyDisabled`."""
    if not ApiKey.objects.filter(pk=key.pk, disabled_at=None).update(disabled_at=at):
        raise KeyDisabled
    revocations.withdraw_key(key, at=at)
    audit.record("accounts.api_key.disabled", actor=by, subject=key, at=at, reason=reason, after={"prefix": key.prefix})
    key.refresh_from_db()


def _network(text: str) -> str:
    try:
        return str(ip_network(text.strip(), strict=False))
    except ValueError as error:
        raise ValidationFailed(fields={"networks": [f"{text[:50]} is neither an address nor a network."]}) from error
