"""Tries at something that could be guessed, counted per thing and not per caller. Where Redis is away, nobody tries."""

from hashlib import sha256

from django.conf import settings

from accounts.models.user import canonical_email
from config.kernel import metrics
from config.kernel.counters import CountersUnavailable, server
from config.kernel.errors import RateLimited, ServiceUnavailable

MOST = 5
WINDOW_SECONDS = 900


def spend(scope: str, subject: object) -> None:
    """Count one try. Raises `RateLimited` beyond five in fifteen minutes, and `ServiceUnavailable` without Redis."""
    redis, key = server(settings.REDIS_URL), _key(scope, subject)
    try:
        counted = redis.count(key, 1, WINDOW_SECONDS * 1_000)
        wait = -(-max(1, redis.ask("PTTL", key)) // 1_000) if counted > MOST else 0
    except CountersUnavailable as error:
        metrics.RATE_LIMIT_BACKEND_ERRORS.labels(scope).inc()
        raise ServiceUnavailable(scope=scope) from error
    if wait:
        metrics.rate_limit_decision(scope, "refused").inc()
        raise RateLimited(headers={"Retry-After": str(wait)}, scope=scope, retry_after=wait)


def spend_on_mailbox(email: str) -> None:
    """Count one mail that anybody can have sent to this address. Raises what `spend` raises."""
    spend("mailbox", sha256(canonical_email(email).encode()).hexdigest())


def forget(scope: str, subject: object) -> None:
    """It was right: the tries before do not count any more."""
    try:
        server(settings.REDIS_URL).ask("DEL", _key(scope, subject))
    except CountersUnavailable:
        return  # they expire by themselves


def _key(scope: str, subject: object) -> str:
    return f"attempts:{scope}:{subject}"
