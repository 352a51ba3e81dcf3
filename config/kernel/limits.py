"""How often a caller may ask: fixed windows counted by django-ratelimit in Redis.

Every answer below /api says where its caller stands. Reads stay possible while Redis is away; what
guessing could exploit (signing in) does not.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django_ratelimit.core import get_usage

from config.kernel import metrics
from config.kernel.addresses import bucket_address, client_address
from config.kernel.counters import CountersUnavailable
from config.kernel.errors import RateLimited, ServiceUnavailable
from config.kernel.headers import put


@dataclass(frozen=True, slots=True)
class Scope:
    """One limit. `setting` names the quota per window; `by_user` gives signed-in callers a bucket of their own."""

    name: str
    setting: str
    window_seconds: int
    by_user: bool = True
    fails_closed: bool = False

    @property
    def quota(self) -> int:
        return int(getattr(settings, self.setting))


DEFAULT = Scope("default", "RATE_LIMIT_PER_MINUTE", 60)
SYNC = Scope("sync", "SYNC_RATE_LIMIT_PER_MINUTE", 60, by_user=False)
LOGIN = Scope("login", "LOGIN_ATTEMPTS", 900, by_user=False, fails_closed=True)
SIGNUP = Scope("signup", "SIGNUP_ATTEMPTS", 3_600, by_user=False, fails_closed=True)

SCOPES: Mapping[str, Scope] = {scope.name: scope for scope in (DEFAULT, SYNC, LOGIN, SIGNUP)}


@dataclass(frozen=True, slots=True)
class Decision:
    """Where a caller stands in one window: `used` of `limit`, which starts anew in `resets_in` seconds.

    `is_known` is False while Redis is away.
    """

    scope: Scope
    key: str
    limit: int
    used: int
    resets_in: int
    is_known: bool = True

    @property
    def remaining(self) -> int:
        return max(0, self.limit - self.used)

    @property
    def is_allowed(self) -> bool:
        return self.used <= self.limit


def caller_key(request: HttpRequest, scope: Scope) -> str:
    """Whose bucket a request draws from: `user:7`, or `ip:203.0.113.9`."""
    if scope.by_user:
        user = getattr(request, "user", None)
        if user is not None and user.is_authenticated:
            return f"user:{user.pk}"
    return f"ip:{bucket_address(client_address(request))}"


def charge(request: HttpRequest, scope: Scope, *, key: str | None = None) -> Decision:
    """Count one request against `scope` and return where the caller stands now.

    `key` replaces the caller as whose bucket it is, e.g. `account:ann`. Raises `RateLimited` above the
    quota, and `ServiceUnavailable` where the limit cannot be counted and must not be skipped.
    """
    decision = _count(request, scope, key or caller_key(request, scope), increment=True)
    _remember(request, decision)
    if not decision.is_known and scope.fails_closed:
        metrics.rate_limit_decision(scope.name, "unavailable").inc()
        raise ServiceUnavailable(scope=scope.name)
    if not decision.is_allowed:
        metrics.rate_limit_decision(scope.name, "refused").inc()
        raise refusal(decision)
    metrics.rate_limit_decision(scope.name, "allowed").inc()
    return decision


def measure(request: HttpRequest, scope: Scope, *, key: str | None = None) -> Decision:
    """Where the caller stands, without counting this request."""
    decision = _count(request, scope, key or caller_key(request, scope), increment=False)
    _remember(request, decision)
    return decision


def defer(request: HttpRequest, scope: Scope) -> None:
    """Admit a request that may turn out to be free; `settle` counts it once that is known.

    Raises `RateLimited` for a caller who has nothing left.
    """
    decision = measure(request, scope)
    if decision.is_known and decision.remaining == 0:
        raise refusal(decision)
    request.__dict__["limit_owed"] = scope


def settle(request: HttpRequest) -> None:
    """Count what `defer` has put off, if anything; raises as `charge` does, so that a burst cannot slip through."""
    owed: Scope | None = request.__dict__.pop("limit_owed", None)
    if owed is not None:
        charge(request, owed)


def refusal(decision: Decision) -> RateLimited:
    """The problem to raise for a caller who is over the quota."""
    return RateLimited(
        headers={"Retry-After": str(decision.resets_in)},
        scope=decision.scope.name,
        retry_after=decision.resets_in,
    )


def _count(request: HttpRequest, scope: Scope, key: str, *, increment: bool) -> Decision:
    limit = scope.quota
    try:
        usage = get_usage(
            request,
            group=scope.name,
            key=lambda group, request: key,
            rate=(limit, scope.window_seconds),
            increment=increment,
        )
    except CountersUnavailable:
        metrics.RATE_LIMIT_BACKEND_ERRORS.labels(scope.name).inc()
        return Decision(scope, key, limit, 0, scope.window_seconds, is_known=False)
    # A window that ends within this very second is still one to wait for.
    return Decision(scope, key, limit, usage["count"], max(1, usage["time_left"]))


def _remember(request: HttpRequest, decision: Decision) -> None:
    # A dictionary per request: the headers tell every bucket that this request touched.
    request.__dict__.setdefault("limit_decisions", {})[decision.scope.name] = decision


def decisions(request: HttpRequest) -> Mapping[str, Decision]:
    """The latest decision of each scope that this request has touched."""
    found: Mapping[str, Decision] = request.__dict__.get("limit_decisions", {})
    return found


def limit_headers(standing: Mapping[str, Decision]) -> dict[str, str]:
    """`RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers) with every bucket, and the older
    `X-RateLimit-*` with the first; `X-RateLimit-Reset` is in seconds since 1970."""
    headers = {
        "RateLimit-Policy": ", ".join(
            [
                f'"{decision.scope.name}";q={decision.limit};w={decision.scope.window_seconds}'
                for decision in standing.values()
            ]
        )
    }
    known = [decision for decision in standing.values() if decision.is_known]
    if known:
        first = known[0]
        headers["RateLimit"] = ", ".join(
            [f'"{decision.scope.name}";r={decision.remaining};t={decision.resets_in}' for decision in known]
        )
        headers["X-RateLimit-Limit"] = str(first.limit)
        headers["X-RateLimit-Remaining"] = str(first.remaining)
        headers["X-RateLimit-Reset"] = str(int(time.time()) + first.resets_in)
    return headers


class RateLimitHeadersMiddleware:
    """Tells every caller below /api where they stand, whatever the answer is."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if request.path_info.startswith("/api/"):
            if not decisions(request):  # a browser's preflight, answered before anything was counted
                measure(request, DEFAULT)
            put(response, limit_headers(decisions(request)))
        return response
