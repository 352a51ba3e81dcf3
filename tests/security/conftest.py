"""What attackers have: many hands, programs that send anything, and time."""

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from pyotp import TOTP

from accounts.actions import two_factor
from accounts.models import User
from accounts.revocations import POLL_SECONDS, REVOCATIONS
from config.kernel import clock, counters
from config.kernel.errors import Problem

Answer = Callable[..., Any]
STEP = timedelta(seconds=30)


@pytest.fixture
def send() -> Answer:
    """Send a request; a header or a part of the environment may say anything."""

    def send(method: str, path: str, body: object = None, *, headers: dict[str, str] | None = None, **meta: Any) -> Any:
        raw = body if isinstance(body, str) else json.dumps(body) if body is not None else ""
        client = Client(raise_request_exception=False)
        return client.generic(method, path, raw, content_type="application/json", headers=headers, **meta)

    return send


@pytest.fixture
def next_poll() -> Callable[[], None]:
    """What is withdrawn is read again before the next request, as it is after half a second."""

    def next_poll() -> None:
        REVOCATIONS._read_at -= POLL_SECONDS

    return next_poll


@pytest.fixture
def at_once(
    committed_db: object, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[Sequence[Callable[[], Any]]], list[Any]]]:
    """Do things at the same moment, each in a thread and a connection of its own; their results, or their problems."""
    # On a machine with much else to do, so many threads would take Redis for away.
    monkeypatch.setattr(counters, "TIMEOUT_SECONDS", 30.0)
    counters.server.cache_clear()

    def at_once(deeds: Sequence[Callable[[], Any]]) -> list[Any]:
        barrier = Barrier(len(deeds))

        def do(deed: Callable[[], Any]) -> Any:
            try:
                barrier.wait(timeout=60)
                return deed()
            except Problem as problem:
                return problem
            finally:
                connection.close()

        with ThreadPoolExecutor(len(deeds)) as hands:
            return list(hands.map(do, deeds))

    yield at_once
    counters.server.cache_clear()


@pytest.fixture
def enrol() -> Callable[[User], tuple[TOTP, list[str]]]:
    """Give somebody an authenticator app; the app, whose present code is not used up, and the recovery codes."""

    def enrol(person: User) -> tuple[TOTP, list[str]]:
        at = clock.now()
        app = TOTP(two_factor.set_up(person, at=at).secret)
        codes = two_factor.confirm(person, app.at(at - STEP), session_id=None, at=at)
        return app, codes

    return enrol
