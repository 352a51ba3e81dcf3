"""The shape of every list, and the cursors that lead through long ones."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from config.kernel.errors import ValidationFailed
from config.kernel.rendering import dumps

_MAX_CURSOR_LENGTH = 4_000  # the longest name, case-folded, in UTF-8, in base64


def page(
    results: Sequence[object], *, count: int | None, next: str | None = None, previous: str | None = None
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
