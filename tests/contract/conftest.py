"""The people who call, and a server for clients that are programs of their own."""

from collections.abc import Iterator
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from django.test import Client

from accounts import tokens
from accounts.models import User
from accounts.roles import Role
from config.kernel import clock
from config.wsgi import application
from tests.accounts.factories import SessionFactory, UserFactory
from tests.contract.table import ANYONE
from tests.support.cluster import Login


class People:
    """Somebody of each role, one who is disabled, one who still waits, and nobody."""

    def __init__(self) -> None:
        self.users = {role.value: UserFactory.create(role=role) for role in Role}
        self.users["disabled"] = UserFactory.create(role=Role.ADMIN, status=User.Status.DISABLED)
        self.users["pending"] = UserFactory.create(role=Role.ADMIN, status=User.Status.PENDING)

    def headers(self, who: str) -> dict[str, str]:
        """What `who` sends along."""
        if who == ANYONE:
            return {}
        at = clock.now()
        self.users[who].refresh_from_db()  # logging out everywhere has withdrawn their tokens of before
        session = SessionFactory.create(user=self.users[who], created_at=at)
        return {"authorization": f"Bearer {tokens.access_token(session, at=at)}"}


@pytest.fixture
def people(db: None) -> People:
    return People()


@pytest.fixture
def client(db: None, settings: Any) -> Client:
    settings.RATE_LIMIT_PER_MINUTE = settings.SYNC_RATE_LIMIT_PER_MINUTE = settings.LOGIN_ATTEMPTS = 1_000
    settings.PUBLIC_MARKET_DATA = True
    return Client(raise_request_exception=False)


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def base_url(committed_db: Login) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, application, handler_class=_Quiet)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()
