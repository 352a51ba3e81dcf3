import json
from uuid import UUID

import pytest

from config.kernel.redaction import HIDDEN

GIVEN = "0b5e6a5e-54ab-4f0c-8f39-0c1c5a7e8f11"


@pytest.fixture
def lines(capfd):
    """What has been logged so far, each line parsed; a line that is no JSON object fails the test."""

    def read():
        return [json.loads(line) for line in capfd.readouterr().out.splitlines()]

    return read


def test_a_uuid_of_the_client_is_kept(api):
    assert api.get("/api/open", headers={"x-request-id": GIVEN})["X-Request-ID"] == GIVEN


@pytest.mark.parametrize(
    "offered",
    [
        "",
        "1",
        "x" * 36,
        "0b5e6a5e54ab4f0c8f390c1c5a7e8f11",
        f"{GIVEN}\r\nSet-Cookie: a=b",
        "{0b5e6a5e-54ab-4f0c-8f39-0c1c5a7e8f}",
        "\u0660" * 36,
        "a" * 10_000_000,
    ],
)
def test_anything_else_is_replaced_and_never_echoed(api, offered):
    answered = api.get("/api/open", headers={"x-request-id": offered})["X-Request-ID"]

    assert answered != offered
    assert str(UUID(answered)) == answered


def test_each_request_has_an_id_of_its_own(api):
    assert api.get("/api/open")["X-Request-ID"] != api.get("/api/open")["X-Request-ID"]


def test_one_line_tells_about_a_request(api, lines):
    api.get("/api/items/7?limit=5", headers={"authorization": "Bearer 42/20", "x-request-id": GIVEN})

    (line,) = lines()
    assert line.pop("latency_ms") > 0
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "request",
        "logger": "access",
        "level": "info",
        "request_id": GIVEN,
        "method": "GET",
        "path": "/api/items/7",
        "route": "api/items/<int:pk>",
        "status": 200,
        "user_id": 42,
    }


def test_an_anonymous_request_to_an_unknown_route_has_a_line_too(api, lines):
    api.get("/api/nowhere")

    (line,) = lines()
    assert (line["route"], line["status"], line["user_id"]) == (None, 404, None)


def test_a_secret_in_the_path_is_hidden(api, lines):
    api.get("/api/nowhere/ann@example.com/token=canary")

    (line,) = lines()
    assert line["path"] == f"/api/nowhere/a***@example.com/token={HIDDEN}"


def test_the_query_is_not_logged(api, lines):
    api.get("/api/open?token=canary")

    assert "canary" not in json.dumps(lines())


@pytest.mark.parametrize("evil", ["%0d%0a{}", "%1b[31m", "%E2%80%A8x", "%C2%85", "%22,%22level%22:%22debug"])
def test_no_path_can_break_out_of_its_line(api, lines, evil):
    api.get(f"/api/{evil}")

    (line,) = lines()
    assert line["status"] == 404


def test_a_failure_is_logged_with_its_cause_under_the_same_id(api, lines):
    response = api.get("/api/failing/accident")

    failure, access = lines()
    assert failure["event"] == "request.failed"
    assert "RuntimeError: canary" in failure["exception"]
    assert failure["request_id"] == access["request_id"] == response["X-Request-ID"]


def test_the_next_request_does_not_inherit_the_context(api, lines):
    api.get("/api/open", headers={"x-request-id": GIVEN})
    api.get("/api/open")

    first, second = lines()
    assert first["request_id"] == GIVEN
    assert second["request_id"] != GIVEN
