"""What an API key may be for, and the most that a key of each role may hold."""

from __future__ import annotations

from collections.abc import Mapping, Set

from django.db import models

from accounts.roles import Role


class Scope(models.TextChoices):
    """A view names the scope that opens it to keys; one that names none is closed to every key."""

    MARKET_READ = "market:read"
    MARKET_SYNC = "market:sync"
    RISK_READ = "risk:read"
    TASKS = "tasks"
    ADMIN = "admin:*"


# What each role adds to the roles before it.
CEILINGS: Mapping[Role, Set[Scope]] = {
    Role.VIEWER: {Scope.MARKET_READ, Scope.RISK_READ, Scope.TASKS},
    Role.ANALYST: set(),
    Role.MODERATOR: set(),
    Role.OPERATOR: {Scope.MARKET_SYNC},
    Role.ADMIN: {Scope.ADMIN},
}


def ceiling(role: Role) -> frozenset[Scope]:
    """Every scope that a key of somebody with this role may hold, and that still works if it has more."""
    return frozenset().union(*(CEILINGS[lesser] for lesser in Role if lesser.rank <= role.rank))
