"""What can go wrong between us and a provider, by name."""

import re

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


class ProviderError(Exception):
    """A provider did not give what was asked for. `code` is stable; the text never holds a key."""

    code = "provider_error"

    def __init__(
        self, provider: str, detail: str, *, status: int | None = None, retry_after: float | None = None
    ) -> None:
        self.provider = provider
        self.detail = _UNPRINTABLE.sub(" ", detail).strip()[:300]
        self.status = status
        self.retry_after = retry_after
        super().__init__(f"{provider}: {self.code}: {self.detail}")


class RateLimited(ProviderError):
    """The provider refuses further calls for now; `retry_after` seconds where it said how long."""

    code = "rate_limited"


class NotFound(ProviderError):
    """The provider does not know the thing asked for."""

    code = "not_found"


class Unauthorized(ProviderError):
    """The key is missing, wrong, or its plan does not include this call."""

    code = "unauthorized"


class BadRequest(ProviderError):
    """The provider refuses the parameters; asking again will not help."""

    code = "bad_request"


class Unavailable(ProviderError):
    """No answer: connection, TLS or DNS failure, time-out, or a 5xx."""

    code = "unavailable"


class Malformed(ProviderError):
    """An answer came, and it is not what the provider documents."""

    code = "malformed"


class TooLarge(ProviderError):
    """The answer, decompressed, is over the byte cap; reading stopped there."""

    code = "too_large"


class BudgetExhausted(ProviderError):
    """Our own call budget is used up; nothing was sent. `retry_after` seconds until a call is free."""

    code = "budget_exhausted"


class CircuitOpen(ProviderError):
    """The provider failed repeatedly and is left alone; nothing was sent."""

    code = "circuit_open"
