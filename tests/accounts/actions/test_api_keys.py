from datetime import UTC, datetime, timedelta

import pytest

from accounts.actions import api_keys
from accounts.actions.api_keys import KeyDisabled, TooManyKeys
from accounts.models import ApiKey, AuditEntry
from accounts.roles import Role
from accounts.scopes import Scope, ceiling
from config.kernel.errors import ValidationFailed
from tests.accounts.factories import UserFactory
from tests.support.refusals import culprits

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

NOON = datetime(2026, 3, 12, 12, tzinfo=UTC)


@pytest.fixture
def alice():
    return UserFactory.create(username="alice")


def create(owner, scopes=(Scope.MARKET_READ,), **fields):
    return api_keys.create(owner, "dashboard", scopes, by=owner, at=NOON, **fields)


def test_key_is_shown_once_and_kept_as_a_digest(alice):
    key, text = create(alice, networks=["203.0.113.9", " 2001:db8::/48 "], expires_at=NOON + timedelta(days=30))

    assert text.startswith(f"{key.prefix}_")
    assert key.prefix.startswith("tp_live_")
    assert text not in str(ApiKey.objects.values().get())
    assert (key.networks, key.scopes) == (["203.0.113.9/32", "2001:db8::/48"], ["market:read"])
    entry = AuditEntry.objects.about(key).get()
    assert (entry.verb, entry.actor, entry.after["prefix"]) == ("accounts.api_key.created", alice, key.prefix)
    assert text not in str(entry.after)


def test_no_two_keys_are_alike(alice):
    assert len({create(alice)[1] for _ in range(20)}) == 20


@pytest.mark.parametrize(
    ("role", "scopes"),
    [
        (Role.VIEWER, {"market:read", "risk:read", "tasks"}),
        (Role.ANALYST, {"market:read", "risk:read", "tasks"}),
        (Role.MODERATOR, {"market:read", "risk:read", "tasks"}),
        (Role.OPERATOR, {"market:read", "risk:read", "tasks", "market:sync"}),
        (Role.ADMIN, {"market:read", "risk:read", "tasks", "market:sync", "admin:*"}),
    ],
)
def test_each_role_has_a_ceiling(role, scopes):
    assert ceiling(role) == scopes


@pytest.mark.parametrize("scopes", [[], [Scope.ADMIN], [Scope.MARKET_READ, Scope.MARKET_SYNC]])
def test_scope_beyond_the_role_is_refused(alice, scopes):
    with pytest.raises(ValidationFailed) as refused:
        create(alice, scopes)

    assert culprits(refused.value) == {"scopes"}
    assert not ApiKey.objects.exists()


@pytest.mark.parametrize("network", ["nowhere", "203.0.113.0/33", "", "203.0.113.9; DROP TABLE", "localhost"])
def test_network_that_is_none_is_refused(alice, network):
    with pytest.raises(ValidationFailed):
        create(alice, networks=[network])

    assert not ApiKey.objects.exists()


def test_end_in_the_past_is_refused(alice):
    with pytest.raises(ValidationFailed):
        create(alice, expires_at=NOON)

    assert not ApiKey.objects.exists()


def test_disabling_is_for_good_and_makes_room(alice, monkeypatch):
    monkeypatch.setattr(api_keys, "MOST_KEYS", 1)
    key, _ = create(alice)
    with pytest.raises(TooManyKeys):
        create(alice)

    api_keys.disable(key, by=alice, at=NOON, reason="leaked")
    with pytest.raises(KeyDisabled):
        api_keys.disable(key, by=alice, at=NOON)

    assert create(alice)
    assert AuditEntry.objects.about(key).verbs() == ["accounts.api_key.created", "accounts.api_key.disabled"]
