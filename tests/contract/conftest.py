"""The people who call."""

from typing import Any

import pytest
from django.test import Client

from accounts import tokens
from accounts.models import User
from accounts.roles import Role
from config.kernel import clock
from tests.accounts.factories import SessionFactory, UserFactory
from tests.contract.table import ANYONE


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
