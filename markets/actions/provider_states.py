"""How providers are doing."""

from datetime import datetime

from django.db.models import F

from markets.models import ProviderState
from markets.providers.errors import ProviderError


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
