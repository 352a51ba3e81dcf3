from datetime import timedelta

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher

from accounts import credentials, tokens
from accounts.actions import login, sessions
from accounts.clients import Client
from accounts.models import Session, User
from accounts.tokens import TokenInvalid, TokenType
from config.kernel import clock
from tests.accounts.factories import NOON, PASSWORD, SessionFactory, UserFactory

CLIENT = Client(address="203.0.113.9", user_agent="curl/8.5.0")

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


def log_in(name, password, *, at=NOON):
    return login.log_in(name, password, otp=None, client=CLIENT, at=at)


def log_in_now(person):
    return SessionFactory.create(user=person, created_at=clock.now())


@pytest.mark.parametrize("name", ["alice", "ALICE", "alice@example.com", "Alice@Example.com"])
def test_password_is_exchanged_for_two_tokens_of_the_person(alice, name):
    at = clock.now()

    pair = log_in(name, PASSWORD, at=at)

    session = Session.objects.get()
    assert (session.user, session.created_at, session.address, session.user_agent) == (
        alice,
        at,
        CLIENT.address,
        CLIENT.user_agent,
    )
    for token, token_type in ((pair.access_token, TokenType.ACCESS), (pair.refresh_token, TokenType.REFRESH)):
        claims = tokens.read(token, token_type)
        assert (claims.user_id, claims.session_id, claims.token_version) == (alice.pk, session.pk, 2)
    alice.refresh_from_db()
    assert alice.last_login == at


@pytest.mark.parametrize(
    ("name", "password"), [("alice", "wrong"), ("alice", ""), ("nobody", PASSWORD), ("nobody@example.com", PASSWORD)]
)
def test_unknown_person_and_wrong_password_are_refused_alike(alice, name, password):
    with pytest.raises(login.InvalidCredentials) as refusal:
        log_in(name, password)

    assert (refusal.value.code, refusal.value.message, refusal.value.details) == (
        "invalid_credentials",
        "Invalid credentials or inactive account.",
        {},
    )
    alice.refresh_from_db()
    assert alice.last_login is None
    assert not Session.objects.exists()


@pytest.mark.parametrize(("name", "hashing"), [("alice", "verify"), ("nobody", "encode")])
def test_refusal_costs_one_hashing_whether_the_person_exists_or_not(hashings, name, hashing):
    with pytest.raises(login.InvalidCredentials):
        log_in(name, "wrong")

    assert hashings == [hashing]


@pytest.mark.parametrize("status", ["pending", "disabled"])
def test_inactive_person_is_told_so_only_after_the_right_password(alice, status):
    User.objects.filter(pk=alice.pk).update(status=status)

    with pytest.raises(credentials.InactiveAccount) as refusal:
        log_in("alice", PASSWORD)
    with pytest.raises(login.InvalidCredentials):
        log_in("alice", "wrong")

    assert (refusal.value.code, refusal.value.message) == (
        "inactive_account",
        "Invalid credentials or inactive account.",
    )
    alice.refresh_from_db()
    assert alice.last_login is None


def test_refresh_token_is_exchanged_for_both_tokens_of_the_same_session(alice):
    session = log_in_now(alice)

    pair = sessions.refresh(tokens.refresh_token(session), at=clock.now())

    for token, token_type in ((pair.access_token, TokenType.ACCESS), (pair.refresh_token, TokenType.REFRESH)):
        claims = tokens.read(token, token_type)
        assert (claims.user_id, claims.session_id, claims.token_version) == (alice.pk, session.pk, 2)


def test_access_token_does_not_refresh(alice):
    with pytest.raises(TokenInvalid):
        sessions.refresh(tokens.access_token(log_in_now(alice), at=clock.now()), at=clock.now())


def test_token_stands_for_the_person_as_the_database_knew_them_when_it_was_first_seen(alice):
    token = tokens.access_token(log_in_now(alice), at=clock.now())
    User.objects.filter(pk=alice.pk).update(role="operator")

    person, _ = credentials.of_token(token, at=clock.now())

    assert (person, person.role) == (alice, "operator")


def test_new_token_is_checked_with_two_queries_and_a_known_one_with_none(alice, django_assert_num_queries):
    at = clock.now()
    token = tokens.access_token(log_in_now(alice), at=at)

    with django_assert_num_queries(2):  # what was withdrawn, and the session with its person
        credentials.of_token(token, at=at)
    with django_assert_num_queries(0):
        credentials.of_token(token, at=at)


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"token_version": 3}, credentials.TokenRevoked),
        ({"token_version": 1}, credentials.TokenRevoked),
        ({"status": "disabled"}, credentials.InactiveAccount),
        ({"status": "pending"}, credentials.InactiveAccount),
    ],
)
def test_token_dies_with_what_it_was_made_for(alice, changes, refusal):
    token = tokens.access_token(log_in_now(alice), at=clock.now())
    User.objects.filter(pk=alice.pk).update(**changes)

    with pytest.raises(refusal):
        credentials.of_token(token, at=clock.now())


def test_token_of_a_session_that_was_left_alone_too_long_is_refused(alice, settings):
    settings.SESSION_TIMEOUT_MINUTES = 30
    session = log_in_now(alice)
    token = tokens.access_token(session, at=clock.now())
    Session.objects.update(last_seen_at=clock.now() - timedelta(minutes=30))

    with pytest.raises(credentials.SessionExpired):
        credentials.of_token(token, at=clock.now())


def test_token_of_a_deleted_person_is_invalid(alice):
    token = tokens.access_token(log_in_now(alice), at=clock.now())
    alice.delete()

    with pytest.raises(TokenInvalid):
        credentials.of_token(token, at=clock.now())
