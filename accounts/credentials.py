"""What a request may show to say who makes it: an access token or an API key, and what this process remembers of them.

What was looked up in the database is remembered for as long as nothing of it has been withdrawn
(`accounts.revocations`), so that a request that shows a known token costs no query.
"""

from __future__ import annotations

import hmac
import re
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from ipaddress import ip_address, ip_network
from typing import Any, Generic, TypeVar
from uuid import UUID

import structlog
from django.db import Error
from django.db.models import Q, QuerySet
from django.db.models.base import ModelState

from accounts import tokens
from accounts.models import ApiKey, Session, User
from accounts.revocations import REVOCATIONS
from accounts.roles import Role
from accounts.scopes import Scope, ceiling
from accounts.tokens import TokenType
from config.kernel.addresses import ip_or_none
from config.kernel.errors import PermissionDenied, Unauthenticated

log = structlog.get_logger(__name__)

REMEMBERED = 10_000  # credentials per process
KEY_SECONDS = 60.0  # after which a key is looked up again
NOTED_EVERY = timedelta(minutes=1)

_KEY = re.compile(r"tp_live_[0-9a-f]{8}_[0-9a-f]{64}", re.ASCII)


class InactiveAccount(Unauthenticated):
    """Pending or disabled. Only somebody who has proved to be that person is told."""

    code = "inactive_account"
    message = "Invalid credentials or inactive account."


class TokenRevoked(Unauthenticated):
    """Genuine, but withdrawn: by a logout, or with everything else of that person."""

    code = "token_revoked"
    message = "This token has been revoked."


class SessionExpired(Unauthenticated):
    code = "session_expired"
    message = "This session has ended; log in again."


class KeyInvalid(Unauthenticated):
    code = "api_key_invalid"
    message = "This API key is not valid."


class KeyNotAllowedFrom(PermissionDenied):
    code = "api_key_address"
    message = "This API key may not be used from your address."


@dataclass(frozen=True, slots=True)
class Credential:
    """How a request was made: `request.auth`."""

    session_id: UUID | None = None
    jti: UUID | None = None
    second_factor: bool = False
    key: ApiKey | None = None
    scopes: frozenset[Scope] | None = None
    """What a key may do; None for a person with a token, who may do what the role says."""


@dataclass(slots=True)
class _Token:
    user: User
    session_id: UUID
    jti: UUID
    expires_at: int
    credential: Credential
    noted_at: datetime


@dataclass(slots=True)
class _Key:
    key: ApiKey  # with its owner
    credential: Credential
    forget_at: float  # on the monotonic clock
    noted_at: datetime


Known = TypeVar("Known")


