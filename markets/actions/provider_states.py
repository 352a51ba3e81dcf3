"""How providers are doing, and whether they may be asked."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import F

from accounts.actions import audit, reasons
from accounts.models import User
from config.kernel.errors import Conflict
from markets.models import ProviderState
from markets.providers.errors import ProviderError


class ProviderEnabledAlready(Conflict):
    code = "provider_enabled_already"
    message = "This provider is enabled already."


class ProviderDisabledAlready(Conflict):
    code = "provider_disabled_already"
    message = "This provider is disabled already."


def introduce(names: Iterable[str]) -> None:
    """Give providers that were never heard of a state, so that an operator sees them and can switch them off."""
    ProviderState.objects.bulk_create([ProviderState(name=name) for name in names], ignore_conflicts=True)


def succeeded(name: str, *, at: datetime) -> None:
    """Record that the provider answered."""
    ProviderState.objects.update_or_create(name=name, defaults={"last_success_at": at, "consecutive_failures": 0})


def failed(name: str, error: ProviderError, *, at: datetime) -> None:
    """Record that the provider did not answer, and how."""
    ProviderState.objects.get_or_create(name=name)
    ProviderState.objects.filter(pk=name).update(
        last_failure_at=at,
        last_error_code=error.code,
        last_error=str(error)[:500],
        consecutive_failures=F("consecutive_failures") + 1,
    )


def disabled() -> set[str]:
    """The providers that an operator has switched off."""
    return set(ProviderState.objects.filter(is_enabled=False).values_list("name", flat=True))


@transaction.atomic
def enable(state: ProviderState, *, by: User, reason: str, at: datetime) -> None:
    """Let the provider be asked again. Raises `ProviderEnabledAlready`, and `ValidationFailed` without a reason."""
    reason = reasons.given(reason)
    if not ProviderState.objects.filter(pk=state.pk, is_enabled=False).update(is_enabled=True):
        raise ProviderEnabledAlready
    audit.record("markets.provider.enabled", actor=by, subject=state, at=at, reason=reason)


@transaction.atomic
def disable(state: ProviderState, *, by: User, reason: str, at: datetime) -> None:
    """Ask the provider no more. Raises `ProviderDisabledAlready`, and `ValidationFailed` without a reason."""
    reason = reasons.given(reason)
    if not ProviderState.objects.filter(pk=state.pk, is_enabled=True).update(is_enabled=False):
        raise ProviderDisabledAlready
    audit.record("markets.provider.disabled", actor=by, subject=state, at=at, reason=reason)
