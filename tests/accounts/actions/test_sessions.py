from datetime import timedelta

import pytest

from accounts import tokens
from accounts.actions import sessions
from accounts.actions.sessions import Ending
from accounts.clients import Client
from accounts.credentials import InactiveAccount, SessionExpired, TokenRevoked
from accounts.models import AuditEntry, Mail, Revocation, Session, User
from accounts.tokens import TokenInvalid, TokenType
from config.kernel import clock
from tests.accounts.factories import SessionFactory, UserFactory

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

LAPTOP = Client.of(address="203.0.113.9", user_agent="Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0")
PHONE = Client.of(address="198.51.100.7", user_agent="Mozilla/5.0 (iPhone; CPU iPhone OS 19) Safari/605.1")


@pytest.fixture
def alice():
    return UserFactory.create(username="alice", email="alice@example.com")


@pytest.fixture
def now():
    return clock.now()


def log_in(user, client=LAPTOP, *, at):
    return sessions.open_session(user, client, second_factor=False, at=at)


def test_login_opens_a_session_that_tells_where_it_was_opened(alice, now):
    pair = log_in(alice, PHONE, at=now)

    session = Session.objects.get()
    assert (session.user, session.device, session.address) == (alice, "Safari on iPhone", "198.51.100.7")
    assert (session.created_at, session.last_seen_at, session.ended_at) == (now, now, None)
    assert tokens.read(pair.access_token, TokenType.ACCESS).session_id == session.pk
    assert tokens.read(pair.refresh_token, TokenType.REFRESH).jti == session.refresh_jti


def test_first_login_is_no_new_device_but_another_one_is(alice, now):
    log_in(alice, LAPTOP, at=now)
    log_in(alice, LAPTOP, at=now)
    assert not Mail.objects.exists()

    log_in(alice, PHONE, at=now)

    mail = Mail.objects.values_list("template", "recipient", "context__device", "context__address").get()
    assert mail == ("new_device", "alice@example.com", "Safari on iPhone", "198.51.100.7")


def test_refresh_gives_a_successor_and_repeats_it_until_it_is_used(alice, now):
    first = log_in(alice, at=now).refresh_token

    second = sessions.refresh(first, at=now + timedelta(seconds=1)).refresh_token
    again = sessions.refresh(first, at=now + timedelta(seconds=5)).refresh_token
    third = sessions.refresh(second, at=now + timedelta(seconds=9)).refresh_token

    assert second == again
    assert len({first, second, third}) == 3
    assert sessions.refresh(second, at=now + timedelta(seconds=10)).refresh_token == third


def test_predecessor_after_its_successor_was_used_ends_the_session(alice, now):
    first = log_in(alice, at=now).refresh_token
    second = sessions.refresh(first, at=now).refresh_token
    third = sessions.refresh(second, at=now).refresh_token

    for token in (first, first, third):
        with pytest.raises(TokenRevoked):
            sessions.refresh(token, at=now)

    session = Session.objects.get()
    assert session.ending == Ending.TOKEN_REUSED
    assert AuditEntry.objects.about(session).verbs() == ["accounts.session.ended"]
    assert [mail.template for mail in Mail.objects.all()] == ["token_reused"]


def test_family_of_one_session_leaves_the_others_alone(alice, now):
    stolen = log_in(alice, at=now).refresh_token
    other = log_in(alice, at=now).refresh_token
    sessions.refresh(sessions.refresh(stolen, at=now).refresh_token, at=now)

    with pytest.raises(TokenRevoked):
        sessions.refresh(stolen, at=now)

    assert sessions.refresh(other, at=now)


@pytest.mark.parametrize(
    ("idle", "most", "after", "works"),
    [
        (30, 24, timedelta(minutes=29), True),
        (30, 24, timedelta(minutes=30), False),
        (0, 24, timedelta(hours=23), True),
        (0, 24, timedelta(hours=24), False),
        (0, 0, timedelta(days=6), True),
    ],
)
def test_session_left_alone_or_too_old_has_expired(alice, now, settings, idle, most, after, works):
    settings.SESSION_TIMEOUT_MINUTES, settings.MAX_SESSION_TTL_HOURS = idle, most
    settings.REFRESH_TOKEN_EXPIRES_DAYS = 7
    # The signature's own clock is the wall's, so the login lies in the past and the refresh is now.
    token = log_in(alice, at=now - after).refresh_token

    if works:
        assert sessions.refresh(token, at=now)
    else:
        with pytest.raises(SessionExpired):
            sessions.refresh(token, at=now)
        assert Session.objects.get().previous_jti is None


