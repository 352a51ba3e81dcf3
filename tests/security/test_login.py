"""Guessing passwords, and learning who has an account."""

import re
import statistics
import time
from datetime import timedelta

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher

from accounts import login_delay
from accounts.actions import login
from accounts.clients import Client
from accounts.models import Session, User
from config.kernel import clock
from config.kernel.errors import RateLimited
from tests.accounts.factories import PASSWORD, SessionFactory, UserFactory
from tests.security.answers import outcome, without_request_id

pytestmark = pytest.mark.integration

WRONG = {"username": "alice", "password": "wrong"}


@pytest.fixture
def alice():
    return UserFactory.create(username="alice", email="alice@example.com")


@pytest.fixture
def hashings(settings, monkeypatch):
    """How often a password was hashed, by whichever method: that is what takes the time of a login."""
    counted: list[str] = []
    for name in ("encode", "verify"):
        original = getattr(Argon2PasswordHasher, name)

        def counting(self, *args, original=original, name=name):
            counted.append(name)
            return original(self, *args)

        monkeypatch.setattr(Argon2PasswordHasher, name, counting)
    return counted


@pytest.mark.django_db
@pytest.mark.parametrize(
    "body",
    [
        WRONG,
        {"username": "alice@example.com", "password": "wrong"},
        {"username": "nobody", "password": PASSWORD},
        {"username": "nobody@example.com", "password": PASSWORD},
        {"username": "pending", "password": "wrong"},
        {"username": "disabled", "password": "wrong"},
        {"username": "service", "password": "wrong"},
        {"username": "careful", "password": "wrong"},
    ],
    ids=lambda body: body["username"],
)
def test_refusals_are_the_same_and_cost_one_hashing(send, alice, hashings, enrol, body):
    for status in ("pending", "disabled"):
        UserFactory.create(username=status, status=status)
    UserFactory.create(username="service", kind=User.Kind.SERVICE, password="!unusable")
    enrol(UserFactory.create(username="careful"))
    hashings.clear()

    answer = send("POST", "/api/v1/login", body)

    assert without_request_id(answer) == (
        401,
        {
            "error": {
                "code": "invalid_credentials",
                "message": "Invalid credentials or inactive account.",
                "details": {},
            }
        },
    )
    assert len(hashings) == 1
    assert not Session.objects.exists()


@pytest.mark.slow
@pytest.mark.django_db
def test_time_of_a_refusal_does_not_tell_whether_the_person_exists(alice):
    """By ranks and not by milliseconds: who is slower must look like the toss of a coin."""
    times: dict[str, list[float]] = {"alice": [], "nobody": []}
    for _ in range(40):
        for name, taken in times.items():
            before = time.perf_counter()
            with pytest.raises(login.InvalidCredentials):
                login.identify(name, "wrong")
            taken.append(time.perf_counter() - before)

    slower = sum(one > other for one in times["alice"] for other in times["nobody"]) / 40**2

    # Five standard deviations of the Mann-Whitney statistic; without the second hashing it would be 1.
    assert abs(slower - 0.5) < 5 * (81 / (12 * 40 * 40)) ** 0.5, {
        name: statistics.median(taken) for name, taken in times.items()
    }


@pytest.mark.django_db
@pytest.mark.parametrize("status", ["pending", "disabled"])
def test_inactive_account_is_named_after_the_right_password_only(send, alice, status):
    User.objects.update(status=status)

    right = send("POST", "/api/v1/login", {"username": "alice", "password": PASSWORD})
    wrong = send("POST", "/api/v1/login", WRONG)

    assert (outcome(right), outcome(wrong)) == ((401, "inactive_account"), (401, "invalid_credentials"))
    assert not Session.objects.exists()


def test_of_a_hundred_attempts_at_once_five_are_looked_at(at_once, send, alice):
    paths = ["/api/v1/login", "/api/v1/auth/login", "/api/v1/login/", "/api/v1/auth/login/"]

    hands = at_once([lambda: [outcome(send("POST", path, WRONG)) for path in paths]] * 25)

    assert (
        sorted(answer for hand in hands for answer in hand)
        == [(401, "invalid_credentials")] * 5 + [(429, "rate_limited")] * 95
    )


@pytest.mark.django_db
def test_claimed_addresses_do_not_bring_new_attempts(send, alice, settings):
    settings.TRUSTED_PROXIES = []
    spoofs = ["X-Forwarded-For", "X-Real-IP", "Forwarded", "True-Client-IP", "CF-Connecting-IP", "X-Client-IP"]

    answers = [
        send("POST", "/api/v1/login", WRONG, headers={spoof: f"198.51.100.{number}"})
        for number, spoof in enumerate(spoofs)
    ]

    assert [answer.status_code for answer in answers] == [401] * 5 + [429]


@pytest.mark.django_db
def test_claims_in_front_of_a_trusted_proxy_do_not_bring_new_attempts(send, alice, settings):
    settings.TRUSTED_PROXIES = ["10.0.0.0/8"]

    answers = [
        send(
            "POST",
            "/api/v1/login",
            WRONG,
            headers={"X-Forwarded-For": f"198.51.100.{number}, 203.0.113.9, 10.1.1.1"},
            REMOTE_ADDR="10.0.0.1",
        )
        for number in range(6)
    ]

    assert [answer.status_code for answer in answers] == [401] * 5 + [429]


