from typing import Any

import pytest
from django.test import Client

from accounts.models import AuditEntry, User
from markets.models import ProviderState
from tests.markets.factories import NOON, ProviderStateFactory

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

LIST = "/admin/markets/providerstate/"


def ask(client: Client, action: str, state: ProviderState, **more: str) -> Any:
    return client.post(LIST, {"action": action, "_selected_action": [state.pk], **more})


@pytest.mark.parametrize(
    ("fields", "health"),
    [
        ({}, "not asked yet"),
        ({"last_success_at": NOON}, "well"),
        ({"last_success_at": NOON, "consecutive_failures": 1}, "failing"),
        ({"last_success_at": NOON, "consecutive_failures": 1, "is_enabled": False}, "disabled"),
    ],
)
def test_list_shows_how_a_provider_is(client: Client, moderator: User, fields: dict[str, Any], health: str) -> None:
    ProviderStateFactory.create(**fields)

    assert f">{health}</span>" in client.get(LIST).content.decode()


@pytest.mark.parametrize(("action", "before"), [("disable", True), ("enable", False)])
def test_operator_switches_a_provider_and_says_why(client: Client, operator: User, action: str, before: bool) -> None:
    state = ProviderStateFactory.create(is_enabled=before)
    assert ask(client, action, state).status_code == 200
    assert ask(client, action, state, reason=" ").status_code == 200
    state.refresh_from_db()
    assert state.is_enabled is before

    assert ask(client, action, state, reason="We saw why.").status_code == 302

    state.refresh_from_db()
    assert state.is_enabled is not before
    entry = AuditEntry.objects.about(state).get()
    assert (entry.verb, entry.actor, entry.reason) == (f"markets.provider.{action}d", operator, "We saw why.")


def test_provider_that_is_so_already_says_so(client: Client, operator: User) -> None:
    state = ProviderStateFactory.create(name="coingecko")

    answer = ask(client, "enable", state, reason="To be sure.")

    messages = [str(message) for message in client.get(answer.headers["Location"]).context["messages"]]
    assert messages == ["coingecko: This provider is enabled already."]
    assert not AuditEntry.objects.exists()


def test_moderator_switches_nothing(client: Client, moderator: User) -> None:
    state = ProviderStateFactory.create()

    ask(client, "disable", state, reason="Let me.")

    state.refresh_from_db()
    assert state.is_enabled
    assert not AuditEntry.objects.exists()
