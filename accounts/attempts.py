"""Tries at something that could be guessed, counted per thing and not per caller. Where Redis is away, nobody tries."""

from django.conf import settings

from config.kernel import metrics
from config.kernel.counters import CountersUnavailable, server
from config.kernel.errors import RateLimited, ServiceUnavailable

MOST = 5
WINDOW_SECONDS = 900


def spend(scope: str, subject: object) -> None:
    """Count one try. Raises `RateLimited` beyond five in fifteen minutes, and `ServiceUnavailable` without Redis."""
    try:
        counted = server(settings.REDIS_URL).count(_key(scope, subject), 1, WINDOW_SECONDS * 1_000)
    except CountersUnavailable as error:
        metrics.RATE_LIMIT_BACKEND_ERRORS.labels(scope).inc()
        raise ServiceUnavailable(scope=scope) from error
    if counted > MOST:
        metrics.rate_limit_decision(scope, "refused").inc()
        raise RateLimited(headers={"Retry-After": str(WINDOW_SECONDS)}, scope=scope, retry_after=WINDOW_SECONDS)


def forget(scope: str, subject: object) -> None:
    """It was right: the tries before do not count any more."""
    try:
        server(settings.REDIS_URL).ask("DEL", _key(scope, subject))
    except CountersUnavailable:
        return  # they expire by themselves


def _key(scope: str, subject: object) -> str:
    return f"attempts:{scope}:{subject}"
