"""API keys: what they open, and for how long."""

from datetime import timedelta

import pytest
from django.db import connection

from accounts import credentials
from accounts.actions import api_keys, people
from accounts.models import ApiKey, User
from accounts.roles import Role
from accounts.scopes import Scope
from config.kernel import clock
from tests.accounts.factories import PASSWORD, UserFactory
from tests.security.answers import outcome

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

CURRENT = "/api/v1/auth/keys/current"


@pytest.fixture
def boss():
    return UserFactory.create(username="boss", role=Role.ADMIN)


@pytest.fixture
def make():
    """A key of somebody, and the header that shows it."""

    def make(owner, *scopes, **more):
        key, text = api_keys.create(owner, "robot", scopes or [Scope.TASKS], by=owner, at=clock.now(), **more)
        return key, {"Authorization": f"Api-Key {text}"}

    return make


def test_only_a_digest_is_stored_and_the_key_is_shown_once(send, bearer, boss):
    body = {"name": "robot", "scopes": ["tasks"], "password": PASSWORD}
    created = send("POST", "/api/v1/auth/keys", body, headers=bearer(boss)).json()
    secret = created["key"].rpartition("_")[2]

    listed = send("GET", "/api/v1/auth/keys", headers=bearer(boss)).content.decode()
    single = send("GET", f"/api/v1/auth/keys/{created['id']}", headers=bearer(boss)).content.decode()
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(to_jsonb(k)::text, '') FROM accounts_apikey k")
        (row,) = cursor.fetchone()

    assert created["prefix"] in listed
    assert not [text for text in (listed, single, row) if secret in text]


@pytest.mark.parametrize("scheme", ["Bearer", "Token", "Basic"])
def test_key_is_nothing_as_a_token_and_a_token_nothing_as_a_key(send, bearer, boss, make, scheme):
    _, headers = make(boss)
    key, token = (header["Authorization"].split()[1] for header in (headers, bearer(boss)))

    for method, path in (("GET", "/api/v1/me"), ("GET", CURRENT), ("POST", "/api/v1/refresh")):
        assert send(method, path, headers={"Authorization": f"{scheme} {key}"}).status_code in {400, 401}
        assert send(method, path, headers={"Authorization": f"Api-Key {token}"}).status_code in {400, 401}


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text[:-1],
        lambda text: text[:-1] + ("0" if text[-1] != "0" else "1"),
        lambda text: text.upper(),
        lambda text: text.rpartition("_")[0],
        lambda text: text.rpartition("_")[0] + "_",
        lambda text: text + "\0",
        lambda text: text.rpartition("_")[0] + "_" + "0" * 64,
        lambda text: "%" + text[1:],
    ],
)
def test_key_that_is_nearly_right_is_refused(send, boss, make, change):
    _, headers = make(boss)
    text = headers["Authorization"].split()[1]

    answer = send("GET", CURRENT, headers={"Authorization": f"Api-Key {change(text)}"})

    assert outcome(answer) == (401, "api_key_invalid")


def test_scopes_end_where_the_owners_role_ends_also_after_demotion(send, next_poll, boss, make):
    person = UserFactory.create(role=Role.ADMIN)
    _, headers = make(person, Scope.ADMIN, Scope.MARKET_SYNC, Scope.MARKET_READ)
    assert send("GET", "/api/v1/admin/pending-users", headers=headers).status_code == 200

    people.set_role(person, Role.VIEWER, by=boss, at=clock.now())
    next_poll()

    assert outcome(send("GET", "/api/v1/admin/pending-users", headers=headers)) == (403, "permission_denied")
    assert send("GET", CURRENT, headers=headers).json()["effective_scopes"] == ["market:read"]


@pytest.mark.parametrize(
    ("role", "scope"),
    [
        (Role.VIEWER, "market:sync"),
        (Role.VIEWER, "admin:*"),
        (Role.MODERATOR, "market:sync"),
        (Role.OPERATOR, "admin:*"),
        (Role.ADMIN, "*"),
        (Role.ADMIN, ""),
        (Role.ADMIN, "admin"),
    ],
)
def test_nobody_makes_a_key_beyond_their_role(send, bearer, role, scope):
    body = {"name": "robot", "scopes": ["tasks", scope], "password": PASSWORD}

    answer = send("POST", "/api/v1/auth/keys", body, headers=bearer(UserFactory.create(role=role)))

    assert outcome(answer) == (400, "validation_error")
    assert not ApiKey.objects.exists()


