"""What the documentation says about every operation, besides what the view itself says.

Errors are the same everywhere, so no view lists them: `OperationSchema` adds to each operation the ones
it can answer with. A view names only what is special about it, e.g. `responses={409: schema.Problem}`.
"""

from http import HTTPStatus
from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.settings import spectacular_settings
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

_EVERYWHERE = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.INTERNAL_SERVER_ERROR,
    HTTPStatus.SERVICE_UNAVAILABLE,
)
_PRIVATE = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
_WITH_BODY = (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNSUPPORTED_MEDIA_TYPE)


class ProblemFacts(serializers.Serializer[Any]):
    """What went wrong."""

    code = serializers.CharField(help_text="A stable word for programs, e.g. `validation_error`.")
    message = serializers.CharField(help_text="A sentence for people.")
    details = serializers.DictField(
        help_text="More facts; `request_id` always, `fields` (name to complaints) for a `validation_error`,"
        " `scope` and `retry_after` (seconds) for `rate_limited`."
    )


class Problem(serializers.Serializer[Any]):
    """Every refusal has this body, or the same facts as RFC 9457 where `Accept` names application/problem+json."""

    error = ProblemFacts()


class OperationSchema(AutoSchema):
    """Reads parameters, rights and errors off an `ApiView`."""

    def get_operation_id(self) -> str:
        """Method and path: `get_cryptocurrencies_by_symbol_history`. Unique, and stays when other methods join."""
        path = self.path.removeprefix(spectacular_settings.SCHEMA_PATH_PREFIX)
        words = [f"by_{word[1:-1]}" if word.startswith("{") else word for word in path.split("/") if word]
        return "_".join([self.method.lower(), *words]).replace("-", "_")

    def get_override_parameters(self) -> list[Any]:
        declared: list[OpenApiParameter] = (
            self.view.parameters_of(self.method).openapi() if hasattr(self.view, "parameters_of") else []
        )
        return [*super().get_override_parameters(), *declared]

    def get_auth(self) -> list[dict[str, Any]]:
        no_key = getattr(self.view, "key_scope", None) is None
        schemes: list[dict[str, Any]] = [
            scheme for scheme in super().get_auth() if scheme and not (no_key and "apiKey" in scheme)
        ]
        return [*schemes, {}] if self._is_public() else schemes

    def get_operation(self, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        operation: dict[str, Any] | None = super().get_operation(*args, **kwargs)
        if operation is not None:
            reference = self.resolve_serializer(Problem, "response").ref
            for status in self._errors(operation):
                operation["responses"].setdefault(
                    str(status.value),
                    {"description": status.phrase, "content": {"application/json": {"schema": reference}}},
                )
            if hasattr(self.view, "etag"):
                operation["responses"]["304"] = {"description": "What you hold (`If-None-Match`) is still right; free."}
            operation["responses"] = dict(sorted(operation["responses"].items()))
        return operation

    def _errors(self, operation: dict[str, Any]) -> list[HTTPStatus]:
        found = list(_EVERYWHERE)
        if not self._is_public():
            found += _PRIVATE
        if "{" in self.path:
            found.append(HTTPStatus.NOT_FOUND)
        if "requestBody" in operation:
            found += _WITH_BODY
        return found

    def _is_public(self) -> bool:
        return bool(getattr(self.view, "is_public", lambda: False)() and getattr(self.view, "minimum_rank", 0) == 0)
