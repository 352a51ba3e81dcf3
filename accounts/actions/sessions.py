"""Sessions: opened by a login, kept by refreshing, ended for a reason."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

import structlog
from django.db import transaction
from django.db.models import F

from accounts import tokens
from accounts.actions import audit, mails, revocations
from accounts.clients import Client
from accounts.credentials import InactiveAccount, SessionExpired, TokenRevoked
from accounts.metrics import AUTH_EVENTS
from accounts.models import Session, User
from accounts.tokens import TokenInvalid, TokenType

log = structlog.get_logger(__name__)

Ending = Session.Ending


@dataclass(frozen=True, slots=True)
class TokenPair:
    access_token: str
    refresh_token: str


def open_session(user: User, client: Client, *, second_factor: bool, at: datetime) -> TokenPair:
    """Let an active person in. A device that they have not used before is reported to them."""
    is_new_device = user.sessions.exists() and not user.sessions.filter(user_agent=client.user_agent).exists()
    with transaction.atomic():
        session = Session.objects.create(
            user=user,
            device=client.device,
            user_agent=client.user_agent,
            address=client.address,
            second_factor=second_factor,
            rotated_at=at,
            created_at=at,
            last_seen_at=at,
        )
        if is_new_device:
            mails.queue("new_device", to=user.email, context=_seen(session), at=at)
    return _pair(session, at=at)


def refresh(refresh_token: str, *, at: datetime) -> TokenPair:
    """A new access token, and the refresh token to use next.

    However often and however much at once a token is used, it has one successor, which is given each time until it is
    used itself. A token whose successor has been used is in two hands: its session ends, and its owner is told.

    Raises `TokenInvalid`, `TokenExpired`, `TokenRevoked`, `SessionExpired` or `InactiveAccount`.
    """
    claims = tokens.read(refresh_token, TokenType.REFRESH)
    _require_live(_find(claims), claims, at=at)
    # Of all who come at once, one finds its token still the newest; the others wait for it and find the successor made.
    Session.objects.open().filter(pk=claims.session_id, refresh_jti=claims.jti).update(
        previous_jti=F("refresh_jti"), refresh_jti=uuid.uuid4(), rotated_at=at, last_seen_at=at
    )
    session = _find(claims)
    _require_live(session, claims, at=at)
    if session.previous_jti != claims.jti:
        _end_stolen(session, at=at)
        raise TokenRevoked
    AUTH_EVENTS.labels("refresh", "accepted").inc()
    return _pair(session, at=at)


def _find(claims: tokens.Claims) -> Session:
    session = Session.objects.select_related("user").filter(pk=claims.session_id, user=claims.user_id).first()
    if session is None:
        raise TokenInvalid
    return session


def _require_live(session: Session, claims: tokens.Claims, *, at: datetime) -> None:
    if session.ended_at is not None or session.user.token_version != claims.token_version:
        raise TokenRevoked
    if not session.user.is_active:
        raise InactiveAccount
    if session.has_run_out(at):
        raise SessionExpired


@transaction.atomic
def _end_stolen(session: Session, *, at: datetime) -> None:
    if end(session, Ending.TOKEN_REUSED, by=None, at=at):
        AUTH_EVENTS.labels("refresh", "reuse_detected").inc()
        log.error("session.token_reused", user_id=session.user_id)
        mails.queue("token_reused", to=session.user.email, context=_seen(session) | {"at": at}, at=at)


@transaction.atomic
def end(session: Session, ending: Session.Ending, *, by: User | None, at: datetime, reason: str = "") -> bool:
    """Withdraw the tokens of one session; False when it had ended before, and then nothing happens."""
    if not Session.objects.open().filter(pk=session.pk).update(ended_at=at, ending=ending):
        return False
    revocations.withdraw_session(session, at=at)
    audit.record(
        "accounts.session.ended",
        actor=by,
        subject=session,
        at=at,
        reason=reason,
        after={"user_id": session.user_id, "ending": ending},
    )
    AUTH_EVENTS.labels("session_ended", ending.value).inc()
    return True


@transaction.atomic
def log_out(session_id: uuid.UUID, jti: uuid.UUID, *, refresh_token: str | None, by: User, at: datetime) -> None:
    """End the caller's session and remember its token as withdrawn; likewise that of another refresh token of theirs.

    Raises what reading that token raises, and then has ended nothing.
    """
    own = {session_id: jti}
    if refresh_token is not None:
        claims = tokens.read(refresh_token, TokenType.REFRESH)
        if claims.user_id != by.pk:
            raise TokenInvalid
        own.setdefault(claims.session_id, claims.jti)
        revocations.withdraw_token(claims.jti, at=at)
    revocations.withdraw_token(jti, at=at)
    for session in Session.objects.filter(pk__in=own, user=by).order_by("pk"):
        end(session, Ending.LOGGED_OUT, by=by, at=at)


@transaction.atomic
def end_all(
    user: User,
    ending: Session.Ending,
    *,
    by: User | None,
    at: datetime,
    reason: str = "",
    but: uuid.UUID | None = None,
) -> int:
    """End every open session of a person, except the one that is named; returns how many."""
    others = Session.objects.open().filter(user=user).order_by("pk")
    if but is not None:
        others = others.exclude(pk=but)
    return sum(end(session, ending, by=by, at=at, reason=reason) for session in others)


@transaction.atomic
def log_out_everywhere(user: User, *, at: datetime) -> None:
    """End every session of somebody who asks for it, those of the admin site included."""
    person = User.objects.select_for_update().get(pk=user.pk)
    withdraw_everything(person, Ending.LOGGED_OUT, by=person, at=at)


def withdraw_everything(user: User, ending: Session.Ending, *, by: User | None, at: datetime, reason: str = "") -> None:
    """Make every token and every session of the admin site useless; in the transaction of the change that asks for it.

    `user` is locked by the caller, and knows its new token version afterwards.
    """
    user.token_version += 1
    user.save(update_fields=["token_version", "updated_at"])
    revocations.withdraw_user(user, at=at)
    end_all(user, ending, by=by, at=at, reason=reason)


def _seen(session: Session) -> dict[str, object]:
    return {
        "username": session.user.username,
        "at": session.created_at,
        "address": session.address or "unknown",
        "device": session.device,
    }


def _pair(session: Session, *, at: datetime) -> TokenPair:
    return TokenPair(access_token=tokens.access_token(session, at=at), refresh_token=tokens.refresh_token(session))
