"""The shape of every list, and the cursors that lead through long ones."""

import base64
import binascii
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar
from urllib.parse import urlencode

import orjson
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from config.kernel.errors import ValidationFailed
from config.kernel.parameters import Integer, Parameters, Text
from config.kernel.rendering import dumps

Row = TypeVar("Row", bound=Model)

CURSOR = Parameters(
    cursor=Text(max_length=4_000, description="From `next` of the page before."),
    page_size=Integer(default=50, minimum=1, maximum=200),
)
_MAX_CURSOR_LENGTH = 4_000  # the longest name, case-folded, in UTF-8, in base64


def page(
    results: Iterable[object], *, count: int | None, next: str | None = None, previous: str | None = None
) -> dict[str, object]:
    """The body of a list. `count` is None where counting would cost more than it tells; the links are URLs."""
    return {"count": count, "next": next, "previous": previous, "results": results}


def encode_cursor(position: Mapping[str, object]) -> str:
    """An opaque, URL-safe mark for `position`: the sort key and the id of the last row shown."""
    return base64.urlsafe_b64encode(dumps(position)).rstrip(b"=").decode("ascii")


def decode_cursor(cursor: str) -> dict[str, Any]:
    """The position behind a mark of `encode_cursor`; `ValidationFailed` for anything else.

    A cursor comes from the client: its values are as untrusted as any other parameter.
    """
    try:
        if len(cursor) > _MAX_CURSOR_LENGTH:
            raise ValueError("too long")
        encoded = cursor.encode("ascii")
        raw = base64.b64decode(encoded + b"=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
        position = orjson.loads(raw)
        if not isinstance(position, dict) or "\0" in cursor or b"\\u0000" in raw:
            raise ValueError("not a position")
    except (ValueError, binascii.Error) as error:
        raise ValidationFailed(fields={"cursor": ["This is not a cursor that this API has issued."]}) from error
    return position


def link_header(*, next: str | None = None, previous: str | None = None) -> dict[str, str]:
    """The `Link` header (RFC 8288) of a page, or no header where there is neither link."""
    links = [f'<{url}>; rel="{relation}"' for relation, url in (("next", next), ("prev", previous)) if url]
    return {"Link": ", ".join(links)} if links else {}


def newest_first(
    rows: QuerySet[Row], request: HttpRequest, *, cursor: str | None, page_size: int
) -> tuple[list[Row], str | None]:
    """One page of `rows` by descending key, and the URL of the next; for views whose parameters extend `CURSOR`.

    New rows that come in meanwhile neither repeat nor hide any.
    """
    if cursor is not None:
        rows = rows.filter(pk__lt=_key(rows, cursor))
    found = list(rows.order_by("-pk")[: page_size + 1])
    if len(found) <= page_size:
        return found, None
    query = {**request.GET.dict(), "cursor": encode_cursor({"before": str(found[page_size - 1].pk)})}
    return found[:page_size], f"{request.path}?{urlencode(query)}"


def _key(rows: QuerySet[Any], cursor: str) -> Any:
    position = decode_cursor(cursor)
    try:
        return rows.model._meta.pk.to_python(position["before"])
    except (KeyError, TypeError, ValueError, DjangoValidationError) as error:
        raise ValidationFailed(fields={"cursor": ["This cursor belongs to another list."]}) from error
