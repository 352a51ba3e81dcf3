import json
from io import BytesIO
from unittest.mock import Mock
from uuid import UUID

import pytest
from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.test import Client

from config.kernel.bodies import MAX_BYTES, JsonParser
from config.kernel.errors import PayloadTooLarge


def error(response):
    """The envelope's content, after a look at its frame and at the id that it repeats."""
    body = response.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"code", "message", "details"}
    assert body["error"]["details"].pop("request_id") == response["X-Request-ID"]
    return body["error"]


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("not-found", 404, "not_found"),
        ("denied", 403, "permission_denied"),
        ("suspicious", 400, "bad_request"),
        ("conflict", 409, "box_occupied"),
        ("provider", 503, "provider_unavailable"),
        ("database", 503, "database_unavailable"),
        ("interface", 503, "database_unavailable"),
        ("model", 400, "validation_error"),
        ("whole-model", 400, "validation_error"),
        ("teapot", 418, "bad_request"),
        ("accident", 500, "internal_error"),
    ],
)
@pytest.mark.parametrize("door", ["failing", "plain", "fast-failing"])
def test_whatever_a_view_raises_becomes_an_envelope_without_its_innards(api, door, kind, status, code):
    response = api.get(f"/api/{door}/{kind}")

    assert response.status_code == status
    assert error(response)["code"] == code
    assert b"canary" not in response.content


def test_details_of_a_problem_reach_the_client(api):
    assert error(api.get("/api/failing/conflict")) == {
        "code": "box_occupied",
        "message": "Something is in the box already.",
        "details": {"box": 7},
    }


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("model", {"quantity": ["Too many."]}),
        ("whole-model", {"non_field_errors": ["Does not fit."]}),
        ("nested", {"legs.1.weight": ["Too heavy."], "legs.1.name": ["Too long."], "tags.0": ["Unknown."]}),
    ],
)
def test_complaints_of_models_and_serializers_are_fields(api, kind, fields):
    assert error(api.get(f"/api/failing/{kind}"))["details"] == {"fields": fields}


def test_an_absent_backend_says_when_to_come_back(api):
    assert api.get("/api/plain/database")["Retry-After"] == "5"


def test_an_unknown_route_answers_with_the_envelope(api):
    response = api.get("/api/nowhere")

    assert response.status_code == 404
    assert error(response) == {"code": "not_found", "message": "There is nothing at this address.", "details": {}}


def test_a_page_that_does_not_exist_is_a_page(api):
    response = api.get("/nowhere")

    assert response.status_code == 404
    assert response["Content-Type"] == "text/html; charset=utf-8"
    assert b"There is no page at this address." in response.content


def test_a_page_that_cannot_be_understood_is_a_page(api):
    response = api.get("/page/suspicious")

    assert response.status_code == 400
    assert b"This request could not be understood." in response.content


def test_a_page_that_fails_shows_nothing_of_why(api):
    response = api.get("/page/accident")

    assert response.status_code == 500
    assert b"canary" not in response.content


def test_a_refused_page_is_a_page(api):
    assert b"You are not allowed to see this page." in api.get("/page/denied").content


def test_a_wrong_method_names_the_right_ones(api):
    response = api.delete("/api/open")

    assert response.status_code == 405
    assert error(response)["code"] == "method_not_allowed"
    assert response["Allow"] == "GET, POST, HEAD, OPTIONS"


@pytest.mark.parametrize("method", ["TRACE", "PROPFIND", "G\u00cbT", "get "])
def test_methods_that_no_view_has_are_refused(api, method):
    assert api.generic(method, "/api/open").status_code == 405


def test_a_method_override_is_ignored(api):
    response = api.post(
        "/api/open", {"quantity": 2}, content_type="application/json", headers={"x-http-method-override": "DELETE"}
    )

    assert response.status_code == 201


def test_options_lists_the_methods(api):
    response = api.options("/api/open")

    assert response.status_code == 204
    assert response["Allow"] == "GET, POST, HEAD, OPTIONS"


def test_head_answers_like_get_without_a_body(api):
    response = api.head("/api/fast")

    assert response.status_code == 200
    assert response.content == b""
    assert response["ETag"] == 'W/"v1"'


@pytest.mark.parametrize("status", [400, 403, 404, 409, 418, 499, 500, 502, 599])
def test_an_error_page_made_by_hand_below_the_api_is_replaced(api, status):
    response = api.get(f"/api/status/{status}")

    assert response.status_code == status
    assert "canary" not in json.dumps(error(response))


