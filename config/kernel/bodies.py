"""What may come in: JSON bodies up to 1 MB, and nothing that JSON has no word for."""

import json
from collections.abc import Mapping
from io import BytesIO
from typing import IO, Any

import orjson
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest
from rest_framework.parsers import BaseParser

from config.kernel.errors import BadRequest, MalformedBody, PayloadTooLarge, UnsupportedMediaType
from config.kernel.rendering import MEDIA_TYPE

MAX_BYTES = 1_048_576


def admit(request: HttpRequest) -> None:
    """Refuse a body by its headers, before a byte of it is read.

    `PayloadTooLarge` above 1 MB, `UnsupportedMediaType` for a compressed one, `BadRequest` for a length
    that is no number. A chunked body has no length to judge by, so it is read here, up to the limit.
    """
    meta = request.META
    if meta.get("HTTP_CONTENT_ENCODING", "identity").strip().lower() not in ("identity", ""):
        raise UnsupportedMediaType(content_encoding=str(meta["HTTP_CONTENT_ENCODING"])[:40])
    length = meta.get("CONTENT_LENGTH")
    if length:
        if not (length.isascii() and length.isdigit()):
            raise BadRequest("Content-Length is not a number.")
        if len(length) > 12 or int(length) > MAX_BYTES:
            raise PayloadTooLarge(limit_bytes=MAX_BYTES)
    elif "HTTP_TRANSFER_ENCODING" in meta and meta.get("wsgi.input_terminated"):
        _buffer(request, meta["wsgi.input"])


def _buffer(request: HttpRequest, stream: IO[bytes]) -> None:
    # Django takes a missing length for an empty body, so the length is supplied once it is known.
    body = stream.read(MAX_BYTES + 1)
    if len(body) > MAX_BYTES:
        raise PayloadTooLarge(limit_bytes=MAX_BYTES)
    request.META["CONTENT_LENGTH"] = str(len(body))
    if isinstance(request, WSGIRequest):
        request._stream = BytesIO(body)


def loads(raw: bytes) -> Any:
    """`raw` as JSON, strictly: UTF-8, no NaN, no number beyond a double, no repeated key, no NUL, no endless nesting.

    Raises `MalformedBody`.
    """
    try:
        value = orjson.loads(raw)
        # orjson is strict about everything but a repeated key, of which it keeps the last in silence.
        json.loads(raw, object_pairs_hook=_refuse_repetition)
    except (ValueError, RecursionError) as error:
        reason = str(error) if isinstance(error, _Repeated) else "It is not valid JSON in UTF-8."
        raise MalformedBody(reason=reason) from error
    if b"\\u0000" in raw and _has_nul(value):
        raise MalformedBody(reason="Text must not contain NUL characters.")
    return value


class _Repeated(ValueError):
    """A key stands twice in one object."""


def _refuse_repetition(pairs: list[tuple[str, Any]]) -> None:
    keys = [key for key, _ in pairs]
    if len(set(keys)) != len(keys):
        raise _Repeated("A key is repeated within one object.")


def _has_nul(value: object) -> bool:
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            if "\0" in item:
                return True
        elif isinstance(item, dict):
            pending.extend(item)
            pending.extend(item.values())
        elif isinstance(item, list):
            pending.extend(item)
    return False


class JsonParser(BaseParser):
    """Reads the bodies of DRF views."""

    media_type = MEDIA_TYPE

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        raw = stream.read(MAX_BYTES + 1)
        if len(raw) > MAX_BYTES:
            raise PayloadTooLarge(limit_bytes=MAX_BYTES)
        return loads(raw)
