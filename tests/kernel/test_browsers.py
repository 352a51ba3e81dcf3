"""What every answer says to browsers, and who of other sites may read it."""

import pytest
from django.test import Client

ON_EVERY_ANSWER = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}
OURS = "http://localhost:3000"
EVERY_KIND = [
    ("get", "/api/open"),
    ("get", "/api/fast"),
    ("get", "/api"),
    ("get", "/api/nowhere"),
    ("get", "/api/closed"),
    ("get", "/api/failing/accident"),
    ("get", "/api/plain/accident"),
    ("get", "/api/a%00b"),
    ("get", "/api/status/304"),
    ("delete", "/api/open"),
    ("options", "/api/open"),
]


@pytest.mark.parametrize(("method", "path"), EVERY_KIND)
def test_every_answer_of_the_api_has_the_headers_of_pages_and_is_nothing_to_show(api, method, path):
    headers = getattr(api, method)(path).headers

    assert {name: headers.get(name) for name in ON_EVERY_ANSWER} == ON_EVERY_ANSWER
    assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"


def test_a_preflight_and_a_refused_host_have_them_too(api, settings):
    preflight = api.options("/api/open", headers={"origin": OURS, "access-control-request-method": "GET"})
    settings.ALLOWED_HOSTS = ["testserver"]
    refused = api.get("/api/open", headers={"host": "evil.example"})

    assert (preflight.status_code, refused.status_code) == (200, 400)
    for response in (preflight, refused):
        assert ON_EVERY_ANSWER.items() <= dict(response.items()).items()


@pytest.mark.parametrize("path", ["/page/not-found", "/page/denied"])
def test_pages_have_them_and_may_have_content(api, path):
    headers = api.get(path).headers

    assert {name: headers.get(name) for name in ON_EVERY_ANSWER} == ON_EVERY_ANSWER
    assert "Content-Security-Policy" not in headers
    assert "Content-Length" in headers


@pytest.mark.parametrize("path", ["/api/open", "/page/denied"])
def test_only_over_tls_browsers_are_told_to_stay_there(settings, counters, api, path):
    settings.SECURE_HSTS_SECONDS, settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = 60, True
    client = Client(raise_request_exception=False)

    for _ in range(2):  # the first of each kind is remembered
        assert client.get(path, secure=True)["Strict-Transport-Security"] == "max-age=60; includeSubDomains"
        assert "Strict-Transport-Security" not in client.get(path)


def test_pages_are_led_to_tls_and_calls_are_not(settings, counters, api):
    settings.SECURE_SSL_REDIRECT, settings.SECURE_REDIRECT_EXEMPT = True, [r"^api/"]
    client = Client(raise_request_exception=False)

    assert client.get("/page/denied")["Location"] == "https://testserver/page/denied"
    assert client.get("/api/open").status_code == 200


@pytest.mark.parametrize(("method", "path"), EVERY_KIND)
def test_every_answer_with_a_body_says_how_long_it_is(api, method, path):
    response = getattr(api, method)(path)

    if response.status_code in (204, 304):
        assert "Content-Length" not in response
    else:
        assert response["Content-Length"] == str(len(response.content))


def test_a_site_that_is_named_may_read(api):
    response = api.get("/api/open", headers={"origin": OURS})

    assert response["Access-Control-Allow-Origin"] == OURS
    assert "origin" in response["Vary"]


def test_another_site_may_not(api):
    response = api.get("/api/open", headers={"origin": "https://evil.example"})

    assert "Access-Control-Allow-Origin" not in response
    assert "origin" in response["Vary"]


@pytest.mark.parametrize("path", ["/api/open", "/api/nowhere", "/page/denied"])
def test_without_a_site_no_one_is_allowed_and_caches_know_that_it_matters(api, path):
    response = api.get(path)

    assert "Access-Control-Allow-Origin" not in response
    assert "origin" in response["Vary"]


def test_the_api_neither_reads_nor_sets_cookies(api):
    response = api.get("/api/open", headers={"cookie": "sessionid=canary"})

    assert response.status_code == 200
    assert not response.cookies
