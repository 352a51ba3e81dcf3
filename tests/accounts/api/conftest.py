from collections.abc import Callable

import pytest

from accounts import tokens
from accounts.models import User
from accounts.tokens import TokenType
from config.kernel import clock


@pytest.fixture
def bearer() -> Callable[..., dict[str, str]]:
    """The header with which a person makes a request."""

    def bearer(person: User, token_type: TokenType = TokenType.ACCESS) -> dict[str, str]:
        return {"Authorization": f"Bearer {tokens.issue(person, token_type, at=clock.now())}"}

    return bearer
