import pytest

from accounts import tokens
from accounts.models import User
from accounts.tokens import TokenType
from config.kernel import clock
from tests.accounts.factories import PASSWORD, SessionFactory, UserFactory

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

LOGIN_PATHS = ["/api/v1/auth/login", "/api/v1/login", "/api/v1/auth/login/", "/api/v1/login/"]
REFRESH_PATHS = ["/api/v1/auth/refresh", "/api/v1/refresh", "/api/v1/auth/refresh/", "/api/v1/refresh/"]


@pytest.fixture
def alice():
    return UserFactory.create(username="alice", email="alice@example.com")


@pytest.fixture
def log_in(client):
    def log_in(body=None, *, path="/api/v1/auth/login", **credentials):
        return client.post(path, body if body is not None else credentials, content_type="application/json")

    return log_in


def refresh_token_of(person):
    return tokens.refresh_token(SessionFactory.create(user=person, created_at=clock.now()))


def error(response):
    return {name: value for name, value in response.json()["error"].items() if name != "details"}


@pytest.mark.parametrize("path", LOGIN_PATHS)
@pytest.mark.parametrize("username", ["alice", "Alice@example.com"])
def test_login_answers_with_both_tokens_on_every_path(log_in, alice, path, username):
    response = log_in(path=path, username=username, password=PASSWORD)

    body = response.json()
    assert (response.status_code, sorted(body), body["token_type"]) == (
        200,
        ["access_token", "refresh_token", "token_type"],
        "bearer",
    )
    assert tokens.read(body["access_token"], TokenType.ACCESS).user_id == alice.pk
    assert tokens.read(body["refresh_token"], TokenType.REFRESH).user_id == alice.pk
    assert response.headers["Cache-Control"] == "private, no-store"


def test_unknown_person_and_wrong_password_get_the_same_answer(log_in, alice):
    unknown = log_in(username="nobody", password=PASSWORD)
    mistaken = log_in(username="alice", password="wrong")

    for response in (unknown, mistaken):
        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"] == 'Bearer realm="api"'
        assert error(response) == {
            "code": "invalid_credentials",
            "message": "Invalid credentials or inactive account.",
        }
    assert set(unknown.json()["error"]["details"]) == set(mistaken.json()["error"]["details"])


@pytest.mark.parametrize("status", ["pending", "disabled"])
def test_inactive_account_is_named_only_after_the_right_password(log_in, alice, status):
    User.objects.update(status=status)

    right = log_in(username="alice", password=PASSWORD)
    wrong = log_in(username="alice", password="wrong")

    assert (right.status_code, wrong.status_code) == (401, 401)
    assert error(right) == {"code": "inactive_account", "message": "Invalid credentials or inactive account."}
    assert error(wrong) == {"code": "invalid_credentials", "message": "Invalid credentials or inactive account."}


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"username", "password"}),
        ({"username": "alice"}, {"password"}),
        ({"username": "", "password": "x"}, {"username"}),
        ({"username": ["alice"], "password": {"a": 1}}, {"username", "password"}),
        ({"username": None, "password": None}, {"username", "password"}),
        ({"username": "a" * 255, "password": "x"}, {"username"}),
        ({"username": "alice", "password": "x" * 1_025}, {"password"}),
        ([], {"non_field_errors"}),
        ('"alice"', {"non_field_errors"}),
    ],
)
def test_login_without_usable_credentials_names_the_fields(log_in, body, fields):
    response = log_in(body)

    assert (response.status_code, error(response)["code"]) == (400, "validation_error")
    assert set(response.json()["error"]["details"]["fields"]) == fields


@pytest.mark.parametrize(
    "raw", ['{"username": "\\u0000", "password": "x"}', '{"username": "\\ud800", "password": "x"}']
)
def test_login_with_text_that_no_database_can_hold_is_refused(client, raw):
    response = client.post("/api/v1/auth/login", raw, content_type="application/json")

    assert response.status_code == 400


def test_password_is_taken_as_it_is_typed(log_in, alice):
    alice.set_password("  spaced out  ")
    alice.save()

    assert log_in(username="alice", password="  spaced out  ").status_code == 200
    assert log_in(username="alice", password="spaced out").status_code == 401


