"""One shape for every refusal below /api, whoever refuses: a view, DRF, Django, a middleware, or an accident.

    {"error": {"code": "validation_error", "message": "...", "details": {"fields": {...}, "request_id": "..."}}}

`details.request_id` repeats `X-Request-ID`, so that a pasted error is enough to find its log lines. A
client whose `Accept` names `application/problem+json` gets the same facts as RFC 9457.
"""

import sys
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.client import responses as phrases
from typing import Any
from urllib.parse import unquote_to_bytes

import structlog
from django.core import exceptions as django_errors
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.http.response import HttpResponseBase
from django.views import defaults
from django_redis.exceptions import ConnectionInterrupted
from kombu.exceptions import OperationalError as BrokerError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from rest_framework import exceptions as drf_errors

from config.kernel import bodies, errors, limits, metrics
from config.kernel.errors import Problem
from config.kernel.headers import put, vary
from config.kernel.rendering import dumps

log = structlog.get_logger(__name__)

PROBLEM_TYPE = "application/problem+json"
_KEPT_HEADERS = ("Allow", "Retry-After", "WWW-Authenticate")
_PREFIX = "/api/"
_WITHOUT_BODY = frozenset((HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED))
_BACKENDS_AWAY = (ConnectionInterrupted, RedisConnectionError, RedisTimeoutError, BrokerError)


class ProblemResponse(HttpResponse):
    """An answer that already has the envelope."""


def is_api(request: HttpRequest) -> bool:
    """Whether a request is for the API and not for a page."""
    return request.path_info.startswith(_PREFIX) or request.path_info == "/api"


def problem_response(request: HttpRequest, problem: Problem) -> ProblemResponse:
    """`problem` as the answer to `request`."""
    details = problem.details
    request_id = getattr(request, "request_id", None)
    if request_id is not None:
        details = {**details, "request_id": request_id}
    status = int(problem.status)
    body: dict[str, object]
    if PROBLEM_TYPE in request.META.get("HTTP_ACCEPT", "").lower():
        media_type = PROBLEM_TYPE
        body = {
            "type": "about:blank",
            "title": phrases.get(status, "Error"),
            "status": status,
            "detail": problem.message,
            "instance": request.path,
            "code": problem.code,
            "details": details,
        }
    else:
        media_type = "application/json"
        body = {"error": {"code": problem.code, "message": problem.message, "details": details}}
    response = ProblemResponse(dumps(body), status=status, content_type=media_type, headers=problem.headers)
    response["Cache-Control"] = "private, no-store"
    return response


def to_problem(error: BaseException) -> Problem:
    """The problem that an exception amounts to; `InternalError` for one that nobody foresaw."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, drf_errors.APIException):
        return _from_drf(error)
    for kinds, translate in _TRANSLATIONS:
        if isinstance(error, kinds):
            return translate(error)
    return errors.InternalError()


def _from_drf(error: drf_errors.APIException) -> Problem:
    if isinstance(error, drf_errors.ValidationError):
        return errors.ValidationFailed(fields=_fields(error.detail))
    if isinstance(error, (drf_errors.NotAuthenticated, drf_errors.AuthenticationFailed)):
        return errors.Unauthenticated()
    return _of_status(error.status_code)


def _of_status(status: int, headers: Mapping[str, str] | None = None) -> Problem:
    """The problem that an answer with nothing but a status amounts to."""
    other = errors.BadRequest if status < HTTPStatus.INTERNAL_SERVER_ERROR else errors.InternalError
    problem = _BY_STATUS.get(status, other)(headers=headers)
    problem.status = status
    return problem


def _fields(detail: Any, prefix: str = "") -> dict[str, list[str]]:
    """DRF's nested complaints as one level: `{"legs.0.weight": ["..."]}`; the whole is `non_field_errors`."""
    if isinstance(detail, Mapping):
        parts = [(f"{prefix}.{name}" if prefix else str(name), inner) for name, inner in detail.items()]
    elif any(isinstance(inner, (Mapping, list)) for inner in detail):
        parts = [(f"{prefix}.{index}" if prefix else str(index), inner) for index, inner in enumerate(detail) if inner]
    else:
        return {prefix or "non_field_errors": [str(message) for message in detail]}
    flat: dict[str, list[str]] = {}
    for name, inner in parts:
        flat.update(_fields(inner if isinstance(inner, (Mapping, list)) else [inner], name))
    return flat


def _from_model_validation(error: BaseException) -> Problem:
    fields = getattr(error, "message_dict", None) if hasattr(error, "error_dict") else None
    return errors.ValidationFailed(fields=fields or {"non_field_errors": getattr(error, "messages", [])})


_BY_STATUS: Mapping[int, type[Problem]] = {
    kind.status: kind
    for kind in (
        errors.BadRequest,
        errors.Unauthenticated,
        errors.PermissionDenied,
        errors.NotFound,
        errors.MethodNotAllowed,
        errors.Conflict,
        errors.Gone,
        errors.PreconditionFailed,
        errors.PayloadTooLarge,
        errors.UnsupportedMediaType,
        errors.Impossible,
        errors.RateLimited,
        errors.ServiceUnavailable,
    )
}

