from datetime import timedelta

import pytest
from rest_framework.test import APIRequestFactory

from accounts import tokens
from accounts.actions import people
from accounts.api.authentication import CallerAuthentication
from accounts.models import User
from accounts.revocations import POLL_SECONDS, REVOCATIONS
from accounts.roles import Role
from accounts.tokens import TokenInvalid, TokenType
from config.kernel import clock
from tests.accounts.factories import SessionFactory, UserFactory

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


@pytest.fixture
def alice():
    return UserFactory.create(username="alice", email="alice@example.com")


@pytest.fixture
def next_poll():
    """What is withdrawn is read again before the next request, as it is after half a second."""

    def next_poll():
        REVOCATIONS._read_at -= POLL_SECONDS

    return next_poll


def ask(client, headers):
    response = client.get("/api/v1/me", headers=headers)
    return response.status_code, response.json().get("error", {}).get("code")


@pytest.mark.parametrize("path", ["/api/v1/me", "/api/v1/me/"])
def test_person_is_told_who_they_are(client, alice, bearer, path):
    response = client.get(path, headers=bearer(alice))

    body = response.json()
    assert response.status_code == 200
    assert body == {
        "id": alice.pk,
        "username": "alice",
        "email": "alice@example.com",
        "role": "viewer",
        "status": "active",
        "created_at": body["created_at"],
        "updated_at": body["updated_at"],
    }
    assert body["created_at"].endswith("Z")
    assert body["updated_at"].endswith("Z")


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_scheme_is_written_in_any_case(client, alice, bearer, scheme):
    token = bearer(alice)["Authorization"].split()[1]

    assert ask(client, {"Authorization": f"{scheme} {token}"}) == (200, None)


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Basic YTpi"}, {"Authorization": ""}])
def test_request_without_a_bearer_token_is_anonymous(client, headers):
    assert ask(client, headers) == (401, "not_authenticated")


def test_refusal_says_how_to_authenticate(client):
    response = client.get("/api/v1/me")

    assert response.headers["WWW-Authenticate"] == 'Bearer realm="api"'


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer ",
        "Bearer x",
        "Bearer a.b.c",
        "Bearer a.b.c d",
        "Bearer \x00",
        "Bearer \xff.\xff.\xff",
        "Bearer " + "A" * 10_000_000,
        "Bearer " + "eyJhbGciOiJub25lIn0.e30.",
    ],
    ids=lambda header: f"{header[:20]!r} ({len(header)})",
)
def test_garbage_for_a_token_is_refused(client, header):
    assert ask(client, {"Authorization": header}) == (401, "token_invalid")


def test_expired_token_is_told_apart(client, alice):
    yesterday = clock.now() - timedelta(days=1)
    token = tokens.access_token(SessionFactory.create(user=alice, created_at=yesterday), at=yesterday)

    assert ask(client, {"Authorization": f"Bearer {token}"}) == (401, "token_expired")


def test_refresh_token_opens_nothing(client, alice, bearer):
    assert ask(client, bearer(alice, TokenType.REFRESH)) == (401, "token_invalid")


@pytest.mark.parametrize("deed", [people.disable, people.revoke_sessions])
def test_access_ends_with_the_deed(client, alice, bearer, next_poll, deed):
    headers = bearer(alice)
    assert ask(client, headers) == (200, None)

    deed(alice, by=UserFactory.create(role=Role.ADMIN), at=clock.now())
    next_poll()

    assert ask(client, headers) == (401, "token_revoked")


@pytest.mark.parametrize("status", ["disabled", "pending"])
def test_token_that_this_process_has_not_seen_is_judged_by_the_account(client, alice, bearer, status):
    headers = bearer(alice)
    User.objects.update(status=status)

    assert ask(client, headers) == (401, "inactive_account")


def test_token_of_a_deleted_person_is_invalid(client, alice, bearer):
    headers = bearer(alice)
    alice.delete()

    assert ask(client, headers) == (401, "token_invalid")


def test_wrong_token_is_refused_even_where_nobody_needs_one():
    request = APIRequestFactory().get("/", headers={"Authorization": "Bearer x"})

    with pytest.raises(TokenInvalid):
        CallerAuthentication().authenticate(request)