def test_use_keeps_a_session_alive_but_not_beyond_its_whole_time(alice, now, settings):
    settings.SESSION_TIMEOUT_MINUTES, settings.MAX_SESSION_TTL_HOURS = 30, 1
    token = log_in(alice, at=now - timedelta(minutes=59)).refresh_token
    token = sessions.refresh(token, at=now - timedelta(minutes=40)).refresh_token
    token = sessions.refresh(token, at=now - timedelta(minutes=20)).refresh_token
    assert sessions.refresh(token, at=now)

    with pytest.raises(SessionExpired):
        sessions.refresh(token, at=now + timedelta(minutes=1))


def test_access_token_does_not_outlive_its_session(alice, now, settings):
    settings.ACCESS_TOKEN_EXPIRES_MIN, settings.SESSION_TIMEOUT_MINUTES, settings.MAX_SESSION_TTL_HOURS = 15, 5, 1

    def lifetime(*, age):
        session = SessionFactory.create(user=alice, created_at=now - age)
        claims = tokens.read(tokens.access_token(session, at=now), TokenType.ACCESS)
        return claims.expires_at - int(now.timestamp())

    assert lifetime(age=timedelta(0)) == 5 * 60
    assert lifetime(age=timedelta(minutes=58)) == 2 * 60


@pytest.mark.parametrize(
    ("change", "error"), [({"token_version": 1}, TokenRevoked), ({"status": "disabled"}, InactiveAccount)]
)
def test_refresh_follows_the_account(alice, now, change, error):
    token = log_in(alice, at=now).refresh_token
    User.objects.update(**change)

    with pytest.raises(error):
        sessions.refresh(token, at=now)
    assert Session.objects.get().previous_jti is None


def test_token_of_a_session_that_is_gone_is_invalid(alice, now):
    token = log_in(alice, at=now).refresh_token
    Session.objects.all().delete()

    with pytest.raises(TokenInvalid):
        sessions.refresh(token, at=now)


def test_session_ends_once_and_leaves_a_trace(alice, now):
    session = SessionFactory.create(user=alice)

    assert sessions.end(session, Ending.REVOKED, by=alice, at=now, reason="lost it") is True
    assert sessions.end(session, Ending.LOGGED_OUT, by=alice, at=now) is False

    session.refresh_from_db()
    assert (session.ended_at, session.ending) == (now, "revoked")
    entry = AuditEntry.objects.about(session).get()
    assert (entry.actor, entry.reason, entry.after) == (alice, "lost it", {"user_id": alice.pk, "ending": "revoked"})
    assert list(Revocation.objects.values_list("kind", "subject")) == [("session", session.pk.hex)]


def test_logout_takes_another_refresh_token_of_the_same_person_along(alice, now):
    log_in(alice, at=now)
    here, there = Session.objects.get(), log_in(alice, PHONE, at=now)

    claims = tokens.read(there.refresh_token, TokenType.REFRESH)
    sessions.log_out(here.pk, here.refresh_jti, refresh_token=there.refresh_token, by=alice, at=now)

    assert set(Session.objects.values_list("ending", flat=True)) == {"logged_out"}
    assert set(Revocation.objects.filter(kind="token").values_list("subject", flat=True)) == {
        here.refresh_jti.hex,
        claims.jti.hex,
    }


def test_logout_with_somebody_elses_token_ends_nothing(alice, now):
    log_in(alice, at=now)
    session = Session.objects.get()
    foreign = log_in(UserFactory.create(), at=now).refresh_token

    with pytest.raises(TokenInvalid):
        sessions.log_out(session.pk, session.refresh_jti, refresh_token=foreign, by=alice, at=now)

    assert not Session.objects.exclude(ending="").exists()
    assert not Revocation.objects.exists()


def test_all_but_one_session_end(alice, now):
    kept, *_ = SessionFactory.create_batch(3, user=alice)
    strangers = SessionFactory.create()

    assert sessions.end_all(alice, Ending.SECOND_FACTOR_CHANGED, by=alice, at=now, but=kept.pk) == 2

    assert set(Session.objects.open()) == {kept, strangers}
