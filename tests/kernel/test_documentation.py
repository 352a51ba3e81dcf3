import re

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

LINK = re.compile(r'(?:src|href|spec-url)="([^"]+)"')


@pytest.fixture
def web():
    return Client()


@pytest.mark.parametrize("path", ["/docs", "/docs/", "/redoc", "/redoc/", "/apidocs", "/apidocs/"])
def test_the_documentation_loads_nothing_from_elsewhere(web, path):
    page = web.get(path).content.decode()

    links = LINK.findall(page)
    assert links
    for link in links:
        assert link.startswith("/")
        if link.startswith("/static/"):
            assert finders.find(link.removeprefix("/static/"))
        else:
            assert web.get(link).status_code == 200


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_the_documentation_has_no_inline_script_or_style(web, path):
    page = web.get(path).content.decode()

    assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\son\w+=|\sstyle=", page)


def test_swagger_reads_the_document(web):
    response = web.get("/docs/start.js")

    assert response["Content-Type"] == "text/javascript"
    assert 'url: "/openapi.json"' in response.content.decode()


def test_both_addresses_give_the_same_document(web, counters):
    first, second = web.get("/openapi.json"), web.get("/api/v1/schema/")

    assert first.json()["openapi"].startswith("3.")
    assert first.content == second.content


def test_the_root_says_where_to_go(web):
    body = web.get("/").json()

    assert body["name"] == "Crypto platform API"
    for link in (*body["documentation"].values(), body["health"], body["limits"]):
        assert web.get(link).status_code in (200, 503)
    assert isinstance(body["is_demo"], bool)
