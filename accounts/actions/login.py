"""Exchanging a password, or a refresh token, for an access token."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import structlog

from accounts import tokens
from accounts.models import User
from config.kernel.errors import Unauthenticated

log = structlog.get_logger(__name__)


class InvalidCredentials(Unauthenticated):
    """Unknown person or wrong password: the answer never tells which."""

    code = "invalid_credentials"
    message = "Invalid credentials or inactive account."


class InactiveAccount(Unauthenticated):
    """Pending or disabled. Only somebody who has proved to be that person is told."""

    code = "inactive_account"
    message = "Invalid credentials or inactive account."


class TokenRevoked(Unauthenticated):
    """Genuine, but made before the person's tokens were all withdrawn."""

    code = "token_revoked"
    message = "This token has been revoked."


@dataclass(frozen=True, slots=True)
class TokenPair:
    access_token: str
    refresh_token: str


def log_in(login: str, password: str, *, at: datetime) -> TokenPair:
    """Tokens for the active person with this user name or e-mail address and this password.

    Takes the same time whoever is unknown, inactive or mistaken. Raises `InvalidCredentials` or `InactiveAccount`.
    """
    user = User.objects.called(login).first()
    if user is None:
        User().set_password(password)  # as slow as checking one, so that the time does not tell who exists
    if user is None or not user.check_password(password):
        log.warning("login.refused", reason="invalid_credentials")
        raise InvalidCredentials
    if not user.is_active:
        log.warning("login.refused", reason="inactive_account", user_id=user.pk)
        raise InactiveAccount
    User.objects.filter(pk=user.pk).update(last_login=at)
    log.info("login.accepted", user_id=user.pk)
    return TokenPair(
        access_token=tokens.issue(user, tokens.TokenType.ACCESS, at=at),
        refresh_token=tokens.issue(user, tokens.TokenType.REFRESH, at=at),
    )


def refresh(refresh_token: str, *, at: datetime) -> str:
    """A new access token. Raises what `bearer` raises."""
    return tokens.issue(bearer(refresh_token, tokens.TokenType.REFRESH), tokens.TokenType.ACCESS, at=at)


def bearer(token: str, token_type: tokens.TokenType) -> User:
    """The active person whom a token stands for, as the database knows them now.

    Raises `TokenInvalid`, `TokenExpired`, `TokenRevoked` or `InactiveAccount`.
    """
    claims = tokens.read(token, token_type)
    user = User.objects.filter(pk=claims.user_id).first()
    if user is None:
        raise tokens.TokenInvalid
    if user.token_version != claims.token_version:
        raise TokenRevoked
    if not user.is_active:
        raise InactiveAccount
    return user
