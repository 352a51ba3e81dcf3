from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.actions import role_groups
from accounts.models import User
from accounts.roles import Role
from tests.accounts.factories import PASSWORD

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


def run(*arguments: str, **options: Any) -> list[str]:
    out = StringIO()
    call_command(*arguments, stdout=out, **options)
    return out.getvalue().splitlines()


def test_sync_roles_prints_what_it_changed_and_then_nothing_to_change(monkeypatch):
    monkeypatch.setattr(role_groups, "ADMIN_SITE_PERMISSIONS", {Role.ADMIN: {"accounts.job": {"view"}}})

    assert run("sync_roles") == [
        "viewer: group created",
        "analyst: group created",
        "moderator: group created",
        "operator: group created",
        "admin: group created",
        "admin: + accounts.job.view",
    ]
    assert run("sync_roles") == ["Roles: nothing to change."]


def test_sync_roles_names_the_line_that_makes_no_sense(monkeypatch):
    monkeypatch.setattr(role_groups, "ADMIN_SITE_PERMISSIONS", {Role.ADMIN: {"accounts.nothing": {"view"}}})

    with pytest.raises(CommandError, match=r'"view" on "accounts.nothing" matches no permission'):
        run("sync_roles")


def test_createsuperuser_makes_an_active_administrator(monkeypatch):
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)

    run("createsuperuser", username="root", email="root@example.com", interactive=False)

    root = User.objects.get()
    assert (root.role, root.status, root.check_password(PASSWORD)) == ("admin", "active", True)
