"""POSTs that may be sent twice and are done once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Any, cast

from django.db import transaction
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actions import idempotent_answers
from accounts.actions.idempotent_answers import Fingerprint
from accounts.metrics import IDEMPOTENCY_REPLAYS
from accounts.models import User
from config.kernel.envelope import ProblemResponse
from config.kernel.errors import ValidationFailed
from config.kernel.rendering import MEDIA_TYPE, dumps
from config.kernel.schema import OperationSchema
from config.kernel.views import ApiView

HEADERS = ("Idempotency-Key", "X-Idempotency-Key")
MAX_LENGTH = 255
REPLAYED = "Idempotent-Replayed"
Post = Callable[..., HttpResponseBase]
_NOT_KEPT = frozenset((HTTPStatus.BAD_REQUEST, HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS))


class IdempotentSchema(OperationSchema):
    """Documents the header."""

    def get_override_parameters(self) -> list[Any]:
        header = OpenApiParameter(
            name=HEADERS[0],
            location=OpenApiParameter.HEADER,
            type={"type": "string", "minLength": 1, "maxLength": MAX_LENGTH},
            description="Makes it safe to send this request again: for 24 hours the same person's same request with the"
            f" same key is answered as the first was, with `{REPLAYED}: true`, and done once. Another body is refused"
            " (422 `idempotency_key_reused`); while the first is being answered the second may hear 409"
            f" `idempotency_in_progress`. Refusals that may pass (400, 409, 429, 5xx) are not kept. `{HEADERS[1]}` is"
            " understood, too.",
        )
        return [*super().get_override_parameters(), *([header] if self.method == "POST" else [])]


class IdempotentView(ApiView):
    """A view for people who are signed in whose POST is done once for each `Idempotency-Key`.

    The POST runs in a transaction with its answer, which is kept for a day: it must not contain secrets.
    """

    schema = IdempotentSchema()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        key = _key(request) if request.method == "POST" else None
        if key is not None:
            # DRF looks for the method only after this.
            post: Post = getattr(self, "post")  # noqa: B009  # the base has none
            self.__dict__["post"] = partial(self._once, _fingerprint(request, key), post)

    def _once(self, fingerprint: Fingerprint, post: Post, request: Request, **path: Any) -> HttpResponseBase:
        with idempotent_answers.only_one(fingerprint) as kept:
            if kept is not None:
                IDEMPOTENCY_REPLAYS.inc()
                kind = HttpResponse if kept.status < HTTPStatus.BAD_REQUEST else ProblemResponse
                return kind(bytes(kept.body), status=kept.status, headers={**kept.headers, REPLAYED: "true"})
            try:
                with transaction.atomic():
                    response = post(request, **path)
            except Exception as error:
                response = self.handle_exception(error)
            if response.status_code not in _NOT_KEPT and response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
                headers, body = _content(response)
                idempotent_answers.keep(fingerprint, status=response.status_code, headers=headers, body=body)
            return response


def _key(request: Request) -> str | None:
    given = {request.headers[name] for name in HEADERS if name in request.headers}
    if not given:
        return None
    key = given.pop()
    if given or not 1 <= len(key) <= MAX_LENGTH or not key.isprintable():
        complaint = f"Must be one text of 1 to {MAX_LENGTH} printable characters."
        raise ValidationFailed(fields={HEADERS[0]: [complaint]})
    return key


def _fingerprint(request: Request, key: str) -> Fingerprint:
    # The query counts as part of what is asked, not of where.
    asked = request.META.get("QUERY_STRING", "").encode() + b"\0" + request._request.body
    person = cast(User, request.user)  # views of this kind admit nobody else
    return Fingerprint(person, "POST", request.path_info.rstrip("/"), key, hashlib.sha256(asked).digest())


def _content(response: HttpResponseBase) -> tuple[dict[str, str], bytes]:
    """The headers and the body of an answer that has not been rendered yet, or has."""
    if isinstance(response, Response):
        body = b"" if response.data is None else dumps(response.data)
        return {**dict(response.items()), "Content-Type": MEDIA_TYPE}, body
    return dict(response.items()), cast(HttpResponse, response).content
