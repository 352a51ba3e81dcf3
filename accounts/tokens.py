"""Signed tokens: what they claim, how they are made and how they are read.

A token only says who comes, and in which session; what that person may do is known to the database.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache

from django.conf import settings
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import TokenBackendError, TokenBackendExpiredToken

from accounts.models import Session
from config.kernel.errors import Unauthenticated

ISSUER = "crypto-platform"
AUDIENCE = "crypto-platform-api"
MAXIMUM_LENGTH = 4_096  # characters; ours have about 450
CLOCK_SKEW_SECONDS = 5  # between two of our hosts

_SUBJECT = re.compile(r"[0-9]{1,18}", re.ASCII)
_HEXADECIMAL = re.compile(r"[0-9a-f]{32}", re.ASCII)
_CLAIMS = frozenset(("sub", "jti", "sid", "tv", "type", "iat", "exp", "iss", "aud"))


class TokenInvalid(Unauthenticated):
    code = "token_invalid"
    message = "This token is not valid."


class TokenExpired(Unauthenticated):
    code = "token_expired"
    message = "This token has expired."


class TokenType(StrEnum):
    ACCESS = "access"
    REFRESH = "refresh"


@dataclass(frozen=True, slots=True)
class Claims:
    """What a genuine token says: whose it is, of which session, and the version that person's tokens had then."""

    user_id: int
    session_id: uuid.UUID
    token_version: int
    jti: uuid.UUID
    expires_at: int
    """Seconds since 1970."""


def access_token(session: Session, *, at: datetime) -> str:
    """Lives as long as the settings say, and no longer than its session may be left alone, or may last."""
    minutes = [settings.ACCESS_TOKEN_EXPIRES_MIN, settings.SESSION_TIMEOUT_MINUTES]
    ends = [at + timedelta(minutes=least) for least in minutes if least]
    if session.ends_at is not None:
        ends.append(session.ends_at)
    return _sign(session, TokenType.ACCESS, uuid.uuid4(), issued_at=at, expires_at=min(ends))


def refresh_token(session: Session) -> str:
    """The newest one of the session: the same text whenever it is asked for."""
    lifetime = timedelta(days=settings.REFRESH_TOKEN_EXPIRES_DAYS)
    return _sign(
        session,
        TokenType.REFRESH,
        session.refresh_jti,
        issued_at=session.rotated_at,
        expires_at=session.rotated_at + lifetime,
    )


def read(token: str, token_type: TokenType) -> Claims:
    """The claims of a token of this type that we signed. Anything else raises `TokenInvalid` or `TokenExpired`."""
    if len(token) > MAXIMUM_LENGTH or not token.isascii():
        raise TokenInvalid
    try:
        payload = _backend().decode(token)  # type: ignore[arg-type]  # takes the text, whatever its annotation says
    except TokenBackendExpiredToken as error:
        raise TokenExpired from error
    except TokenBackendError as error:
        raise TokenInvalid from error
    subject, session, version, jti = (payload.get(name) for name in ("sub", "sid", "tv", "jti"))
    if not (payload.keys() == _CLAIMS and payload["type"] == token_type.value and type(version) is int):
        raise TokenInvalid
    if not (isinstance(subject, str) and _SUBJECT.fullmatch(subject)):
        raise TokenInvalid
    if not all(isinstance(identifier, str) and _HEXADECIMAL.fullmatch(identifier) for identifier in (session, jti)):
        raise TokenInvalid
    return Claims(
        user_id=int(subject),
        session_id=uuid.UUID(session),
        token_version=version,
        jti=uuid.UUID(jti),
        expires_at=int(payload["exp"]),
    )


def _sign(session: Session, token_type: TokenType, jti: uuid.UUID, *, issued_at: datetime, expires_at: datetime) -> str:
    return _backend().encode(
        {
            "sub": str(session.user_id),
            "sid": session.pk.hex,
            "tv": session.user.token_version,
            "type": token_type.value,
            "iat": int(issued_at.timestamp()),
            "exp": int(expires_at.timestamp()),
            "jti": jti.hex,
        }
    )


def _backend() -> TokenBackend:
    return _backend_of(settings.JWT_ALGORITHM, settings.JWT_SECRET_KEY)


@lru_cache(maxsize=4)
def _backend_of(algorithm: str, key: str) -> TokenBackend:
    return TokenBackend(algorithm, signing_key=key, audience=AUDIENCE, issuer=ISSUER, leeway=CLOCK_SKEW_SECONDS)