@pytest.mark.django_db
def test_one_site_of_ipv6_addresses_is_one_attacker(send, alice):
    answers = [send("POST", "/api/v1/login", WRONG, REMOTE_ADDR=f"2001:db8:7:7::{n:x}") for n in range(1, 7)]

    assert [answer.status_code for answer in answers] == [401] * 5 + [429]


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["alice", "nobody"])
def test_account_under_attack_from_many_addresses_waits_whether_it_exists_or_not(send, alice, name):
    body = {"username": name, "password": "wrong"}

    answers = [send("POST", "/api/v1/login", body, REMOTE_ADDR=f"198.51.100.{n}") for n in range(12)]

    assert [answer.status_code for answer in answers] == [401] * 10 + [429] * 2
    details = answers[-1].json()["error"]["details"]
    assert (details["scope"], details["retry_after"]) == ("login_account", 1)


def test_of_many_addresses_at_once_ten_are_let_through(at_once, alice):
    attempts = at_once(
        [lambda n=n: login_delay.attempt("alice", address=f"198.51.100.{n}", at=clock.now()) for n in range(40)]
    )

    assert sum(problem is None for problem in attempts) == login_delay.FREE_ATTEMPTS
    assert {type(problem) for problem in attempts} == {type(None), RateLimited}


@pytest.mark.django_db
def test_attack_locks_the_owner_out_neither_from_a_known_address_nor_after_a_reset(send, alice, redis_server):
    SessionFactory.create(user=alice, address="203.0.113.9", created_at=clock.now() - timedelta(days=30))
    for n in range(30):
        send("POST", "/api/v1/login", WRONG, REMOTE_ADDR=f"198.51.100.{n}")
        redis_server.delete(f"delay:wait:user:{alice.pk}")  # the attacker has waited
    right = {"username": "alice", "password": PASSWORD}

    send("POST", "/api/v1/login", WRONG, REMOTE_ADDR="198.51.100.77")
    stranger = send("POST", "/api/v1/login", right, REMOTE_ADDR="198.51.100.99")
    login_delay.trust(alice, address="192.0.2.1")
    after_reset = send("POST", "/api/v1/login", right, REMOTE_ADDR="192.0.2.1")
    send("POST", "/api/v1/login", WRONG, REMOTE_ADDR="198.51.100.78")
    known = send("POST", "/api/v1/login", right, REMOTE_ADDR="203.0.113.9")

    assert (stranger.status_code, after_reset.status_code, known.status_code) == (429, 200, 200)
    assert stranger.json()["error"]["details"]["retry_after"] <= login_delay.LONGEST_SECONDS


@pytest.mark.django_db
def test_right_password_ends_the_delay_that_mistakes_have_made(send, alice):
    for n in range(9):
        send("POST", "/api/v1/login", WRONG, REMOTE_ADDR=f"198.51.100.{n}")
    right = send("POST", "/api/v1/login", {"username": "alice", "password": PASSWORD}, REMOTE_ADDR="198.51.100.9")
    again = [send("POST", "/api/v1/login", WRONG, REMOTE_ADDR=f"192.0.2.{n}").status_code for n in range(10)]

    assert (right.status_code, again) == (200, [401] * 10)


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["", "unix:", "not an address"])
def test_caller_whose_address_nobody_knows_is_answered_all_the_same(send, alice, address):
    right = {"username": "alice", "password": PASSWORD}

    assert outcome(send("POST", "/api/v1/login", WRONG, REMOTE_ADDR=address)) == (401, "invalid_credentials")
    assert send("POST", "/api/v1/login", right, REMOTE_ADDR=address).status_code == 200
    assert send("POST", "/api/v1/login", right, REMOTE_ADDR=address).status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"username": "alice", "password": "x" * 1_025}, 400),
        ({"username": "alice", "password": "x" * 1_000_000}, 400),
        ({"username": "alice", "password": "x" * 10_000_000}, 413),
        ({"username": "x" * 1_000_000, "password": "x"}, 400),
        ({"username": "ali\0ce", "password": "x"}, 400),
        ({"username": "alice", "password": "a\0"}, 400),
        ({"username": "alice", "password": "x", "otp": "\0"}, 400),
        ({"username": {"$gt": ""}, "password": ["x"]}, 400),
        ({"username": "\u0430lice", "password": PASSWORD}, 401),  # a Cyrillic letter
        ({"username": "\uff41\uff4c\uff49\uff43\uff45", "password": PASSWORD}, 401),  # full width
        ({"username": "alice\u200b", "password": PASSWORD}, 401),
        ({"username": "alice' OR '1'='1", "password": PASSWORD}, 401),
        ({"username": "%", "password": PASSWORD}, 401),
        ({"username": "\ud7ff@\u202e", "password": PASSWORD}, 401),
    ],
    ids=lambda value: str(value)[:40],
)
def test_hostile_credentials_are_refused_before_or_like_any_others(send, alice, hashings, body, status):
    answer = send("POST", "/api/v1/login", body)

    assert answer.status_code == status
    assert len(hashings) == (1 if status == 401 else 0)
    assert not Session.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "username",
    ["\u0430lice", "\uff41\uff4c\uff49\uff43\uff45", "alice\u200b", "al ice", "alice\n", "\u2160van", "alice\u0301"],
)
def test_user_name_that_only_looks_like_another_cannot_be_had(send, alice, username):
    body = {"username": username, "email": "other@example.com", "password": "seven green bottles"}

    answer = send("POST", "/api/v1/signup", body)

    # Outer blanks are trimmed, as the source asks; what is left is taken, which is told to nobody but the mailbox.
    assert answer.status_code == (201 if username.strip() == "alice" else 400)
    assert User.objects.count() == 1


@pytest.mark.django_db
def test_known_device_is_known_by_its_program_and_hostile_user_agents_are_made_harmless(alice):
    client = Client.of(address="203.0.113.9", user_agent="evil\r\nBcc: a@example.com\0\x1b[31m" + "x" * 10_000)

    login.log_in("alice", PASSWORD, otp=None, client=client, at=clock.now())

    session = Session.objects.get()
    assert re.fullmatch(r"[ -~]{1,400}", session.user_agent)