def test_sixth_attempt_from_one_address_is_refused_before_any_hashing(log_in, alice, monkeypatch):
    for _ in range(5):
        log_in(username="alice", password="wrong")
    monkeypatch.setattr(User, "check_password", lambda *args: pytest.fail("hashed a password"))

    response = log_in(username="alice", password=PASSWORD)

    assert (response.status_code, error(response)["code"]) == (429, "rate_limited")
    details = response.json()["error"]["details"]
    assert details["scope"] == "login"
    assert 0 < details["retry_after"] <= 900
    assert response.headers["Retry-After"] == str(details["retry_after"])


def test_both_paths_draw_from_one_allowance_and_another_address_has_its_own(client, alice):
    def attempt(path, address):
        body = {"username": "alice", "password": "wrong"}
        return client.post(path, body, content_type="application/json", REMOTE_ADDR=address).status_code

    first = [attempt(path, "198.51.100.1") for path in (LOGIN_PATHS * 2)[:6]]

    assert first == [401] * 5 + [429]
    assert attempt("/api/v1/login", "198.51.100.2") == 401


def test_login_is_refused_while_attempts_cannot_be_counted(log_in, alice, settings):
    settings.CACHES = {
        **settings.CACHES,
        "counters": {**settings.CACHES["counters"], "LOCATION": "redis://127.0.0.1:1/0"},
    }

    response = log_in(username="alice", password=PASSWORD)

    assert (response.status_code, error(response)["code"]) == (503, "service_unavailable")


@pytest.mark.parametrize("path", REFRESH_PATHS)
def test_refresh_token_in_the_body_gives_both_tokens(client, alice, path):
    token = refresh_token_of(alice)

    response = client.post(path, {"refresh_token": token}, content_type="application/json")

    body = response.json()
    assert (response.status_code, sorted(body), body["token_type"]) == (
        200,
        ["access_token", "refresh_token", "token_type"],
        "bearer",
    )
    assert tokens.read(body["access_token"], TokenType.ACCESS).user_id == alice.pk
    assert tokens.read(body["refresh_token"], TokenType.REFRESH).user_id == alice.pk


@pytest.mark.parametrize("path", REFRESH_PATHS)
def test_refresh_token_in_the_header_gives_both_tokens(client, alice, bearer, path):
    response = client.generic("POST", path, headers=bearer(alice, TokenType.REFRESH))

    assert response.status_code == 200
    assert tokens.read(response.json()["access_token"], TokenType.ACCESS).user_id == alice.pk


def test_token_in_the_body_goes_before_the_one_in_the_header(client, alice, bearer):
    bob = UserFactory.create(username="bob")
    token = refresh_token_of(bob)

    response = client.post(
        "/api/v1/auth/refresh",
        {"refresh_token": token},
        content_type="application/json",
        headers=bearer(alice, TokenType.REFRESH),
    )

    assert tokens.read(response.json()["access_token"], TokenType.ACCESS).user_id == bob.pk


def test_refresh_without_a_token_says_where_it_goes(client):
    response = client.generic("POST", "/api/v1/auth/refresh")

    assert (response.status_code, error(response)["code"]) == (400, "validation_error")
    assert set(response.json()["error"]["details"]["fields"]) == {"refresh_token"}


def test_access_token_does_not_refresh(client, alice, bearer):
    response = client.generic("POST", "/api/v1/auth/refresh", headers=bearer(alice))

    assert (response.status_code, error(response)["code"]) == (401, "token_invalid")


@pytest.mark.parametrize(
    ("changes", "code"), [({"token_version": 1}, "token_revoked"), ({"status": "disabled"}, "inactive_account")]
)
def test_refresh_token_dies_with_the_account_it_was_made_for(client, alice, bearer, changes, code):
    headers = bearer(alice, TokenType.REFRESH)
    User.objects.update(**changes)

    response = client.generic("POST", "/api/v1/auth/refresh", headers=headers)

    assert (response.status_code, error(response)["code"]) == (401, code)
