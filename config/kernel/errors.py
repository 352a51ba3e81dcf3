"""What can go wrong, named once. `config.kernel.envelope` turns these into answers.

Apps subclass the nearest kind and set `code` and `message`:

    class AmbiguousSymbol(Conflict):
        code = "ambiguous_symbol"
        message = "Several assets carry this symbol."
"""

from collections.abc import Mapping
from http import HTTPStatus


class Problem(Exception):
    """Something a client should be told about: an HTTP status, a stable code, a sentence and details.

    Every keyword that is not `headers` becomes a key of `details`, so its value must fit into JSON.
    """

    status: int = HTTPStatus.INTERNAL_SERVER_ERROR
    code: str = "internal_error"
    message: str = "Something went wrong on our side."

    def __init__(
        self, message: str | None = None, *, headers: Mapping[str, str] | None = None, **details: object
    ) -> None:
        super().__init__(message or self.message)
        self.message = message or self.message
        self.headers: dict[str, str] = dict(headers or {})
        self.details: dict[str, object] = details


class InternalError(Problem):
    """A failure nobody foresaw; its cause is in the log, never in the answer."""


class BadRequest(Problem):
    """The request cannot be understood at all: broken JSON, bytes that are no text, a forged host."""

    status = HTTPStatus.BAD_REQUEST
    code = "bad_request"
    message = "The request could not be understood."


class MalformedBody(BadRequest):
    code = "malformed_body"
    message = "The body is not valid JSON."


class ValidationFailed(Problem):
    """Well-formed input with unacceptable values. `fields` maps each name to its complaints."""

    status = HTTPStatus.BAD_REQUEST
    code = "validation_error"
    message = "Some values are not acceptable."


class Unauthenticated(Problem):
    status = HTTPStatus.UNAUTHORIZED
    code = "not_authenticated"
    message = "Sign in to use this resource."

    def __init__(
        self, message: str | None = None, *, headers: Mapping[str, str] | None = None, **details: object
    ) -> None:
        # RFC 9110: a 401 always says how to authenticate.
        super().__init__(message, headers={"WWW-Authenticate": 'Bearer realm="api"', **(headers or {})}, **details)


class PermissionDenied(Problem):
    status = HTTPStatus.FORBIDDEN
    code = "permission_denied"
    message = "You are not allowed to do this."


class ScopeMissing(PermissionDenied):
    """`needed` is the scope that would do, or None where no key will."""

    code = "scope_missing"
    message = "This API key is not for this."


class NotFound(Problem):
    status = HTTPStatus.NOT_FOUND
    code = "not_found"
    message = "There is nothing at this address."


class MethodNotAllowed(Problem):
    """Carries `Allow` in its headers."""

    status = HTTPStatus.METHOD_NOT_ALLOWED
    code = "method_not_allowed"
    message = "This resource does not answer to this method."


class Conflict(Problem):
    status = HTTPStatus.CONFLICT
    code = "conflict"
    message = "The resource is not in a state that allows this."


class Gone(Problem):
    status = HTTPStatus.GONE
    code = "gone"
    message = "This resource no longer exists."


class PreconditionFailed(Problem):
    status = HTTPStatus.PRECONDITION_FAILED
    code = "precondition_failed"
    message = "The resource has changed since you read it."


class PayloadTooLarge(Problem):
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    code = "payload_too_large"
    message = "The body is too large."


class UnsupportedMediaType(Problem):
    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    code = "unsupported_media_type"
    message = "Send the body as application/json, without a content encoding."


class Impossible(Problem):
    """Well-formed and valid, yet nobody can do it: too little history, contradicting constraints."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    code = "impossible"
    message = "The request is well-formed but cannot be fulfilled."


class RateLimited(Problem):
    """Carries `scope` and `retry_after` (whole seconds) in its details, and `Retry-After`."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    code = "rate_limited"
    message = "Too many requests; wait before trying again."


class ServiceUnavailable(Problem):
    """A part that the answer needs is away; the same request may work later. Carries `Retry-After`."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "service_unavailable"
    message = "The service is temporarily unavailable."
    retry_after_seconds = 5

    def __init__(
        self, message: str | None = None, *, headers: Mapping[str, str] | None = None, **details: object
    ) -> None:
        super().__init__(message, headers={"Retry-After": str(self.retry_after_seconds), **(headers or {})}, **details)


class DatabaseUnavailable(ServiceUnavailable):
    code = "database_unavailable"
    message = "The database does not answer at the moment."


class ProviderUnavailable(ServiceUnavailable):
    code = "provider_unavailable"
    message = "No provider of market data answers at the moment."
