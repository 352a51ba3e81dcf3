"""People at the admin site."""

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.actions import role_groups
from accounts.models import User
from accounts.roles import Role
from tests.accounts.factories import UserFactory

Enter = Callable[[Role], User]


@pytest.fixture
def enter(client: Client) -> Enter:
    """Open the admin site as a person of some role."""

    def enter(role: Role) -> User:
        role_groups.sync()
        person = UserFactory.create(role=role)
        client.force_login(person)
        return person

    return enter


@pytest.fixture
def moderator(enter: Enter) -> User:
    return enter(Role.MODERATOR)


@pytest.fixture
def operator(enter: Enter) -> User:
    return enter(Role.OPERATOR)
