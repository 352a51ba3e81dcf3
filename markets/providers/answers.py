"""Is an answer data, or an error in disguise? Asked of every body before it is used, whatever the HTTP status."""

from collections.abc import Mapping

import msgspec

from markets.providers.decoding import UNREADABLE
from markets.providers.errors import (
    BadRequest,
    Malformed,
    NotFound,
    ProviderError,
    RateLimited,
    Unauthorized,
    Unavailable,
)


class _Verdict(msgspec.Struct):
    """The only fields in which CoinGecko and CoinMarketCap tell of an error; their types vary."""

    error: object = None
    error_code: object = None
    status: object = None


# Codes of the providers' own that no HTTP status explains.
_CODES: Mapping[int, type[ProviderError]] = {
    1001: Unauthorized,  # CoinMarketCap: key invalid
    1002: Unauthorized,  # key missing
    1003: Unauthorized,  # plan not paid
    1004: Unauthorized,  # plan expired
    1005: Unauthorized,  # key required
    1006: Unauthorized,  # plan does not include the endpoint
    1007: Unauthorized,  # key disabled
    1008: RateLimited,  # a minute's calls used
    1009: RateLimited,  # a day's
    1010: RateLimited,  # a month's
    1011: RateLimited,  # of this address
    10002: Unauthorized,  # CoinGecko: key missing
    10005: Unauthorized,  # endpoint of a paid plan
    10010: Unauthorized,  # key of another plan
    10011: Unauthorized,  # key of another plan
    10012: BadRequest,  # time range of a paid plan
}
_PAUSES: Mapping[int, float] = {1008: 60.0, 1009: 3600.0, 1010: 86400.0, 1011: 60.0}


def refuse_errors(
    provider: str, status: int, body: bytes, *, content_type: str = "application/json", retry_after: float | None = None
) -> None:
    """Raise what the answer says went wrong, by its body first and its HTTP status second; else return.

    A limit can be announced with status 200 or 403. `Malformed` when a good status comes with something that
    is not JSON. Whether the JSON is whole is for the parser to say.
    """
    code, message = _spoken_error(body)
    if code is None and message:
        code = status if status >= 400 else _code_of_words(message)
    if code is None and status < 300:
        media_type = content_type.partition(";")[0].strip().lower()
        if media_type and media_type != "application/json" and not media_type.endswith("+json"):
            raise Malformed(provider, f"content type {media_type} instead of JSON", status=status)
        if body.lstrip()[:1] not in (b"{", b"["):
            raise Malformed(provider, "the body is not JSON" if body.strip() else "the body is empty", status=status)
        return
    effective = status if code is None else code
    kind = _CODES.get(effective) or _by_status(effective)
    if kind is RateLimited and retry_after is None:
        retry_after = _PAUSES.get(effective)
    raise kind(provider, message or f"HTTP status {status}", status=status, retry_after=retry_after)


def _by_status(status: int) -> type[ProviderError]:
    if status in (429, 418):
        return RateLimited
    if status == 404:
        return NotFound
    if status in (401, 402, 403):
        return Unauthorized
    if status >= 500:
        return Unavailable
    if 300 <= status < 400:
        return Malformed
    return BadRequest


def _spoken_error(body: bytes) -> tuple[int | None, str]:
    """Code and message of an error body, of which the code may be lacking; neither if it tells of no error."""
    if body.lstrip()[:1] != b"{":
        return None, ""
    try:
        verdict = msgspec.json.decode(body, type=_Verdict)
    except UNREADABLE:
        return None, ""
    code = _integer(verdict.error_code)
    message = ""
    nested = verdict.error.get("status") if isinstance(verdict.error, dict) else None
    for part in (verdict.status, nested):
        if isinstance(part, dict):
            code = code or _integer(part.get("error_code"))
            message = message or _text(part.get("error_message"))
    if code:
        return code, message
    if isinstance(verdict.error, str) and verdict.error:
        return _integer(verdict.status), verdict.error
    if isinstance(verdict.error, dict) and verdict.error:
        return 500, message or _text(verdict.error.get("message"))
    return None, ""  # whatever `message` is: a status may say SUCCESS


def _code_of_words(message: str) -> int:
    words = message.lower()
    if "not found" in words or "could not find" in words:
        return 404
    if "rate limit" in words or "too many requests" in words:
        return 429
    if "api key" in words:
        return 401
    return 400


def _integer(value: object) -> int | None:
    """A code as it comes: a number, a text, or a list of one of them."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, int):
        return value
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
