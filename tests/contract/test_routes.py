"""Nothing here knows a route by name: what is added to the code is held to the contract by being there."""

from uuid import UUID

import pytest
from django.core.management import call_command
from django.urls import reverse

from accounts.models import AuditEntry, Job
from accounts.roles import Role
from tests.contract.table import ANYONE, API, TABLE, templates

RANKS = {ANYONE: -1} | {role.value: role.rank for role in Role}
each_route = pytest.mark.parametrize("route", TABLE, ids=str)
each_api_route = pytest.mark.parametrize("route", API, ids=str)
each_write = pytest.mark.parametrize("route", [route for route in API if route.method != "GET"], ids=str)
each_read = pytest.mark.parametrize("route", [route for route in API if route.method == "GET"], ids=str)


def problem(response):
    body = response.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"code", "message", "details"}
    assert body["error"]["details"]["request_id"] == response["X-Request-ID"]
    return body["error"]


def test_every_route_has_a_row_and_every_row_a_route():
    assert sorted({route.template for route in TABLE}) == sorted(path for path, _ in templates())


def test_every_method_has_an_entry():
    for path, callback in templates():
        view = getattr(callback, "cls", None)
        if view is None:  # a plain function, which `require_safe` guards
            continue
        methods = {method.upper() for method in view().allowed_methods} - {"OPTIONS", "HEAD"}
        assert methods == {route.method for route in TABLE if route.template == path}, path


@each_route
def test_the_slash_at_the_end_makes_no_difference(client, people, route):
    def ask(path):
        return client.generic(route.method, path, headers=people.headers("admin")).status_code

    bare = route.path.rstrip("/")
    assert ask(bare or "/") == ask(bare + "/") not in (301, 302, 307, 308)


@each_api_route
@pytest.mark.parametrize("who", RANKS)
def test_the_table_decides_who_may(client, people, route, who):
    jobs, audited = Job.objects.count(), AuditEntry.objects.count()

    response = client.generic(route.method, route.path, headers=people.headers(who))

    if RANKS[who] >= RANKS[route.least_role]:
        # Without a body or a token, the routes for signing in have something else to complain about.
        assert response.status_code not in (401, 403) or "refresh" in route.template
    else:
        assert response.status_code == (401 if who == ANYONE else 403)
        assert problem(response)["code"] == ("not_authenticated" if who == ANYONE else "permission_denied")
        assert ("WWW-Authenticate" in response) == (who == ANYONE)
        assert (Job.objects.count(), AuditEntry.objects.count()) == (jobs, audited)


@pytest.mark.parametrize("route", [route for route in API if route.least_role != ANYONE], ids=str)
@pytest.mark.parametrize("who", ["disabled", "pending"])
def test_a_role_is_nothing_without_an_active_account(client, people, route, who):
    response = client.generic(route.method, route.path, headers=people.headers(who))

    assert response.status_code == 401
    assert problem(response)["code"] == "inactive_account"


def test_market_data_can_be_closed(client, people, settings):
    settings.PUBLIC_MARKET_DATA = False
    path = reverse("cryptocurrency-list")

    assert client.get(path).status_code == 401
    assert client.get(path, headers=people.headers("viewer")).status_code == 200


@each_route
def test_every_answer_carries_an_id(client, route):
    assert UUID(client.generic(route.method, route.path)["X-Request-ID"])


@each_api_route
@pytest.mark.parametrize("method", ["TRACE", "BREW"])
def test_other_methods_are_refused_in_the_envelope(client, route, method):
    response = client.generic(method, route.path)

    assert response.status_code == 405
    assert problem(response)["code"] == "method_not_allowed"
    assert route.method in response["Allow"]


@each_api_route
def test_what_does_not_exist_below_a_route_is_not_found_in_the_envelope(client, route):
    response = client.get(f"{route.path.rstrip('/')}/no/such/thing/here")

    assert response.status_code == 404
    assert problem(response)["code"] == "not_found"


@each_api_route
def test_an_unknown_parameter_is_refused_and_the_known_ones_are_named(client, people, route):
    response = client.generic(route.method, f"{route.path}?no_such_parameter=1", headers=people.headers("admin"))

    assert response.status_code == 400
    details = problem(response)["details"]
    assert "no_such_parameter" in details["fields"]
    assert isinstance(details["known"], list)


@each_api_route
def test_every_answer_tells_the_standing_with_the_limit(client, route):
    response = client.generic(route.method, route.path)

    assert {"RateLimit", "RateLimit-Policy", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"} <= set(
        response.headers
    )


@each_api_route
def test_every_answer_says_what_caches_may_do(client, route):
    response = client.generic(route.method, route.path)

    if response.status_code == 200 and "public" in response["Cache-Control"]:
        assert route.method == "GET"
        assert int(response["Cache-Control"].removeprefix("public, max-age=")) <= 60
    else:
        assert response["Cache-Control"] == "private, no-store"
    assert {"Authorization", "Accept"} <= {name.strip() for name in response["Vary"].split(",")}


@each_write
def test_a_broken_body_is_an_envelope(client, people, route):
    response = client.generic(
        route.method, route.path, b"[" * 10_000, content_type="application/json", headers=people.headers("admin")
    )

    assert response.status_code in (202, 400, 404)  # some read no body
    if response.status_code == 400:
        assert problem(response)["code"] == "malformed_body"


@each_write
@pytest.mark.parametrize(("content_type", "status"), [("text/plain", 415), ("application/json", 413)])
def test_bodies_of_the_wrong_type_or_size_are_refused_everywhere(client, people, route, content_type, status):
    body = b"x" * (2_000_000 if status == 413 else 10)

    response = client.generic(
        route.method, route.path, body, content_type=content_type, headers=people.headers("admin")
    )

    assert response.status_code == status
    assert problem(response)


@each_read
def test_head_answers_as_get_does(client, people, route):
    headers = people.headers("admin")

    assert client.head(route.path, headers=headers).status_code == client.get(route.path, headers=headers).status_code


def test_the_committed_document_is_that_of_the_code(settings, tmp_path):
    generated = tmp_path / "openapi.yaml"

    call_command("spectacular", "--file", str(generated), "--validate", "--fail-on-warn")

    committed = settings.BASE_DIR / "docs" / "api" / "openapi.yaml"
    assert generated.read_text() == committed.read_text(), (
        "Write it anew: manage.py spectacular --file docs/api/openapi.yaml"
    )