def test_debug_pages_stay_out_of_the_api(api, settings):
    settings.DEBUG = True

    response = api.get("/api/nowhere")

    assert error(response)["code"] == "not_found"


def test_a_forged_host_is_a_bad_request(api, settings):
    settings.ALLOWED_HOSTS = ["testserver"]

    response = api.get("/api/open", headers={"host": "evil.example"})

    assert response.status_code == 400
    assert error(response)["code"] == "bad_request"


@pytest.mark.parametrize(
    "accept",
    ["application/problem+json", "application/json;q=0.5, application/problem+json", "APPLICATION/PROBLEM+JSON"],
)
def test_problem_details_are_given_to_those_who_ask(api, accept):
    response = api.get("/api/failing/conflict", headers={"accept": accept})

    assert response["Content-Type"] == "application/problem+json"
    assert response.json() == {
        "type": "about:blank",
        "title": "Conflict",
        "status": 409,
        "detail": "Something is in the box already.",
        "instance": "/api/failing/conflict",
        "code": "box_occupied",
        "details": {"box": 7, "request_id": response["X-Request-ID"]},
    }


@pytest.mark.parametrize("accept", ["text/html", "*/*;q=nonsense", "image/png", ",,;;", "\u00e9", ""])
def test_any_other_accept_gets_json(api, accept):
    response = api.get("/api/open", headers={"accept": accept})

    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"


def test_field_errors_are_flat_and_complete(api):
    response = api.post("/api/open", {"quantity": 0, "note": [1]}, content_type="application/json")

    assert response.status_code == 400
    assert error(response) == {
        "code": "validation_error",
        "message": "Some values are not acceptable.",
        "details": {
            "fields": {
                "quantity": ["Ensure this value is greater than or equal to 1."],
                "note": ["Not a valid string."],
            }
        },
    }


def test_a_list_where_an_object_belongs_is_an_error_about_the_whole(api):
    response = api.post("/api/open", "[]", content_type="application/json")

    assert list(error(response)["details"]["fields"]) == ["non_field_errors"]


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"\xff\xfe",
        b"",
        b"NaN",
        b'{"quantity": NaN}',
        b'{"quantity": 1e400}',
        b'{"quantity": 1, "quantity": 2}',
        b'{"note": "\\u0000"}',
        b'[["\\u0000"]]',
        b'{"\\u0000": 1}',
        b'["\\ud800"]',
        b"[" * 10_000,
        b"[" * 10_000 + b"]" * 10_000,
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    ],
)
def test_a_body_that_is_no_strict_json_is_refused(api, body):
    response = api.post("/api/open", body, content_type="application/json")

    assert response.status_code == 400
    assert error(response)["code"] in ("malformed_body", "validation_error")


def test_a_backslash_u0000_that_is_only_text_is_welcome(api):
    response = api.post("/api/open", rb'{"quantity": 1, "note": "\\u0000"}', content_type="application/json")

    assert response.json() == {"quantity": 1, "note": "\\u0000"}


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""])
def test_a_body_of_another_type_is_unsupported(api, content_type):
    response = api.generic("POST", "/api/open", b'{"quantity": 1}', content_type=content_type)

    assert response.status_code == 415
    assert error(response)["code"] == "unsupported_media_type"


def test_a_charset_does_not_change_the_type(api):
    response = api.post("/api/open", b'{"quantity": 1}', content_type="application/json; charset=UTF-8")

    assert response.status_code == 201


def test_a_compressed_body_is_unsupported(api):
    response = api.post("/api/open", b"\x1f\x8b", content_type="application/json", headers={"content-encoding": "gzip"})

    assert response.status_code == 415


def test_a_body_of_exactly_the_limit_is_read(api):
    body = b'{"quantity": 1}'.ljust(MAX_BYTES)

    assert api.post("/api/open", body, content_type="application/json").status_code == 201


def test_a_body_above_the_limit_is_refused(api):
    response = api.post("/api/open", b'{"quantity": 1}'.ljust(MAX_BYTES + 1), content_type="application/json")

    assert response.status_code == 413
    assert error(response)["details"] == {"limit_bytes": 1_048_576}


