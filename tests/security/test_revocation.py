"""Withdrawn is withdrawn: in every process, whatever is slow or away."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection, connections, transaction
from redis import Redis

from accounts import credentials, revocations, tokens
from accounts.actions import people, sessions
from accounts.actions import revocations as withdrawals
from accounts.credentials import TokenRevoked
from accounts.models import Session
from accounts.revocations import FRESH_SECONDS, POLL_SECONDS, REFUSE_SECONDS, REVOCATIONS, Revocations
from config.kernel import clock, counters
from tests.accounts.factories import ApiKeyFactory, SessionFactory, UserFactory
from tests.security.answers import outcome
from tests.support.default_connection import default_connection

pytestmark = pytest.mark.integration

# A process of the product that has seen a token answers a line for each line it reads.
OTHER_PROCESS = """
import sys, django
django.setup()
from accounts import credentials
from config.kernel import clock
from config.kernel.errors import Problem
for line in sys.stdin:
    try:
        user, _ = credentials.of_token(line.strip(), at=clock.now())
        answer = f"user {user.pk}"
    except Problem as problem:
        answer = problem.code
    print(answer, flush=True)
"""


class Clock:
    """The monotonic clock, which a test may move."""

    def __init__(self) -> None:
        self.ahead = 0.0
        self.real: Callable[[], float] = time.monotonic

    def __call__(self) -> float:
        return self.real() + self.ahead


@pytest.fixture
def monotonic(monkeypatch):
    moved = Clock()
    monkeypatch.setattr(time, "monotonic", moved)
    return moved


@pytest.fixture
def other_process(committed_db):
    environment = {**os.environ, "DATABASE_URL": committed_db.url, "DJANGO_SETTINGS_MODULE": "config.settings"}
    process = subprocess.Popen(
        [sys.executable, "-c", OTHER_PROCESS],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )

    def ask(token: str) -> str | None:
        assert process.stdin
        assert process.stdout
        process.stdin.write(token + "\n")
        process.stdin.flush()
        answers = iter(process.stdout.readline, "")
        return next((line.strip() for line in answers if not line.startswith("{")), None)  # the log's begin so

    with process:  # which closes its input, at which it ends
        yield ask


@pytest.fixture
def access():
    """A session that is committed, and an access token of it."""

    def access() -> tuple[Session, str]:
        session = SessionFactory.create(created_at=clock.now())
        return session, tokens.access_token(session, at=clock.now())

    return access


def test_other_process_that_knows_a_token_refuses_it_at_its_next_poll(other_process, access):
    session, token = access()
    assert other_process(token) == f"user {session.user_id}"
    assert other_process(token) == f"user {session.user_id}"

    sessions.end(session, Session.Ending.REVOKED, by=session.user, at=clock.now())
    threading.Event().wait(POLL_SECONDS)  # what is promised is a time: one poll, and the next request is refused

    assert other_process(token) == "token_revoked"


def test_withdrawal_is_promised_within_a_second():
    assert POLL_SECONDS < FRESH_SECONDS == 1.0
    assert REFUSE_SECONDS == 2.0


@pytest.mark.parametrize("deed", ["session", "token", "user", "key"])
def test_each_kind_of_withdrawal_reaches_another_view(committed_db, monotonic, access, deed):
    session, _ = access()
    key = ApiKeyFactory.create(owner=session.user)
    other = Revocations()
    other.keep_fresh()
    questions = {
        "session": lambda: other.session_is_out(session.pk),
        "token": lambda: other.token_is_out(session.refresh_jti.hex),
        "user": lambda: other.user_is_out(session.user_id, 0),
        "key": lambda: other.key_is_out(key.pk),
    }
    assert not any(question() for question in questions.values())

    session.user.token_version = 1
    subject = {"session": session, "token": session.refresh_jti, "user": session.user, "key": key}[deed]
    getattr(withdrawals, f"withdraw_{deed}")(subject, at=clock.now())
    monotonic.ahead = POLL_SECONDS
    other.keep_fresh()

    assert [name for name, question in questions.items() if question()] == [deed]


def test_withdrawal_in_a_long_transaction_is_not_missed_by_who_read_younger_ones(committed_db, monotonic, access):
    slow, quick = access()[0], access()[0]
    view = Revocations()
    view.keep_fresh()
    written, may_commit = threading.Event(), threading.Event()

    def end_slowly() -> None:
        try:
            with transaction.atomic():
                sessions.end(slow, Session.Ending.REVOKED, by=slow.user, at=clock.now())
                written.set()
                may_commit.wait(timeout=60)
        finally:
            connection.close()

    thread = threading.Thread(target=end_slowly)
    thread.start()
    written.wait(timeout=60)
    sessions.end(quick, Session.Ending.REVOKED, by=quick.user, at=clock.now())
    monotonic.ahead += POLL_SECONDS
    view.keep_fresh()
    assert (view.session_is_out(quick.pk), view.session_is_out(slow.pk)) == (True, False)

    may_commit.set()
    thread.join(timeout=60)
    monotonic.ahead += POLL_SECONDS
    view.keep_fresh()

    assert view.session_is_out(slow.pk)


def test_known_token_is_answered_for_two_seconds_without_the_database_and_then_refused(
    committed_db, monotonic, access, send
):
    _session, token = access()
    headers = {"Authorization": f"Bearer {token}"}
    assert send("GET", "/api/v1/me", headers=headers).status_code == 200

    with default_connection(replace(committed_db, port="1")):
        monotonic.ahead = FRESH_SECONDS
        assert send("GET", "/api/v1/me", headers=headers).status_code == 200
        monotonic.ahead = REFUSE_SECONDS
        answer = send("GET", "/api/v1/me", headers=headers)

    assert outcome(answer) == (503, "revocations_unknown")
    assert answer.headers["Retry-After"] == "5"
    monotonic.ahead += POLL_SECONDS
    assert send("GET", "/api/v1/me", headers=headers).status_code == 200


def test_reading_that_takes_long_to_fail_does_not_stretch_what_is_known(committed_db, monotonic, monkeypatch):
    view = Revocations()
    view.keep_fresh()
    monotonic.ahead = FRESH_SECONDS

    with default_connection(replace(committed_db, port="1")), monkeypatch.context() as slow:
        ensure = connection.ensure_connection

        def ensure_slowly() -> Any:
            monotonic.ahead = 5.0
            return ensure()

        slow.setattr(connections["default"], "ensure_connection", ensure_slowly)

        with pytest.raises(revocations.RevocationsUnknown):
            view.keep_fresh()


def test_who_waited_for_a_reading_that_failed_does_not_try_in_turn(committed_db, monotonic, monkeypatch):
    view = Revocations()
    view.keep_fresh()
    monotonic.ahead = REFUSE_SECONDS
    tries = []

    with default_connection(replace(committed_db, port="1")):
        read = view._read

        def counting() -> None:
            tries.append(1)
            read()

        monkeypatch.setattr(view, "_read", counting)
        for _ in range(8):
            with pytest.raises(revocations.RevocationsUnknown):
                view.keep_fresh()

    assert len(tries) == 1


def test_redis_changes_nothing_for_tokens(committed_db, monotonic, access, settings, send):
    settings.REDIS_URL = settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
    settings.CACHES = {
        **settings.CACHES,
        "counters": {**settings.CACHES["counters"], "LOCATION": "redis://127.0.0.1:1/0"},
    }
    counters.server.cache_clear()
    session, token = access()
    headers = {"Authorization": f"Bearer {token}"}
    assert send("GET", "/api/v1/me", headers=headers).status_code == 200

    sessions.end(session, Session.Ending.REVOKED, by=session.user, at=clock.now())
    monotonic.ahead = POLL_SECONDS

    assert outcome(send("GET", "/api/v1/me", headers=headers)) == (401, "token_revoked")
    counters.server.cache_clear()


def test_emptied_redis_brings_nothing_back(committed_db, monotonic, access, redis_server: Redis):
    session, token = access()
    credentials.of_token(token, at=clock.now())
    people.disable(session.user, by=UserFactory.create(role="admin"), at=clock.now())

    redis_server.flushdb()
    monotonic.ahead = POLL_SECONDS

    with pytest.raises(TokenRevoked):
        credentials.of_token(token, at=clock.now())


def test_what_has_expired_is_forgotten_and_what_has_not_is_kept(committed_db, monotonic, access):
    session, _token = access()
    sessions.end(session, Session.Ending.REVOKED, by=session.user, at=clock.now())
    REVOCATIONS.keep_fresh()
    assert REVOCATIONS.session_is_out(session.pk)

    monotonic.ahead = revocations.RELOAD_SECONDS
    REVOCATIONS.keep_fresh()

    assert REVOCATIONS.session_is_out(session.pk)
