"""Exchanging a password, and a second factor where there is one, for a session."""

from __future__ import annotations

from datetime import datetime

import structlog

from accounts import login_delay
from accounts.actions import sessions, two_factor
from accounts.actions.sessions import TokenPair
from accounts.clients import Client
from accounts.credentials import InactiveAccount
from accounts.metrics import AUTH_EVENTS
from accounts.models import User
from config.kernel.errors import Unauthenticated

log = structlog.get_logger(__name__)


class InvalidCredentials(Unauthenticated):
    """Unknown person or wrong password: the answer never tells which."""

    code = "invalid_credentials"
    message = "Invalid credentials or inactive account."


class OtpRequired(Unauthenticated):
    """The password is right; the account also asks for a second factor."""

    code = "otp_required"
    message = "Send the code of your authenticator app, or a recovery code, as otp."


def log_in(login: str, password: str, *, otp: str | None, client: Client, at: datetime) -> TokenPair:
    """Tokens of a new session for the active person with this user name or e-mail address and this password.

    Raises what `identify` raises, `OtpRequired`, or what `two_factor.verify` raises.
    """
    user = identify(login, password)
    has_second_factor = two_factor.is_enabled(user)
    if has_second_factor:
        if otp is None:
            raise OtpRequired
        two_factor.verify(user, otp, at=at)
    login_delay.forget(user)
    User.objects.filter(pk=user.pk).update(last_login=at)
    pair = sessions.open_session(user, client, second_factor=has_second_factor, at=at)
    AUTH_EVENTS.labels("login", "accepted").inc()
    log.info("login.accepted", user_id=user.pk)
    return pair


def identify(login: str, password: str) -> User:
    """The active person with this user name or e-mail address and this password.

    Takes the same time whoever is unknown, inactive or mistaken. Raises `InvalidCredentials` or `InactiveAccount`.
    """
    user = User.objects.people().called(login).first()
    if user is None:
        User().set_password(password)  # as slow as checking one, so that the time does not tell who exists
    if user is None or not user.check_password(password):
        AUTH_EVENTS.labels("login", "invalid_credentials").inc()
        log.warning("login.refused", reason="invalid_credentials")
        raise InvalidCredentials
    if not user.is_active:
        AUTH_EVENTS.labels("login", "inactive_account").inc()
        log.warning("login.refused", reason="inactive_account", user_id=user.pk)
        raise InactiveAccount
    return user
