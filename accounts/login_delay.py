"""A delay that grows with the attempts on one account, whoever makes them and from wherever.

It slows down those who guess from many addresses. It cannot lock the owner out: an address from which the account was
logged in to before, or its password reset, does not wait. Names without an account behave like the others.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from django.conf import settings

from accounts.models import Session, User
from accounts.models.user import canonical_email
from config.kernel import metrics
from config.kernel.addresses import bucket_address, ip_or_none
from config.kernel.counters import CountersUnavailable, server
from config.kernel.errors import RateLimited, ServiceUnavailable

FREE_ATTEMPTS = 10
LONGEST_SECONDS = 60
FORGOTTEN_AFTER_SECONDS = 3_600  # without an attempt
TRUSTED_FOR = timedelta(days=90)
RESET_TRUSTED_SECONDS = 86_400

# Counted before the password is looked at, in one step: of a hundred who try at once, those after the free ones wait.
_ATTEMPT = """
local wait = redis.call('PTTL', KEYS[2])
if wait > 0 then return wait end
local attempts = redis.call('INCR', KEYS[1])
redis.call('EXPIRE', KEYS[1], ARGV[3])
if attempts >= tonumber(ARGV[1]) then
    local exponent = math.min(attempts - tonumber(ARGV[1]), 20)
    redis.call('SET', KEYS[2], 1, 'PX', math.min(2 ^ exponent, tonumber(ARGV[2])) * 1000)
end
return 0
"""


def attempt(login: str, *, address: str, at: datetime) -> None:
    """Count an attempt on the account that `login` names.

    Raises `RateLimited` while it has to wait, and `ServiceUnavailable` where that cannot be known.
    """
    user = User.objects.people().called(login).first()
    is_known = user is not None and _knows(user, address, at=at)
    account = _account(user, login)
    try:
        if is_known or _ask("EXISTS", _trusted(account, address)):
            return
        wait = _ask(
            *("EVAL", _ATTEMPT, 2, f"delay:count:{account}", f"delay:wait:{account}"),
            *(FREE_ATTEMPTS, LONGEST_SECONDS, FORGOTTEN_AFTER_SECONDS),
        )
    except CountersUnavailable as error:
        metrics.RATE_LIMIT_BACKEND_ERRORS.labels("login_account").inc()
        raise ServiceUnavailable(scope="login_account") from error
    if wait:
        seconds = -(-int(wait) // 1_000)
        metrics.rate_limit_decision("login_account", "refused").inc()
        raise RateLimited(headers={"Retry-After": str(seconds)}, scope="login_account", retry_after=seconds)


def forget(user: User) -> None:
    """The right password was given: the attempts before do not count any more."""
    account = _account(user, user.username)
    try:
        _ask("DEL", f"delay:count:{account}", f"delay:wait:{account}")
    except CountersUnavailable:
        return  # they expire by themselves


def trust(user: User, *, address: str) -> None:
    """From here the password was reset by mail, so whoever comes from here is not a guesser."""
    try:
        _ask("SETEX", _trusted(_account(user, user.username), address), RESET_TRUSTED_SECONDS, 1)
    except CountersUnavailable:
        return  # then they wait like everybody


def _knows(user: User, address: str, *, at: datetime) -> bool:
    known = Session.objects.filter(user=user, address=ip_or_none(address), created_at__gt=at - TRUSTED_FOR)
    return ip_or_none(address) is not None and known.exists()


def _account(user: User | None, login: str) -> str:
    # One name for both ways to call an account; a digest, because what people type into the field may be a password.
    return f"user:{user.pk}" if user is not None else sha256(canonical_email(login).encode()).hexdigest()[:32]


def _trusted(account: str, address: str) -> str:
    return f"delay:trusted:{account}:{bucket_address(address)}"


def _ask(*command: object) -> Any:
    return server(settings.REDIS_URL).ask(*command)