def test_key_of_an_administrator_needs_the_second_factor_that_administrators_need(send, bearer, boss, settings):
    settings.ADMIN_REQUIRE_2FA = True
    body = {"name": "robot", "scopes": ["admin:*"], "password": PASSWORD}

    answer = send("POST", "/api/v1/auth/keys", body, headers=bearer(boss))

    assert outcome(answer) == (403, "second_factor_required")
    assert not ApiKey.objects.exists()


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/api/v1/me", None),
        ("GET", "/api/v1/auth/keys", None),
        ("POST", "/api/v1/auth/keys", {"name": "x", "scopes": ["tasks"], "password": PASSWORD}),
        ("POST", "/api/v1/auth/password/change", {"current_password": PASSWORD, "new_password": "seven green bottles"}),
        ("POST", "/api/v1/auth/2fa/setup", {"password": PASSWORD}),
        ("GET", "/api/v1/auth/2fa", None),
        ("GET", "/api/v1/auth/sessions", None),
        ("POST", "/api/v1/auth/logout", {}),
        ("POST", "/api/v1/auth/logout-all", None),
    ],
)
def test_key_with_every_scope_does_nothing_to_its_owners_account(send, boss, make, method, path, body):
    _, headers = make(boss, *Scope)
    before = User.objects.filter(pk=boss.pk).values().get(), ApiKey.objects.count()

    assert outcome(send(method, path, body, headers=headers)) == (403, "scope_missing")

    assert (User.objects.filter(pk=boss.pk).values().get(), ApiKey.objects.count()) == before


def test_key_makes_no_key_for_a_service_that_would_outlive_it(send, boss, make):
    _, headers = make(boss, Scope.ADMIN)
    service = people.create_service("robots", Role.ADMIN, by=boss, at=clock.now())

    answer = send(
        "POST",
        f"/api/v1/admin/service-accounts/{service.pk}/keys",
        {"name": "x", "scopes": ["admin:*"]},
        headers=headers,
    )

    assert outcome(answer) == (403, "scope_missing")
    assert not ApiKey.objects.filter(owner=service).exists()


@pytest.mark.parametrize(
    ("networks", "address", "forwarded", "is_allowed"),
    [
        (["203.0.113.0/24"], "203.0.113.200", None, True),
        (["203.0.113.0/24"], "203.0.114.1", None, False),
        (["203.0.113.9"], "203.0.113.9", None, True),
        (["203.0.113.9"], "::ffff:203.0.113.9", None, True),
        (["2001:db8::/32"], "2001:db8::1", None, True),
        (["2001:db8::/32"], "203.0.113.9", None, False),
        (["203.0.113.0/24"], "198.51.100.1", "203.0.113.9", False),  # says so itself
        (["203.0.113.0/24"], "10.0.0.1", "203.0.113.9", True),  # says a trusted proxy
        (["203.0.113.0/24"], "10.0.0.1", "203.0.113.9, 198.51.100.1", False),  # the proxy says otherwise
        (["10.0.0.0/8"], "10.0.0.1", "198.51.100.1", False),  # the proxy is not the caller
        (["0.0.0.0/0"], "", None, False),
    ],
)
def test_key_works_within_its_networks_only(send, boss, make, settings, networks, address, forwarded, is_allowed):
    settings.TRUSTED_PROXIES = ["10.0.0.0/8"]
    _, headers = make(boss, networks=networks)
    if forwarded:
        headers["X-Forwarded-For"] = forwarded

    answers = [send("GET", CURRENT, headers=headers, REMOTE_ADDR=address) for _ in range(2)]

    expected = (200, None) if is_allowed else (403, "api_key_address")
    assert [outcome(answer) for answer in answers] == [expected] * 2


def test_key_ends_with_its_time_also_where_it_is_known(send, boss, make):
    key, headers = make(boss, expires_at=clock.now() + timedelta(hours=1))
    assert send("GET", CURRENT, headers=headers).status_code == 200
    text = headers["Authorization"].split()[1]
    with pytest.raises(credentials.KeyInvalid):
        credentials.of_key(text, address="203.0.113.9", at=key.expires_at)


@pytest.mark.parametrize(
    "end",
    [
        lambda key, boss, at: api_keys.disable(key, by=boss, at=at),
        lambda key, boss, at: people.disable(key.owner, by=boss, at=at),
    ],
    ids=["key", "owner"],
)
def test_key_ends_within_a_second_of_being_disabled_or_its_owner(send, next_poll, boss, make, end):
    key, headers = make(UserFactory.create())
    assert send("GET", CURRENT, headers=headers).status_code == 200

    end(key, boss, clock.now())
    next_poll()

    assert outcome(send("GET", CURRENT, headers=headers)) == (401, "api_key_invalid")
