"""The second factor: shown twice, guessed, read in the database."""

from datetime import timedelta

import pytest
from django.db import connection

from accounts.actions import login, two_factor
from accounts.actions.two_factor import OtpInvalid
from accounts.clients import Client
from accounts.models import RecoveryCode, Session
from config.kernel import clock
from config.kernel.errors import RateLimited
from tests.accounts.factories import PASSWORD, UserFactory
from tests.security.answers import outcome

pytestmark = pytest.mark.integration

CLIENT = Client(address="203.0.113.9", user_agent="curl/8.5.0")


@pytest.fixture
def alice():
    return UserFactory.create(username="alice", email="alice@example.com")


def accepted(answers):
    return [answer for answer in answers if not isinstance(answer, Exception)]


def test_code_shown_twice_at_once_is_accepted_once(at_once, alice, enrol):
    app, _ = enrol(alice)
    at = clock.now()
    otp = app.at(at)

    answers = at_once([lambda: login.log_in("alice", PASSWORD, otp=otp, client=CLIENT, at=at)] * 2)

    assert len(accepted(answers)) == 1
    assert Session.objects.open().count() == 1
    with pytest.raises(OtpInvalid):
        two_factor.verify(alice, otp, at=at)


def test_recovery_code_shown_at_once_is_accepted_once(at_once, alice, enrol):
    _, codes = enrol(alice)

    answers = at_once([lambda: two_factor.verify(alice, codes[0], at=clock.now())] * 5)

    assert len(accepted(answers)) == 1
    assert RecoveryCode.objects.unused().count() == 9


def test_of_fifty_guesses_at_once_five_are_looked_at(at_once, alice, enrol):
    enrol(alice)

    answers = at_once([lambda: two_factor.verify(alice, "000000", at=clock.now())] * 50)

    assert sorted(type(answer).__name__ for answer in answers) == ["OtpInvalid"] * 5 + ["RateLimited"] * 45


@pytest.mark.django_db
def test_guesses_are_counted_over_all_ways_to_show_a_code(send, alice, enrol, bearer):
    app, _ = enrol(alice)
    headers = bearer(alice)
    wrong = {"password": PASSWORD, "otp": "000000"}

    answers = [
        send("POST", "/api/v1/login", {"username": "alice", **wrong}),
        send("POST", "/api/v1/login", {"username": "alice", **wrong}, REMOTE_ADDR="198.51.100.1"),
        send("POST", "/api/v1/auth/2fa/disable", wrong, headers=headers),
        send("POST", "/api/v1/auth/2fa/recovery-codes", wrong, headers=headers),
        send("POST", "/api/v1/auth/2fa/disable", wrong, headers=headers),
        send("POST", "/api/v1/auth/2fa/disable", {**wrong, "otp": app.now()}, headers=headers),
    ]

    assert [outcome(answer) for answer in answers] == [(401, "invalid_otp")] * 5 + [(429, "rate_limited")]
    assert two_factor.is_enabled(alice)


@pytest.mark.django_db
def test_password_alone_opens_nothing(send, alice, enrol):
    enrol(alice)

    answers = [
        send("POST", "/api/v1/login", {"username": "alice", "password": PASSWORD, **otp})
        for otp in ({}, {"otp": "000000"}, {"otp": "abcdef"}, {"otp": "\uff11\uff12\uff13\uff14\uff15\uff16"})
    ]

    assert [outcome(answer) for answer in answers] == [(401, "otp_required")] + [(401, "invalid_otp")] * 3
    assert not Session.objects.open().exists()


@pytest.mark.django_db
def test_code_alone_is_not_asked_about_before_the_password_is_right(send, alice, enrol):
    app, _ = enrol(alice)

    answer = send("POST", "/api/v1/login", {"username": "alice", "password": "wrong", "otp": app.now()})

    assert outcome(answer) == (401, "invalid_credentials")
    two_factor.verify(alice, app.now(), at=clock.now())  # was not used up


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("disable", {"password": PASSWORD}),
        ("disable", {"password": "wrong", "otp": "right"}),
        ("disable", {"otp": "right"}),
        ("disable", {}),
        ("recovery-codes", {"password": "wrong", "otp": "right"}),
        ("recovery-codes", {"password": PASSWORD, "otp": "000000"}),
        ("setup", {"password": "wrong"}),
        ("setup", {}),
    ],
)
def test_changes_need_both_factors(send, alice, enrol, bearer, path, body):
    app, _ = enrol(alice)
    before = list(RecoveryCode.objects.order_by("pk").values("digest"))
    if body.get("otp") == "right":
        body = {**body, "otp": app.now()}

    answer = send("POST", f"/api/v1/auth/2fa/{path}", body, headers=bearer(alice))

    assert answer.status_code in {400, 401, 403}
    assert two_factor.is_enabled(alice)
    assert list(RecoveryCode.objects.order_by("pk").values("digest")) == before


@pytest.mark.django_db
def test_no_row_of_the_database_tells_the_seed_or_a_recovery_code(alice, enrol):
    app, codes = enrol(alice)

    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")
        rows = ""
        for (table,) in cursor.fetchall():
            cursor.execute(f"SELECT coalesce(string_agg(to_jsonb(t)::text, ' '), '') FROM \"{table}\" t")  # noqa: S608
            rows += cursor.fetchone()[0]

    assert alice.username in rows
    assert not [secret for secret in (app.secret, *codes, *(code.replace("-", "") for code in codes)) if secret in rows]


@pytest.mark.django_db
@pytest.mark.parametrize(("steps", "is_good"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_clock_of_the_phone_may_be_one_step_off(alice, enrol, steps, is_good):
    app, _ = enrol(alice)
    later = clock.now() + timedelta(minutes=10)
    otp = app.at(later + timedelta(seconds=30 * steps))

    if is_good:
        two_factor.verify(alice, otp, at=later)
    with pytest.raises(OtpInvalid):
        two_factor.verify(alice, otp, at=later)


@pytest.mark.django_db
def test_codes_of_one_person_are_nothing_to_another(alice, enrol):
    app, codes = enrol(alice)
    bob = UserFactory.create()
    enrol(bob)

    for otp in (app.now(), codes[0]):
        with pytest.raises(OtpInvalid):
            two_factor.verify(bob, otp, at=clock.now())
    assert RecoveryCode.objects.unused().count() == 20


@pytest.mark.django_db
def test_waiting_for_a_code_says_how_long(alice, enrol):
    enrol(alice)
    for _ in range(5):
        with pytest.raises(OtpInvalid):
            two_factor.verify(alice, "000000", at=clock.now())

    with pytest.raises(RateLimited) as refused:
        two_factor.verify(alice, "000000", at=clock.now())

    assert refused.value.details["retry_after"] in range(1, 901)