@pytest.mark.parametrize(("length", "status"), [("9" * 40, 413), ("-1", 400), ("ten", 400), ("\u0661", 400)])
def test_a_length_that_cannot_be_is_refused_before_reading(api, length, status):
    response = api.generic("POST", "/api/open", b"{}", content_type="application/json", CONTENT_LENGTH=length)

    assert response.status_code == status


def test_a_length_that_is_too_small_ends_the_body_there(api):
    response = api.generic(
        "POST", "/api/open", b'{"quantity": 1}' + b" " * MAX_BYTES, content_type="application/json", CONTENT_LENGTH="15"
    )

    assert response.status_code == 201


def test_a_length_that_is_too_large_leaves_broken_json(api):
    response = api.generic(
        "POST",
        "/api/open",
        CONTENT_TYPE="application/json",
        CONTENT_LENGTH="15",
        **{"wsgi.input": BytesIO(b'{"quanti')},
    )

    assert error(response)["code"] == "malformed_body"


def chunked(api, body):
    return api.generic(
        "POST",
        "/api/open",
        CONTENT_TYPE="application/json",
        HTTP_TRANSFER_ENCODING="chunked",
        **{"wsgi.input": BytesIO(body), "wsgi.input_terminated": True},
    )


def test_the_parser_reads_no_further_than_the_limit():
    with pytest.raises(PayloadTooLarge):
        JsonParser().parse(BytesIO(b" " * (MAX_BYTES + 1)))


def test_a_chunked_body_is_read(api):
    assert chunked(api, b'{"quantity": 3}').json() == {"quantity": 3}


def test_a_chunked_body_is_read_up_to_the_limit_only(api):
    assert chunked(api, b" " * (10 * MAX_BYTES)).status_code == 413


@pytest.mark.parametrize("query", ["q=%00", "%00=1", "q=%FF", "q=%ED%A0%80", "q=\xff"])
def test_a_query_that_is_no_text_is_refused(api, query):
    response = api.get("/api/open", QUERY_STRING=query)

    assert response.status_code == 400
    assert error(response)["code"] == "bad_request"


def test_a_nul_in_the_path_is_refused(api):
    response = api.get("/api/failing/a%00b")

    assert response.status_code == 400


def test_a_path_that_is_no_utf8_is_not_found(api):
    assert api.get("/api/nowhere/%FF").status_code == 404


def test_bytes_of_utf8_in_the_query_are_text(api):
    response = api.get("/api/open", QUERY_STRING="q=\u00c3\u00a9")

    assert error(response)["details"]["fields"] == {"q": ["There is no such parameter."]}


def test_nothing_private_is_stored_by_caches(api):
    for path in ("/api/open", "/api/nowhere", "/api/failing/accident"):
        response = api.get(path)
        assert response["Cache-Control"] == "private, no-store"
        assert {"Authorization", "Accept"} <= {name.strip() for name in response["Vary"].split(",")}


def test_what_else_an_answer_varies_with_is_kept(api):
    assert api.get("/api/status/200")["Vary"].startswith("Origin, Authorization, Accept")


@pytest.mark.parametrize("path", ["/api/open", "/api/nowhere", "/api/failing/accident", "/nowhere", "/api/sync"])
def test_every_answer_carries_a_request_id(api, path):
    assert UUID(api.get(path)["X-Request-ID"])


def test_a_failure_outside_of_the_views_has_the_envelope_too(api, monkeypatch):
    monkeypatch.setattr("config.kernel.browsers.CsrfViewMiddleware.process_view", Mock(side_effect=OperationalError))

    response = api.get("/api/open")

    assert response.status_code == 503
    assert error(response)["code"] == "database_unavailable"


def test_a_refusal_outside_of_the_views_has_the_envelope_too(api, monkeypatch):
    monkeypatch.setattr("config.kernel.browsers.CsrfViewMiddleware.process_view", Mock(side_effect=PermissionDenied))

    response = api.get("/api/open")

    assert response.status_code == 403
    assert error(response)["code"] == "permission_denied"


def test_who_probes_for_routes_is_stopped(api, settings):
    settings.RATE_LIMIT_PER_MINUTE = 1

    statuses = [api.get(f"/api/guess/{number}").status_code for number in range(3)]

    assert statuses == [404, 429, 429]


def test_a_failed_csrf_check_looks_like_any_refusal(api):
    response = Client(enforce_csrf_checks=True).post("/page/accident")

    assert response.status_code == 403
    assert b"You are not allowed to see this page." in response.content
