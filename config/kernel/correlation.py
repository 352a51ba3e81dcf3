"""One id per request, on every answer and every log line, and one line per request."""

import time
from collections.abc import Callable
from uuid import UUID, uuid4

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.functional import LazyObject, empty
from structlog.contextvars import bind_contextvars, clear_contextvars

from config.kernel.headers import put
from config.kernel.logs import PlainLog
from config.kernel.redaction import scrub

log = PlainLog("access")

HEADER = "X-Request-ID"
_META_KEY = "HTTP_X_REQUEST_ID"


class CorrelationMiddleware:
    """The outermost layer. The client's id is kept if it is a UUID; anything else is replaced, never echoed.

    The id is bound for the log lines of this request and travels on in the headers of Celery tasks.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        started = time.perf_counter()
        request_id = _accepted(request.META.get(_META_KEY)) or str(uuid4())
        request.__dict__["request_id"] = request_id
        bind_contextvars(request_id=request_id)
        try:
            response = self.get_response(request)
            put(response, {HEADER: request_id})
            _write_line(request, response, request_id, started)
        finally:
            clear_contextvars()
        return response


def _accepted(offered: str | None) -> str | None:
    if offered is None or len(offered) != 36:
        return None
    try:
        return str(UUID(offered))
    except ValueError:
        return None


def _write_line(request: HttpRequest, response: HttpResponseBase, request_id: str, started: float) -> None:
    match = request.resolver_match
    log.info(
        "request",
        request_id=request_id,
        method=request.method,
        path=scrub(request.path),
        route=match.route if match is not None else None,
        status=response.status_code,
        latency_ms=round((time.perf_counter() - started) * 1_000, 3),
        user_id=_user_id(request),
    )


def _user_id(request: HttpRequest) -> int | UUID | None:
    """The caller's id if somebody has found it out; asking now could cost a query."""
    user = request.__dict__.get("user")
    if isinstance(user, LazyObject) and user.__dict__.get("_wrapped", empty) is empty:
        return None
    return getattr(user, "pk", None)
