"""Suite `auth`: what it costs to know who asks, and how soon the withdrawn are out."""

import http.client
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from statistics import median
from uuid import UUID

import argon2
from django.contrib.auth.hashers import check_password, make_password
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import path

from accounts import credentials
from accounts.actions import sessions
from accounts.actions.sessions import Ending, TokenPair
from accounts.api.me import ShowMe
from accounts.clients import Client
from accounts.models import Session, User
from config.bench import servers
from config.bench.api import LIST, Load
from config.bench.contest import Contest, Sample, Target, Work
from config.bench.dataset import COINS, Coins
from config.bench.errors import BenchFailed
from config.bench.servers import Server
from config.bench.stage import Stage
from config.bench.sync import Answers, store
from config.kernel import clock
from config.settings.hashers import Argon2idHasher

CALLS = 20_000
HASHES = 40
REVOCATIONS = 5
SECONDS = 4.0
PASSWORD = "correct horse battery staple"  # noqa: S105 - of an account that lives for a benchmark


@contextmanager
def contests(stage: Stage) -> Iterator[Sequence[Contest]]:
    """A known token beside Django's own floor, a list with and without a token, a login's hash beside its library's."""
    store(Answers(Coins.make(stage.scaled(COINS))).of(1))
    user = User.objects.create_user("bench", "bench@example.com", PASSWORD, status=User.Status.ACTIVE)
    token = _log_in(user).access_token
    seconds = SECONDS / 4 if stage.is_quick else SECONDS
    with servers.product(stage) as product:
        header = f"Bearer {token}"
        if product.get(LIST) != product.get(LIST, authorization=header):
            raise BenchFailed("a list looks different with a token")
        _say_revocations(stage, product, user)
        yield [
            Contest(
                "authentication and authorisation of a known token",
                "requests",
                Work("of_token and rights", _admission(token, stage.scaled(CALLS))),
                _Hello(stage.scaled(CALLS)),
                Target(at_most=0.35),
            ),
            Contest(
                "cached list with a token beside the anonymous one",
                "requests",
                Load("with a token", product, lambda attempt: [LIST], seconds, authorization=header),
                Load("anonymous", product, lambda attempt: [LIST], seconds),
                Target(at_least=0.7),
            ),
            Contest(
                "password check beside the bare hash",
                "hashes",
                Work("check_password", _checks(stage.scaled(HASHES))),
                Work("argon2-cffi", _bare_hashes(stage.scaled(HASHES))),
                Target(at_most=1.15),
            ),
        ]


def _log_in(user: User) -> TokenPair:
    client = Client.of(address="127.0.0.1", user_agent="bench")
    return sessions.open_session(user, client, second_factor=False, at=clock.now())


def _admission(token: str, calls: int) -> Callable[[int], float]:
    view = ShowMe()

    def admit(attempt: int) -> float:
        for _ in range(calls):
            user, credential = credentials.of_token(token, at=clock.now())
            if view._objection(user, credential) is not None:
                raise BenchFailed("a good token was refused")
        return calls

    return admit


def hello(request: HttpRequest) -> HttpResponse:
    """The least that a view can do."""
    return HttpResponse(b'{"hello":"world"}', content_type="application/json")


urlpatterns = [path("", hello)]


def _ignore(status: str, headers: list[tuple[str, str]], failure: object = None, /) -> Callable[[bytes], object]:
    return lambda body: None


class _Hello:
    """Requests to the view above through Django's handler, without any middleware and without a server."""

    name = "Django hello"

    def __init__(self, calls: int) -> None:
        self._bare = override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=[])
        with self._bare:
            handler = WSGIHandler()

        def ask(attempt: int) -> float:
            for _ in range(calls):
                environ = {
                    "REQUEST_METHOD": "GET",
                    "PATH_INFO": "/",
                    "SERVER_NAME": "localhost",
                    "SERVER_PORT": "80",
                    "wsgi.input": BytesIO(),
                    "wsgi.url_scheme": "http",
                }
                b"".join(handler(environ, _ignore))
            return calls

        self._work = Work(self.name, ask)

    def prepare(self, attempt: int) -> None:
        """Nothing belongs before the clock."""

    def measure(self, attempt: int) -> Sample:
        with self._bare:
            return self._work.measure(attempt)


def _checks(hashes: int) -> Callable[[int], float]:
    encoded = make_password(PASSWORD)

    def check(attempt: int) -> float:
        if not all(check_password(PASSWORD, encoded) for _ in range(hashes)):
            raise BenchFailed("a right password was refused")
        return hashes

    return check


def _bare_hashes(hashes: int) -> Callable[[int], float]:
    hasher = argon2.PasswordHasher(Argon2idHasher.time_cost, Argon2idHasher.memory_cost, Argon2idHasher.parallelism)
    encoded = hasher.hash(PASSWORD)

    def check(attempt: int) -> float:
        for _ in range(hashes):
            hasher.verify(encoded, PASSWORD)
        return hashes

    return check


def _say_revocations(stage: Stage, product: Server, user: User) -> None:
    """How long after the commit of a logout some process still answers its token."""
    delays = []
    for _ in range(REVOCATIONS):
        token = _log_in(user).access_token
        for _ in range(20):  # connections are spread over the processes: each of them knows the token now
            _status(product, token)
        session = Session.objects.open().get(pk=_session_of(token))
        sessions.end(session, Ending.REVOKED, by=user, at=clock.now())
        ended = last_seen = time.monotonic()
        while time.monotonic() - last_seen < 1.0:
            if _status(product, token) == 200:
                last_seen = time.monotonic()
        delays.append(last_seen - ended)
    stage.say(
        f"a withdrawn token was answered for {median(delays):.2f} s, at most {max(delays):.2f} s,"
        f" by any of {servers.WORKERS} processes ({REVOCATIONS} tries)"
    )


def _session_of(token: str) -> UUID:
    credential = credentials.of_token(token, at=clock.now())[1]
    if credential.session_id is None:
        raise BenchFailed("a token without a session")
    return credential.session_id


def _status(server: Server, token: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    try:
        connection.request("GET", "/api/v1/me", headers={"Authorization": f"Bearer {token}"})
        response = connection.getresponse()
        response.read()
        return response.status
    finally:
        connection.close()
