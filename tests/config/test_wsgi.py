"""The application as a server calls it, without the test client's own handler."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from django.urls import Resolver404

from config import wsgi


def answer(path: str) -> dict[str, Any]:
    """Status and headers."""
    told: dict[str, Any] = {}

    def start_response(status: str, headers: list[tuple[str, str]], error: object = None) -> Callable[[bytes], object]:
        told.update(status=status, headers=dict(headers))
        return lambda data: None

    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "8000",
        "REMOTE_ADDR": "203.0.113.9",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
    }
    response = wsgi.application(environ, start_response)
    response.close()
    return told


def test_a_path_leads_to_the_same_view_each_time():
    wsgi._resolved.cache_clear()

    answers = [answer("/livez") for _ in range(3)]

    assert {told["status"] for told in answers} == {"200 OK"}
    assert len({told["headers"]["X-Request-ID"] for told in answers}) == 3
    assert wsgi._resolved.cache_info().hits == 2


def test_arguments_of_one_request_are_not_those_of_another():
    first, second = wsgi._resolved("/api/v1/cryptocurrencies/BTC"), wsgi._resolved("/api/v1/cryptocurrencies/ETH")

    assert (first.kwargs, second.kwargs) == ({"symbol": "BTC"}, {"symbol": "ETH"})


def test_paths_that_lead_nowhere_are_not_remembered():
    before = wsgi._resolved.cache_info().currsize

    for number in range(3):
        assert answer(f"/api/v1/nowhere/{number}")["status"] == "404 Not Found"
        with pytest.raises(Resolver404):
            wsgi._resolved(f"/api/v1/nowhere/{number}")

    assert wsgi._resolved.cache_info().currsize == before
