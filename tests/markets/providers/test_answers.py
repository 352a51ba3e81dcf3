import pytest

from markets.providers.answers import refuse_errors
from markets.providers.errors import (
    BadRequest,
    Malformed,
    NotFound,
    ProviderError,
    RateLimited,
    Unauthorized,
    Unavailable,
)

LIMIT = b'{"status":{"error_code":429,"error_message":"You\'ve exceeded the Rate Limit."}}'


@pytest.mark.parametrize(
    ("status", "body", "error", "detail"),
    [
        (404, b'{"error":"coin not found"}', NotFound, "coin not found"),
        (200, b'{"error":"coin not found"}', NotFound, "coin not found"),
        (422, b'{"error":"Missing parameter vs_currency"}', BadRequest, "Missing parameter vs_currency"),
        (429, LIMIT, RateLimited, "You've exceeded the Rate Limit."),
        (200, LIMIT, RateLimited, "You've exceeded the Rate Limit."),
        (403, LIMIT, RateLimited, "You've exceeded the Rate Limit."),
        (200, b'{"error":"Too many requests"}', RateLimited, "Too many requests"),
        (200, b'{"error":"Rate limit hit"}', RateLimited, "Rate limit hit"),
        (200, b'{"error":"Bad API key"}', Unauthorized, "Bad API key"),
        (401, b'{"status":{"error_code":10002,"error_message":"API Key Missing."}}', Unauthorized, "API Key Missing."),
        (401, b'{"error":{"status":{"error_code":10012,"error_message":"range"}}}', BadRequest, "range"),
        (200, b'{"error":{"status":{"error_code":10012,"error_message":"range"}}}', BadRequest, "range"),
        (400, b'{"error_code":10010,"status":{"error_message":"host"}}', Unauthorized, "host"),
        (200, b'{"status":500,"error":"Internal Server Error"}', Unavailable, "Internal Server Error"),
        (200, b'{"error":{"message":"broken"}}', Unavailable, "broken"),
        (503, b'{"error":"coin not found"}', Unavailable, "coin not found"),
        (200, b'{"error":"no such luck"}', BadRequest, "no such luck"),
        (403, b'{"status":{"error_code":403,"error_message":"agent"}}', Unauthorized, "agent"),
        (401, b'{"status":{"error_code":1001,"error_message":"invalid key"}}', Unauthorized, "invalid key"),
        (402, b'{"status":{"error_code":"1003","error_message":"pay"}}', Unauthorized, "pay"),
        (429, b'{"status":{"error_code":1008,"error_message":"minute"}}', RateLimited, "minute"),
        (500, b"", Unavailable, "HTTP status 500"),
        (503, b"<html>busy</html>", Unavailable, "HTTP status 503"),
        (418, b"{}", RateLimited, "HTTP status 418"),
        (400, b"{", BadRequest, "HTTP status 400"),
        (302, b"", Malformed, "HTTP status 302"),
        (200, b"", Malformed, "the body is empty"),
        (200, b"export default {}", Malformed, "the body is not JSON"),
    ],
)
def test_an_error_is_named_by_its_body_first_and_its_status_second(
    status: int, body: bytes, error: type[ProviderError], detail: str
) -> None:
    with pytest.raises(ProviderError) as refusal:
        refuse_errors("coingecko", status, body)

    assert type(refusal.value) is error
    assert (refusal.value.detail, refusal.value.status) == (detail, status)


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"{}",
        b'{"bitcoin":{"usd":1}}',
        b'{"data":[],"status":{"error_code":0,"error_message":null}}',
        b'{"data":{},"status":{"error_code":"0","error_message":"SUCCESS"}}',
        b'{"data":{},"status":{"error_code":["0"],"error_message":["SUCCESS"]}}',
        b'{"id":"bitcoin","status":"active","error":null}',
        b' [{"error":"a coin of this name"}]',
    ],
)
def test_data_pass(body: bytes) -> None:
    refuse_errors("coinmarketcap", 200, body)


def test_html_with_a_good_status_is_malformed() -> None:
    with pytest.raises(Malformed, match="content type text/html instead of JSON"):
        refuse_errors("coingecko", 200, b"[1]", content_type="text/html; charset=utf-8")


@pytest.mark.parametrize("content_type", ["", "application/json; charset=utf-8", "application/problem+json"])
def test_json_passes_under_its_names_and_without_one(content_type: str) -> None:
    refuse_errors("coingecko", 200, b"[1]", content_type=content_type)


@pytest.mark.parametrize(("code", "seconds"), [(1008, 60.0), (1009, 3600.0), (1010, 86400.0), (429, None)])
def test_a_limit_without_retry_after_pauses_as_long_as_its_code_implies(code: int, seconds: float | None) -> None:
    with pytest.raises(RateLimited) as refusal:
        refuse_errors("coinmarketcap", 429, b'{"status":{"error_code":%d}}' % code)

    assert refusal.value.retry_after == seconds


def test_retry_after_goes_before_the_code() -> None:
    with pytest.raises(RateLimited) as refusal:
        refuse_errors("coinmarketcap", 429, b'{"status":{"error_code":1010}}', retry_after=7.0)

    assert refusal.value.retry_after == 7.0


def test_the_text_of_an_error_is_one_short_line() -> None:
    error = NotFound("coingecko", "a\r\nb\x00c\u2028" + "d" * 1000)

    assert error.detail == "a b c " + "d" * 294
    assert str(error) == f"coingecko: not_found: {error.detail}"