_TRANSLATIONS: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], Callable[[Any], Problem]], ...] = (
    (Http404, lambda error: errors.NotFound()),
    (django_errors.PermissionDenied, lambda error: errors.PermissionDenied()),
    (django_errors.ValidationError, _from_model_validation),
    (django_errors.RequestDataTooBig, lambda error: errors.PayloadTooLarge(limit_bytes=bodies.MAX_BYTES)),
    (
        (django_errors.BadRequest, django_errors.SuspiciousOperation, UnreadablePostError),
        lambda error: errors.BadRequest(),
    ),
    ((OperationalError, InterfaceError), lambda error: errors.DatabaseUnavailable()),
    (_BACKENDS_AWAY, lambda error: errors.ServiceUnavailable()),
)


def _report(problem: Problem, error: BaseException) -> None:
    """Our own failures are counted and logged with their cause; a client's are in the access log already."""
    if problem.status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return
    if isinstance(problem, errors.InternalError):
        log.error("request.failed", exc_info=error)
    elif error is not problem:
        log.warning("request.backend_unavailable", error=type(error).__name__, reason=str(error))
    metrics.EXCEPTIONS.labels(type(error).__name__).inc()


def answer_error(request: HttpRequest, error: BaseException) -> ProblemResponse:
    """The answer to an exception, logged where it is ours to mend."""
    problem = to_problem(error)
    _report(problem, error)
    return problem_response(request, problem)


def exception_handler(error: Exception, context: Mapping[str, Any]) -> HttpResponse:
    """DRF's `EXCEPTION_HANDLER`."""
    request = context["request"]
    return answer_error(getattr(request, "_request", request), error)


class EnvelopeMiddleware:
    """Guards the door of the API and gives the envelope to whatever comes out of it without one.

    Requests that cannot be understood (a host that is not ours, NUL, bytes that are no UTF-8, oversized or compressed
    bodies) go no further than this. Answers without a `Cache-Control` of their own may not be stored.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not is_api(request):
            return self.get_response(request)
        response: HttpResponseBase
        try:
            request.get_host()
            _refuse_unreadable(request)
            bodies.admit(request)
        except (Problem, django_errors.DisallowedHost) as refusal:
            response = answer_error(request, refusal)
        else:
            response = self.get_response(request)
        if response.status_code >= HTTPStatus.BAD_REQUEST and not isinstance(response, ProblemResponse):
            response = _enveloped(request, response)
        if not limits.decisions(request):
            # No view has counted this one (an unknown route, a refusal at the door): probing is not free.
            try:
                limits.charge(request, limits.DEFAULT)
            except Problem as problem:
                response = problem_response(request, problem)
        vary(response, "Authorization", "Accept")
        if "Cache-Control" not in response.headers:
            put(response, {"Cache-Control": "private, no-store"})
        if response.status_code not in _WITHOUT_BODY and isinstance(response, HttpResponse):
            put(response, {"Content-Length": str(len(response.content))})
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answers what a plain Django view below /api has raised."""
        return answer_error(request, exception) if is_api(request) else None


def _refuse_unreadable(request: HttpRequest) -> None:
    query = request.META.get("QUERY_STRING", "")
    if "\0" in request.path_info or "\0" in query:
        raise errors.BadRequest("The address contains a NUL character.")
    if "%" in query:
        raw = unquote_to_bytes(query)
        if b"\0" in raw:
            raise errors.BadRequest("The query contains a NUL character.")
        try:
            raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise errors.BadRequest("The query is not UTF-8.") from error
    elif not query.isascii():
        # Servers hand raw bytes over as Latin-1.
        try:
            query.encode("latin-1").decode("utf-8")
        except UnicodeError as error:
            raise errors.BadRequest("The query is not UTF-8.") from error


def _enveloped(request: HttpRequest, response: HttpResponseBase) -> ProblemResponse:
    kept = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
    replacement = problem_response(request, _of_status(response.status_code, kept))
    replacement.cookies = response.cookies
    response.close()
    return replacement


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's `handler400`."""
    if is_api(request):
        return answer_error(request, exception or errors.BadRequest())
    return defaults.bad_request(request, exception or errors.BadRequest())


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's `handler403`."""
    if is_api(request):
        return problem_response(request, errors.PermissionDenied())
    return defaults.permission_denied(request, exception or errors.PermissionDenied())


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's `handler404`."""
    if is_api(request):
        return problem_response(request, errors.NotFound())
    return defaults.page_not_found(request, exception or errors.NotFound())


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's `handler500`; called while the exception is being handled."""
    error = sys.exc_info()[1] or errors.InternalError()
    if is_api(request):
        return answer_error(request, error)
    _report(to_problem(error), error)
    return defaults.server_error(request)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's `CSRF_FAILURE_VIEW`."""
    return forbidden(request)
