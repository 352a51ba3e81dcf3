"""What belongs to somebody else is not there."""

import uuid
from typing import Any

import pytest
from factory.django import DjangoModelFactory

from accounts.models import ApiKey, Job, Session
from accounts.roles import Role
from config.kernel import clock
from tests.accounts.factories import ApiKeyFactory, JobFactory, SessionFactory, UserFactory
from tests.security.answers import without_request_id

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
PATHS: dict[str, type[DjangoModelFactory[Any]]] = {
    "/api/v1/auth/keys/{}": ApiKeyFactory,
    "/api/v1/auth/sessions/{}/revoke": SessionFactory,
    "/api/auth/sessions/{}/revoke": SessionFactory,
    "/api/v1/tasks/{}/status": JobFactory,
    "/api/v1/tasks/{}/result": JobFactory,
}


def everything():
    return [list(model.objects.order_by("pk").values()) for model in (ApiKey, Job)] + [
        list(Session.objects.order_by("pk").values("pk", "ended_at", "refresh_jti"))
    ]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("path", PATHS)
def test_object_of_somebody_else_is_answered_like_one_that_is_not_there(send, bearer, path, method):
    row = PATHS[path].create(**({"created_at": clock.now()} if PATHS[path] is SessionFactory else {}))
    absent = 2**31 if isinstance(row.pk, int) else uuid.uuid4()
    headers = bearer(UserFactory.create(role=Role.ANALYST))
    before = everything()

    theirs = send(method, path.format(row.pk), headers=headers)
    nobodys = send(method, path.format(absent), headers=headers)

    assert theirs.status_code in {404, 405}
    if method == "HEAD":
        assert theirs.status_code == nobodys.status_code
    else:
        assert without_request_id(theirs) == without_request_id(nobodys)
    assert everything() == before


@pytest.mark.parametrize("role", [Role.MODERATOR, Role.OPERATOR, Role.ADMIN])
@pytest.mark.parametrize("path", ["/api/v1/auth/keys/{}", "/api/v1/auth/sessions/{}/revoke"])
def test_rank_opens_nothing_of_others_outside_the_administration(send, bearer, path, role):
    row = PATHS[path].create(**({"created_at": clock.now()} if PATHS[path] is SessionFactory else {}))
    headers = bearer(UserFactory.create(role=role))
    before = everything()

    answers = [send(method, path.format(row.pk), headers=headers).status_code for method in METHODS]

    assert set(answers) <= {404, 405}
    assert everything() == before


def test_lists_hold_what_is_ones_own_whatever_the_query_says(send, bearer):
    other, me = ApiKeyFactory.create().owner, UserFactory.create()
    SessionFactory.create(user=other, created_at=clock.now())
    headers = bearer(me)

    for path, count in (("/api/v1/auth/keys", 0), ("/api/v1/auth/sessions", 1)):
        assert send("GET", path, headers=headers).json()["count"] == count
        for query in (f"owner={other.pk}", f"user={other.pk}", f"user_id={other.pk}", "all=1", f"owner__id={other.pk}"):
            assert send("GET", f"{path}?{query}", headers=headers).status_code == 400


@pytest.mark.parametrize("identifier", [2**63, 10**40, 0])
def test_identifier_beyond_any_column_is_not_there(send, bearer, identifier):
    headers = bearer(UserFactory.create(role=Role.ADMIN))

    for method, path in (
        ("GET", f"/api/v1/auth/keys/{identifier}"),
        ("DELETE", f"/api/v1/auth/keys/{identifier}"),
        ("POST", f"/api/v1/admin/disable/{identifier}"),
        ("POST", f"/api/v1/admin/service-accounts/{identifier}/keys"),
    ):
        body = {"name": "x", "scopes": ["tasks"]} if path.endswith("/keys") else None
        assert send(method, path, body, headers=headers).status_code == 404, path