class Memory(Generic[Known]):
    """What this process knows of the credentials it has seen; of too many, the ones seen first are forgotten."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[str, Known] = OrderedDict()

    def find(self, text: str) -> Known | None:
        return self._known.get(text)

    def keep(self, text: str, remembered: Known) -> None:
        with self._lock:
            self._known[text] = remembered
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)

    def forget(self, text: str) -> None:
        with self._lock:
            self._known.pop(text, None)

    def clear(self) -> None:
        with self._lock:
            self._known.clear()


TOKENS: Memory[_Token] = Memory()
KEYS: Memory[_Key] = Memory()


def of_token(text: str, *, at: datetime) -> tuple[User, Credential]:
    """The active person whom an access token stands for, and how they came.

    Raises `TokenInvalid`, `TokenExpired`, `TokenRevoked`, `SessionExpired`, `InactiveAccount`, or `RevocationsUnknown`.
    """
    REVOCATIONS.keep_fresh()
    token = TOKENS.find(text)
    if token is None:
        token = _look_up_token(text, at=at)
        TOKENS.keep(text, token)
    elif at.timestamp() >= token.expires_at:
        TOKENS.forget(text)
        raise tokens.TokenExpired
    if (
        REVOCATIONS.user_is_out(token.user.pk, token.user.token_version)
        or REVOCATIONS.session_is_out(token.session_id)
        or REVOCATIONS.token_is_out(token.jti.hex)
    ):
        TOKENS.forget(text)
        raise TokenRevoked
    if at - token.noted_at >= NOTED_EVERY:
        token.noted_at = at
        _note(Session.objects.filter(pk=token.session_id, last_seen_at__lt=at), last_seen_at=at)
    return _copy(token.user), token.credential


def _look_up_token(text: str, *, at: datetime) -> _Token:
    claims = tokens.read(text, TokenType.ACCESS)
    session = Session.objects.select_related("user").filter(pk=claims.session_id, user=claims.user_id).first()
    if session is None:
        raise tokens.TokenInvalid
    user = session.user
    if session.ended_at is not None or user.token_version != claims.token_version:
        raise TokenRevoked
    if not user.is_active:
        raise InactiveAccount
    if session.has_run_out(at):
        raise SessionExpired
    credential = Credential(session_id=session.pk, jti=claims.jti, second_factor=session.second_factor)
    return _Token(user, session.pk, claims.jti, claims.expires_at, credential, noted_at=session.last_seen_at)


def of_key(text: str, *, address: str, at: datetime) -> tuple[User, Credential]:
    """The active owner of an API key, and what the key may do.

    Raises `KeyInvalid`, `KeyNotAllowedFrom`, or `RevocationsUnknown`.
    """
    REVOCATIONS.keep_fresh()
    known = KEYS.find(text)
    if known is None or time.monotonic() >= known.forget_at or _is_withdrawn(known.key):
        # Withdrawn may only mean that the owner has a new password; the database knows.
        KEYS.forget(text)
        known = _look_up_key(text, at=at)
        KEYS.keep(text, known)
    key = known.key
    if not key.is_usable(at):
        raise KeyInvalid
    if key.networks and not _is_within(address, key.networks):
        log.warning("key.refused", key=key.prefix, reason="address")
        raise KeyNotAllowedFrom
    if at - known.noted_at >= NOTED_EVERY:
        known.noted_at = at
        unseen = Q(last_used_at=None) | Q(last_used_at__lt=at)
        _note(ApiKey.objects.filter(unseen, pk=key.pk), last_used_at=at, last_used_from=ip_or_none(address))
    return _copy(key.owner), known.credential


def digest_of(key: str) -> str:
    return sha256(key.encode()).hexdigest()


def _look_up_key(text: str, *, at: datetime) -> _Key:
    if not _KEY.fullmatch(text):  # nor would the database take every text
        raise KeyInvalid
    prefix = text.rpartition("_")[0]
    key = ApiKey.objects.select_related("owner").filter(prefix=prefix).first()
    if key is None or not hmac.compare_digest(key.digest, digest_of(text)):
        raise KeyInvalid
    if not (key.is_usable(at) and key.owner.is_active):
        raise KeyInvalid
    scopes = frozenset(map(Scope, key.scopes)) & ceiling(Role(key.owner.role))
    noted_at = key.last_used_at or key.created_at - NOTED_EVERY
    return _Key(key, Credential(key=key, scopes=scopes), time.monotonic() + KEY_SECONDS, noted_at)


def _copy(user: User) -> User:
    """The user for one request, which may do with it what it likes; a tenth of what `copy.copy` takes for a model."""
    own = object.__new__(User)
    own.__dict__.update(user.__dict__)
    own._state = ModelState()  # what one request looks up about its user is not the next one's
    own._state.db, own._state.adding = user._state.db, False
    return own


def _is_withdrawn(key: ApiKey) -> bool:
    return REVOCATIONS.key_is_out(key.pk) or REVOCATIONS.user_is_out(key.owner.pk, key.owner.token_version)


def _is_within(address: str, networks: list[str]) -> bool:
    caller = ip_or_none(address)
    return caller is not None and any(ip_address(caller) in ip_network(network) for network in networks)


def _note(rows: QuerySet[Any], **changes: object) -> None:
    try:
        rows.update(**changes)
    except Error as error:  # a read must not fail because its time cannot be noted
        log.warning("credential.not_noted", error=type(error).__name__)
