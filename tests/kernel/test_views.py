import pytest
from django.test import override_settings
from prometheus_client import REGISTRY
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from config.kernel.errors import PermissionDenied
from config.kernel.views import ApiView

ANN, OPERATOR, DISABLED = ({"authorization": f"Bearer {who}"} for who in ("7/0", "8/20", "13/90"))


@pytest.mark.parametrize("path", ["/api/closed", "/api/restricted", "/api/fast-closed"])
def test_a_view_that_says_nothing_is_closed_to_strangers(api, path):
    response = api.get(path)

    assert response.status_code == 401
    assert response.json()["error"]["code"] == "not_authenticated"
    assert response["WWW-Authenticate"] == 'Bearer realm="api"'


@pytest.mark.parametrize("path", ["/api/closed", "/api/restricted", "/api/fast-closed"])
def test_a_disabled_person_is_a_stranger(api, path):
    assert api.get(path, headers=DISABLED).status_code == 401


@pytest.mark.parametrize("path", ["/api/restricted", "/api/fast-closed"])
def test_rank_decides_who_may(api, path):
    def denied():
        labels = {"route": {"/api/restricted": "Restricted", "/api/fast-closed": "FastClosed"}[path], "role": ""}
        return REGISTRY.get_sample_value("authz_denied_total", labels) or 0

    before = denied()

    assert api.get(path, headers=ANN).status_code == 403
    assert api.get(path, headers=OPERATOR).status_code == 200
    assert denied() == before + 1


@pytest.mark.parametrize("path", ["/api/open", "/api/closed", "/api/fast", "/api/fast-closed"])
def test_a_token_that_is_no_good_is_refused_even_where_none_is_needed(api, path):
    response = api.get(path, headers={"authorization": "Bearer nobody"})

    assert response.status_code == 401
    assert "WWW-Authenticate" in response


def test_a_token_of_ten_megabytes_is_only_a_bad_token(api):
    assert api.get("/api/fast", headers={"authorization": "Bearer " + "x" * 10_000_000}).status_code == 401


def test_a_public_view_knows_who_calls(api):
    assert api.get("/api/open").json()["user"] is None
    assert api.get("/api/open", headers=ANN).json()["user"] == 7


def test_a_cached_answer_is_not_for_those_who_may_not_ask(api):
    assert api.get("/api/fast-closed", headers={"if-none-match": 'W/"v1"'}).status_code == 401
    assert api.get("/api/fast-closed", headers={"if-none-match": 'W/"v1"', **ANN}).status_code == 403
    assert api.get("/api/fast-closed", headers={"if-none-match": 'W/"v1"', **OPERATOR}).status_code == 304


@pytest.mark.parametrize("path", ["/api/open", "/api/fast"])
def test_undeclared_parameters_are_refused(api, path):
    response = api.get(f"{path}?colour=red")

    assert response.status_code == 400
    assert response.json()["error"]["details"]["fields"] == {"colour": ["There is no such parameter."]}
    assert "limit" in response.json()["error"]["details"]["known"]


def test_parameters_are_read_for_writes_too(api):
    response = api.post("/api/open?colour=red", {"quantity": 1}, content_type="application/json")

    assert response.status_code == 400


def test_caches_may_keep_what_everybody_sees(api):
    anonymous, personal = api.get("/api/fast"), api.get("/api/fast", headers=ANN)

    assert anonymous["Cache-Control"] == "public, max-age=60"
    assert personal["Cache-Control"] == "private, no-store"
    assert anonymous["ETag"] == personal["ETag"] == 'W/"v1"'


def test_an_unchanged_answer_keeps_its_headers(api):
    response = api.get("/api/fast", headers={"if-none-match": 'W/"v1"'})

    assert response.status_code == 304
    assert response.content == b""
    assert response["ETag"] == 'W/"v1"'
    assert response["Cache-Control"] == "public, max-age=60"
    assert response["Vary"].startswith("Authorization, Accept")


def test_an_error_of_a_fast_view_is_stored_nowhere(api):
    assert api.get("/api/fast?x=1")["Cache-Control"] == "private, no-store"
    assert "ETag" not in api.get("/api/fast?x=1")


@pytest.mark.parametrize("path", ["/api/fast", "/api/open"])
def test_a_fast_view_refuses_methods_like_any_other(api, path):
    response = api.put(path)

    assert response.status_code == 405
    assert "GET" in response["Allow"]


class NeverOnSunday(BasePermission):
    message = "Closed."

    def has_permission(self, request, view):
        return False


class WithPermission(ApiView):
    public = True
    permission_classes = [NeverOnSunday]
    authentication_classes: list = []

    def get(self, request: Request) -> None:
        raise AssertionError("reached")


def test_permission_classes_of_drf_come_on_top(counters):
    response = WithPermission.as_view()(APIRequestFactory().get("/api/x"))

    assert response.status_code == PermissionDenied.status


@override_settings(RATE_LIMIT_PER_MINUTE=10)
@pytest.mark.parametrize(
    "path", ["/api/open", "/api/open/", "/api/closed", "/api/closed/", "/api/items/7", "/api/items/7/"]
)
def test_a_slash_at_the_end_makes_no_difference(api, path):
    assert api.get(path, headers=ANN).status_code == 200


@pytest.mark.parametrize("path", ["/api/open//", "/api/items/x/", "/api/items/7/8", "/api//open", "/api/ope"])
def test_what_is_no_route_stays_none(api, path):
    assert api.get(path).status_code == 404
