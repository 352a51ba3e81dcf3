"""Conditional requests and what caches may keep (RFC 9110 section 13, RFC 9111)."""

import re
from hashlib import blake2b

from django.http import HttpRequest, HttpResponse

from config.kernel.errors import PreconditionFailed
from config.kernel.headers import put

PUBLIC_SECONDS = 60

_TAG = re.compile(r'(?:W/)?"([\x21\x23-\x7e]*)"')


def weak_etag(*parts: object) -> str:
    """A weak entity tag made of what the answer depends on: the version of the data, the query, the shape."""
    # repr keeps ("ab",), ("a", "b") and (None,) apart.
    digest = blake2b(repr(parts).encode("utf-8", "surrogatepass"), digest_size=12)
    return f'W/"{digest.hexdigest()}"'


def matches(header: str, etag: str) -> bool:
    """Whether a list of entity tags names `etag` by weak comparison; `*` names everything."""
    if header == etag:
        return True
    if header.strip() == "*":
        return True
    opaque = etag.removeprefix("W/").strip('"')
    return any(found == opaque for found in _TAG.findall(header))


def not_modified(request: HttpRequest, etag: str) -> HttpResponse | None:
    """A 304 for a client that already holds `etag`, else None."""
    held = request.META.get("HTTP_IF_NONE_MATCH")
    if held is None or not matches(held, etag):
        return None
    response = HttpResponse(status=304)
    # A 304 has no body, so no type of one either.
    del response["Content-Type"]
    response["ETag"] = etag
    return response


def require_match(request: HttpRequest, etag: str) -> None:
    """`PreconditionFailed` where the client's `If-Match` names another version than `etag`; absent means any.

    Our tags are weak, and a version either is or is not the one that was read, so the comparison is weak too.
    """
    expected = request.META.get("HTTP_IF_MATCH")
    if expected is not None and not matches(expected, etag):
        raise PreconditionFailed(etag=etag, headers={"ETag": etag})


def cache_publicly(response: HttpResponse, *, seconds: int = PUBLIC_SECONDS) -> None:
    """Let shared caches keep an anonymous answer for `seconds`, at most a minute."""
    put(response, {"Cache-Control": f"public, max-age={min(seconds, PUBLIC_SECONDS)}"})
