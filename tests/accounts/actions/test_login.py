import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher

from accounts import tokens
from accounts.actions import login
from accounts.models import User
from accounts.tokens import TokenInvalid, TokenType
from config.kernel import clock
from tests.accounts.factories import NOON, PASSWORD, UserFactory

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


@pytest.fixture
def alice():
    return UserFactory.create(username="alice", email="alice@example.com", token_version=2)


@pytest.fixture
def hashings(alice, settings, monkeypatch):
    """How passwords were hashed, which is what takes the time of a login."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
    alice.set_password(PASSWORD)
    alice.save()
    counted: list[str] = []

    def count(name):
        original = getattr(Argon2PasswordHasher, name)

        def counting(self, *args):
            counted.append(name)
            return original(self, *args)

        monkeypatch.setattr(Argon2PasswordHasher, name, counting)

    count("encode")
    count("verify")
    return counted


@pytest.mark.parametrize("name", ["alice", "ALICE", "alice@example.com", "Alice@Example.com"])
def test_password_is_exchanged_for_two_tokens_of_the_person(alice, name):
    at = clock.now()

    pair = login.log_in(name, PASSWORD, at=at)

    assert tokens.read(pair.access_token, TokenType.ACCESS) == tokens.Claims(alice.pk, 2)
    assert tokens.read(pair.refresh_token, TokenType.REFRESH) == tokens.Claims(alice.pk, 2)
    alice.refresh_from_db()
    assert alice.last_login == at


@pytest.mark.parametrize(
    ("name", "password"), [("alice", "wrong"), ("alice", ""), ("nobody", PASSWORD), ("nobody@example.com", PASSWORD)]
)
def test_unknown_person_and_wrong_password_are_refused_alike(alice, name, password):
    with pytest.raises(login.InvalidCredentials) as refusal:
        login.log_in(name, password, at=NOON)

    assert (refusal.value.code, refusal.value.message, refusal.value.details) == (
        "invalid_credentials",
        "Invalid credentials or inactive account.",
        {},
    )
    alice.refresh_from_db()
    assert alice.last_login is None


@pytest.mark.parametrize(("name", "hashing"), [("alice", "verify"), ("nobody", "encode")])
def test_refusal_costs_one_hashing_whether_the_person_exists_or_not(hashings, name, hashing):
    with pytest.raises(login.InvalidCredentials):
        login.log_in(name, "wrong", at=NOON)

    assert hashings == [hashing]


@pytest.mark.parametrize("status", ["pending", "disabled"])
def test_inactive_person_is_told_so_only_after_the_right_password(alice, status):
    User.objects.filter(pk=alice.pk).update(status=status)

    with pytest.raises(login.InactiveAccount) as refusal:
        login.log_in("alice", PASSWORD, at=NOON)
    with pytest.raises(login.InvalidCredentials):
        login.log_in("alice", "wrong", at=NOON)

    assert (refusal.value.code, refusal.value.message) == (
        "inactive_account",
        "Invalid credentials or inactive account.",
    )
    alice.refresh_from_db()
    assert alice.last_login is None


def test_refresh_token_is_exchanged_for_an_access_token(alice):
    refresh_token = tokens.issue(alice, TokenType.REFRESH, at=clock.now())

    access_token = login.refresh(refresh_token, at=clock.now())

    assert tokens.read(access_token, TokenType.ACCESS) == tokens.Claims(alice.pk, 2)


def test_access_token_does_not_refresh(alice):
    with pytest.raises(TokenInvalid):
        login.refresh(tokens.issue(alice, TokenType.ACCESS, at=clock.now()), at=clock.now())


def test_token_stands_for_the_person_as_the_database_knows_them_now(alice):
    token = tokens.issue(alice, TokenType.ACCESS, at=clock.now())
    User.objects.filter(pk=alice.pk).update(role="operator")

    person = login.bearer(token, TokenType.ACCESS)

    assert (person, person.role) == (alice, "operator")


def test_token_is_checked_with_one_query(alice, django_assert_num_queries):
    token = tokens.issue(alice, TokenType.ACCESS, at=clock.now())

    with django_assert_num_queries(1):
        login.bearer(token, TokenType.ACCESS)


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"token_version": 3}, login.TokenRevoked),
        ({"token_version": 1}, login.TokenRevoked),
        ({"status": "disabled"}, login.InactiveAccount),
        ({"status": "pending"}, login.InactiveAccount),
    ],
)
def test_token_dies_with_what_it_was_made_for(alice, changes, refusal):
    token = tokens.issue(alice, TokenType.ACCESS, at=clock.now())
    User.objects.filter(pk=alice.pk).update(**changes)

    with pytest.raises(refusal):
        login.bearer(token, TokenType.ACCESS)


def test_token_of_a_deleted_person_is_invalid(alice):
    token = tokens.issue(alice, TokenType.ACCESS, at=clock.now())
    alice.delete()

    with pytest.raises(TokenInvalid):
        login.bearer(token, TokenType.ACCESS)
