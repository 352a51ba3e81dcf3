"""Refresh tokens in two hands."""

from datetime import timedelta

import pytest

from accounts import tokens
from accounts.actions import passwords, people, sessions, two_factor
from accounts.actions.sessions import Ending
from accounts.clients import Client
from accounts.credentials import SessionExpired, TokenRevoked
from accounts.models import AuditEntry, Mail, Session
from accounts.roles import Role
from config.kernel import clock
from tests.accounts.factories import PASSWORD, SessionFactory, UserFactory
from tests.security.answers import outcome

pytestmark = pytest.mark.integration

CLIENT = Client(address="203.0.113.9", user_agent="curl/8.5.0")


def test_fifty_uses_of_one_token_at_once_have_one_successor(at_once):
    session = SessionFactory.create(created_at=clock.now())
    first = tokens.refresh_token(session)

    answers = at_once([lambda: sessions.refresh(first, at=clock.now())] * 50)

    (successor,) = {answer.refresh_token for answer in answers}
    assert len({answer.access_token for answer in answers}) == 50
    session.refresh_from_db()
    assert (successor, session.ended_at) == (tokens.refresh_token(session), None)
    assert session.previous_jti == tokens.read(first, tokens.TokenType.REFRESH).jti

    sessions.refresh(successor, at=clock.now())
    refusals = at_once([lambda: sessions.refresh(first, at=clock.now())] * 8)

    assert {type(refusal) for refusal in refusals} == {TokenRevoked}
    assert Session.objects.get().ending == Ending.TOKEN_REUSED
    assert AuditEntry.objects.about(session).verbs() == ["accounts.session.ended"]
    assert [(mail.template, mail.recipient) for mail in Mail.objects.all()] == [("token_reused", session.user.email)]


def test_two_tokens_of_one_family_used_at_once_end_it_at_most_once(at_once):
    session = SessionFactory.create(created_at=clock.now())
    first = tokens.refresh_token(session)
    second = sessions.refresh(first, at=clock.now()).refresh_token

    at_once([lambda token=token: sessions.refresh(token, at=clock.now()) for token in [first, second] * 10])

    session.refresh_from_db()
    is_over = session.ended_at is not None
    assert AuditEntry.objects.about(session).count() == Mail.objects.count() == int(is_over)


@pytest.mark.django_db
def test_reuse_ends_access_tokens_of_the_family_as_well(send, next_poll):
    session = SessionFactory.create(created_at=clock.now())
    first = tokens.refresh_token(session)
    pair = sessions.refresh(first, at=clock.now())
    headers = {"Authorization": f"Bearer {pair.access_token}"}
    assert send("GET", "/api/v1/me", headers=headers).status_code == 200
    newest = sessions.refresh(pair.refresh_token, at=clock.now())

    assert outcome(send("POST", "/api/v1/refresh", {"refresh_token": first})) == (401, "token_revoked")
    next_poll()

    assert outcome(send("GET", "/api/v1/me", headers=headers)) == (401, "token_revoked")
    assert outcome(send("POST", "/api/v1/refresh", {"refresh_token": newest.refresh_token})) == (401, "token_revoked")


def _log_out(session, boss, at):
    sessions.log_out(session.pk, session.refresh_jti, refresh_token=None, by=session.user, at=at)


def _new_password(session, boss, at):
    passwords.change(session.user, PASSWORD, "seven green bottles", client=CLIENT, at=at)


WITHDRAWALS = {
    "logout": _log_out,
    "logout everywhere": lambda session, boss, at: sessions.log_out_everywhere(session.user, at=at),
    "role": lambda session, boss, at: people.set_role(session.user, Role.ANALYST, by=boss, at=at),
    "disabled": lambda session, boss, at: people.disable(session.user, by=boss, at=at),
    "revoked": lambda session, boss, at: people.revoke_sessions(session.user, by=boss, at=at),
    "password": _new_password,
}


@pytest.mark.django_db
@pytest.mark.parametrize("withdraw", WITHDRAWALS.values(), ids=WITHDRAWALS)
def test_refresh_and_access_end_with_what_withdraws_them(send, next_poll, withdraw):
    session = SessionFactory.create(created_at=clock.now())
    boss = UserFactory.create(role=Role.ADMIN)
    refresh = tokens.refresh_token(session)
    headers = {"Authorization": f"Bearer {tokens.access_token(session, at=clock.now())}"}
    assert send("GET", "/api/v1/me", headers=headers).status_code == 200

    withdraw(session, boss, clock.now())
    next_poll()

    assert outcome(send("POST", "/api/v1/refresh", {"refresh_token": refresh})) == (401, "token_revoked")
    assert outcome(send("GET", "/api/v1/me", headers=headers)) == (401, "token_revoked")
    assert not Session.objects.open().filter(user=session.user).exists()


@pytest.mark.django_db
def test_second_factor_turned_off_ends_what_was_granted_with_it(send, next_poll, enrol):
    person = UserFactory.create()
    enrol(person)
    session = SessionFactory.create(user=person, created_at=clock.now(), second_factor=True)
    headers = {"Authorization": f"Bearer {tokens.access_token(session, at=clock.now())}"}
    assert send("GET", "/api/v1/me", headers=headers).status_code == 200

    two_factor.disable(person, at=clock.now())
    next_poll()

    assert outcome(send("GET", "/api/v1/me", headers=headers)) == (401, "token_revoked")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("idle", "hours", "age", "left_alone", "works"),
    [
        (30, 24, timedelta(hours=1), timedelta(minutes=29), True),
        (30, 24, timedelta(hours=1), timedelta(minutes=30), False),
        (30, 24, timedelta(hours=24), timedelta(minutes=1), False),
        (0, 24, timedelta(hours=23), timedelta(hours=23), True),
        (30, 0, timedelta(days=300), timedelta(minutes=1), True),
        (0, 0, timedelta(days=300), timedelta(days=3), True),
    ],
)
def test_session_ends_when_left_alone_or_too_old_and_zero_means_never(settings, idle, hours, age, left_alone, works):
    settings.SESSION_TIMEOUT_MINUTES, settings.MAX_SESSION_TTL_HOURS = idle, hours
    at = clock.now()
    session = SessionFactory.create(created_at=at - age, last_seen_at=at - left_alone, rotated_at=at - left_alone)

    if works:
        assert sessions.refresh(tokens.refresh_token(session), at=at)
    else:
        with pytest.raises(SessionExpired):
            sessions.refresh(tokens.refresh_token(session), at=at)
        session.refresh_from_db()
        assert session.previous_jti is None
