"""JSON out: one encoder for DRF views, plain views, caches and logs."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from math import isfinite
from typing import Any

import numpy as np
import orjson
from django.http import HttpResponse
from django.utils.functional import Promise
from rest_framework.renderers import BaseRenderer

MEDIA_TYPE = "application/json"

_OPTIONS = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_PASSTHROUGH_DATETIME


def dumps(data: object) -> bytes:
    """`data` as compact UTF-8 JSON.

    Decimals become strings, instants ISO 8601 with `Z`, dates `YYYY-MM-DD`; UUIDs, enumerations,
    dataclasses and NumPy arrays are understood. NaN and infinities raise `ValueError`, an instant
    without a zone and any other type raise `TypeError`: JSON has no word for them, and `null` means
    something else here.
    """
    try:
        body = orjson.dumps(data, default=_default, option=_OPTIONS)
    except TypeError as error:
        if isinstance(error.__cause__, ValueError):
            raise error.__cause__ from None
        raise
    # orjson writes NaN as null without a word, so only a body with a null in it needs a second look.
    if b"null" in body:
        _require_finite(data)
    return body


def _default(value: object) -> object:
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise ValueError("NaN and infinities have no place in JSON.")
        return format(value, "f")
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise TypeError("An instant without a time zone cannot be written.")
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Promise):
        return str(value)
    if isinstance(value, bytes):
        return value.decode("utf-8")
    if isinstance(value, np.ndarray):  # not contiguous, or of a type that orjson leaves to us
        return value.tolist()
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON.")


def _require_finite(data: object) -> None:
    pending = [data]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            pending.extend(value.values())
        elif isinstance(value, (list, tuple)):
            pending.extend(value)
        elif isinstance(value, (float, np.floating)):
            if not isfinite(value):
                raise ValueError("NaN and infinities have no place in JSON.")
        elif isinstance(value, np.ndarray):
            if value.dtype.kind == "f" and not np.isfinite(value).all():
                raise ValueError("NaN and infinities have no place in JSON.")
        elif hasattr(value, "__dataclass_fields__"):
            pending.extend(getattr(value, name) for name in value.__dataclass_fields__)


def json_response(
    data: object, status: int = 200, headers: Mapping[str, str] | None = None, *, media_type: str = MEDIA_TYPE
) -> HttpResponse:
    """An answer with `data` as its JSON body."""
    return HttpResponse(dumps(data), status=status, headers=dict(headers or {}), content_type=media_type)


class OrjsonRenderer(BaseRenderer):
    """Renders the answers of DRF views; UTF-8 needs no charset parameter (RFC 8259)."""

    media_type = MEDIA_TYPE
    format = "json"
    charset = None
    render_style = "binary"

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        return b"" if data is None else dumps(data)
