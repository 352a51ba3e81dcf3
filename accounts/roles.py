"""Who may do what: the five roles in order of rank, and what each may do in the admin site."""

from __future__ import annotations

from collections.abc import Mapping, Set

from django.db import models


class Role(models.TextChoices):
    """One per person; each role may do everything that the roles before it may."""

    VIEWER = "viewer"
    ANALYST = "analyst"
    MODERATOR = "moderator"
    OPERATOR = "operator"
    ADMIN = "admin"

    @property
    def rank(self) -> int:
        """Position in the order, 0 for the least; compare ranks, never names."""
        return list(Role).index(self)

    @property
    def enters_admin_site(self) -> bool:
        return self.rank >= Role.MODERATOR.rank


# What a role adds to the roles before it in the admin site: "app.model" or "app.*" to the actions of Django's model
# permissions. "*" is every one of them. Administrators need no line: they are superusers.
ADMIN_SITE_PERMISSIONS: Mapping[Role, Mapping[str, Set[str]]] = {
    Role.VIEWER: {},
    Role.ANALYST: {},
    Role.MODERATOR: {
        "markets.*": {"view"},
        "risk.*": {"view"},
        "markets.quarantinedrecord": {"change"},
        "accounts.auditentry": {"view"},
    },
    Role.OPERATOR: {
        "markets.*": {"*"},
        "risk.scorerun": {"add"},
        "risk.wrapping": {"*"},
        "accounts.job": {"view", "change"},
        "accounts.mail": {"view", "change"},
        "accounts.user": {"view"},
        "accounts.session": {"view"},
        "accounts.apikey": {"view"},
        "accounts.incident": {"view", "change"},
        "accounts.heartbeat": {"view"},
        "django_celery_beat.*": {"*"},
    },
}
