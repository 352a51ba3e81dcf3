"""Signed tokens: what they claim, how they are made and how they are read.

A token only says who comes; what that person may do is read from the database at every request.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.conf import settings
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import TokenBackendError, TokenBackendExpiredToken

from accounts.models import User
from config.kernel.errors import Unauthenticated

ISSUER = "crypto-platform"
AUDIENCE = "crypto-platform-api"
MAXIMUM_LENGTH = 4_096  # characters; ours have about 400
CLOCK_SKEW_SECONDS = 5  # between two of our hosts

_SUBJECT = re.compile(r"[0-9]{1,18}", re.ASCII)


class TokenInvalid(Unauthenticated):
    code = "token_invalid"
    message = "This token is not valid."


class TokenExpired(Unauthenticated):
    code = "token_expired"
    message = "This token has expired."


class TokenType(StrEnum):
    ACCESS = "access"
    REFRESH = "refresh"

    @property
    def lifetime(self) -> timedelta:
        if self is TokenType.ACCESS:
            return timedelta(minutes=settings.ACCESS_TOKEN_EXPIRES_MIN)
        return timedelta(days=settings.REFRESH_TOKEN_EXPIRES_DAYS)


@dataclass(frozen=True, slots=True)
class Claims:
    """What a genuine token says: whose it is, and the version that person's tokens had when it was made."""

    user_id: int
    token_version: int


def issue(user: User, token_type: TokenType, *, at: datetime) -> str:
    return _backend().encode(
        {
            "sub": str(user.pk),
            "tv": user.token_version,
            "type": token_type.value,
            "iat": int(at.timestamp()),
            "exp": int((at + token_type.lifetime).timestamp()),
            "jti": uuid.uuid4().hex,
        }
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
    subject, version = payload.get("sub"), payload.get("tv")
    complete = {"exp", "iat", "jti"} <= payload.keys() and payload.get("type") == token_type.value
    if not (complete and isinstance(subject, str) and _SUBJECT.fullmatch(subject) and type(version) is int):
        raise TokenInvalid
    return Claims(user_id=int(subject), token_version=version)


def _backend() -> TokenBackend:
    return TokenBackend(
        settings.JWT_ALGORITHM,
        signing_key=settings.JWT_SECRET_KEY,
        audience=AUDIENCE,
        issuer=ISSUER,
        leeway=CLOCK_SKEW_SECONDS,
    )
