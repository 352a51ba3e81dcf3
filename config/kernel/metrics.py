"""The metrics of the kernel, in one place; labels are route names and fixed words, never ids or paths."""

from prometheus_client import Counter

RATE_LIMIT_DECISIONS = Counter("ratelimit_decisions_total", "Requests counted against a limit.", ["scope", "decision"])
RATE_LIMIT_BACKEND_ERRORS = Counter(
    "ratelimit_backend_errors_total", "Limits that could not be counted because Redis was away.", ["scope"]
)
AUTHORIZATION_DENIED = Counter("authz_denied_total", "Requests refused for lack of rights.", ["route", "role"])
