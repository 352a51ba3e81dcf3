"""What Prometheus sees of requests and of the kernel; labels are route names and fixed words, never ids or paths."""

import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from prometheus_client import Counter, Gauge, Histogram

RATE_LIMIT_DECISIONS = Counter("ratelimit_decisions_total", "Requests counted against a limit.", ["scope", "decision"])
RATE_LIMIT_BACKEND_ERRORS = Counter(
    "ratelimit_backend_errors_total", "Limits that could not be counted because Redis was away.", ["scope"]
)
EXCEPTIONS = Counter(
    "django_http_exceptions_total_by_type", "Count of exceptions by object type; only those that are ours.", ["type"]
)
AUTHORIZATION_DENIED = Counter("authz_denied_total", "Requests refused for lack of rights.", ["route", "role"])
MAILS = Counter("mails_total", "Attempts to send mails, by what became of them.", ["template", "result"])
OUTBOX_PENDING = Gauge(
    "outbox_pending", "Mails that are neither sent nor given up; NaN while unknown.", multiprocess_mode="mostrecent"
)
OUTBOX_OLDEST_AGE = Gauge(
    "outbox_oldest_age_seconds",
    "How long the oldest of them has waited; NaN while unknown.",
    multiprocess_mode="mostrecent",
)

_IN_FLIGHT = Gauge("http_inflight_requests", "Requests being answered now.", multiprocess_mode="livesum")
_REQUESTS = Counter(
    "django_http_requests_total_by_view_transport_method",
    "Count of requests by view, transport, method.",
    ["view", "transport", "method"],
)
_RESPONSES = Counter(
    "django_http_responses_total_by_status_view_method",
    "Count of responses by status, view, method.",
    ["status", "view", "method"],
)
_STATUSES = Counter("django_http_responses_total_by_status", "Count of responses by status.", ["status"])
_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, float("inf"))
_LATENCY = Histogram(
    "django_http_requests_latency_including_middlewares_seconds", "Seconds from request to answer.", buckets=_BUCKETS
)
_LATENCY_BY_VIEW = Histogram(
    "django_http_requests_latency_seconds_by_view_method",
    "Seconds from request to answer, by view and method; middlewares included.",
    ["view", "method"],
    buckets=_BUCKETS,
)

_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"))
_NO_VIEW = "<unnamed view>"

rate_limit_decision = lru_cache(maxsize=256)(RATE_LIMIT_DECISIONS.labels)


@lru_cache(maxsize=4_096)
def _series(view: str, method: str, status: int, transport: str) -> tuple[Any, Any, Any, Any]:
    # Finding a series by its labels costs more than moving it, so each is found once.
    return (
        _REQUESTS.labels(view, transport, method),
        _RESPONSES.labels(str(status), view, method),
        _STATUSES.labels(str(status)),
        _LATENCY_BY_VIEW.labels(view, method),
    )


class MetricsMiddleware:
    """Counts and times requests under the names that django-prometheus made known.

    Its own middlewares move fifteen series in two layers and take longer than the answer to a cached
    list; these are the ones that dashboards and alerts ask for.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        started = time.perf_counter()
        _IN_FLIGHT.inc()
        try:
            response = self.get_response(request)
        finally:
            _IN_FLIGHT.dec()
        match = request.resolver_match
        requests, responses, statuses, latency = _series(
            (match.view_name if match is not None else None) or _NO_VIEW,
            request.method if request.method in _METHODS else "<invalid method>",
            response.status_code,
            request.scheme or "http",
        )
        seconds = time.perf_counter() - started
        requests.inc()
        responses.inc()
        statuses.inc()
        _LATENCY.observe(seconds)
        latency.observe(seconds)
        return response
