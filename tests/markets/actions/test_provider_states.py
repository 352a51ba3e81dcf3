from datetime import timedelta

import pytest

from accounts.models import AuditEntry, User
from accounts.roles import Role
from config.kernel.errors import ValidationFailed
from markets.actions import provider_states
from markets.actions.provider_states import ProviderDisabledAlready, ProviderEnabledAlready
from markets.models import ProviderState
from markets.providers.errors import RateLimited, Unavailable
from tests.accounts.factories import UserFactory
from tests.markets.factories import NOON, ProviderStateFactory

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


@pytest.fixture
def operator() -> User:
    return UserFactory.create(role=Role.OPERATOR)


def test_failures_are_counted_until_a_success() -> None:
    provider_states.failed("coingecko", RateLimited("coingecko", "slow down"), at=NOON)
    provider_states.failed("coingecko", Unavailable("coingecko", "gone"), at=NOON + timedelta(minutes=1))

    state = ProviderState.objects.get()
    assert (state.consecutive_failures, state.last_error_code) == (2, Unavailable.code)
    assert (state.last_failure_at, state.last_success_at) == (NOON + timedelta(minutes=1), None)

    provider_states.succeeded("coingecko", at=NOON + timedelta(minutes=2))

    state = ProviderState.objects.get()
    assert (state.consecutive_failures, state.last_success_at) == (0, NOON + timedelta(minutes=2))
    assert state.last_failure_at == NOON + timedelta(minutes=1)


def test_introduced_provider_is_enabled_and_a_known_one_stays_as_it_is() -> None:
    ProviderStateFactory.create(name="coingecko", is_enabled=False, consecutive_failures=3)

    provider_states.introduce(["coingecko", "coinmarketcap"])

    assert list(ProviderState.objects.values_list("name", "is_enabled", "consecutive_failures")) == [
        ("coingecko", False, 3),
        ("coinmarketcap", True, 0),
    ]


def test_disabled_provider_is_named_until_it_is_enabled(operator: User) -> None:
    state = ProviderStateFactory.create(name="coingecko")
    ProviderStateFactory.create(name="coinmarketcap")

    provider_states.disable(state, by=operator, reason="Wrong prices.", at=NOON)
    assert provider_states.disabled() == {"coingecko"}

    provider_states.enable(state, by=operator, reason="Repaired.", at=NOON)
    assert provider_states.disabled() == set()

    entries = AuditEntry.objects.about(state)
    assert [(entry.verb, entry.actor, entry.reason) for entry in entries] == [
        ("markets.provider.disabled", operator, "Wrong prices."),
        ("markets.provider.enabled", operator, "Repaired."),
    ]


def test_nothing_is_switched_twice(operator: User) -> None:
    on, off = ProviderStateFactory.create(), ProviderStateFactory.create(is_enabled=False)

    with pytest.raises(ProviderEnabledAlready):
        provider_states.enable(on, by=operator, reason="Sure.", at=NOON)
    with pytest.raises(ProviderDisabledAlready):
        provider_states.disable(off, by=operator, reason="Sure.", at=NOON)

    assert not AuditEntry.objects.exists()


def test_nothing_is_switched_without_a_reason(operator: User) -> None:
    on, off = ProviderStateFactory.create(), ProviderStateFactory.create(is_enabled=False)

    with pytest.raises(ValidationFailed):
        provider_states.enable(off, by=operator, reason="", at=NOON)
    with pytest.raises(ValidationFailed):
        provider_states.disable(on, by=operator, reason="  ", at=NOON)

    assert provider_states.disabled() == {off.name}
    assert not AuditEntry.objects.exists()
