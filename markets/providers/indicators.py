"""Numbers about the market as a whole, and what must hold of them whoever says them."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol, runtime_checkable

from markets.providers.normalise import CLOCK_TOLERANCE
from markets.providers.provider import RawAnswer
from markets.providers.rejects import Reason, Reject, readable

_OLDEST = datetime(2013, 1, 1, tzinfo=UTC)
"""Nobody summed up the market before there was more than one coin to sum."""


@dataclass(frozen=True, slots=True)
class Indicator:
    """One number about the market: its unit, and the range outside of which it is a mistake."""

    name: str
    unit: str
    lowest: float
    highest: float


TOTAL_MARKET_CAP = "total_market_cap"
TOTAL_VOLUME = "total_volume"
BTC_DOMINANCE = "btc_dominance"
ETH_DOMINANCE = "eth_dominance"
FEAR_AND_GREED = "fear_and_greed"

INDICATORS: Mapping[str, Indicator] = {
    indicator.name: indicator
    for indicator in (
        Indicator(TOTAL_MARKET_CAP, "USD", 1e8, 1e15),
        Indicator(TOTAL_VOLUME, "USD, of 24 hours", 1e5, 1e15),
        Indicator(BTC_DOMINANCE, "per cent of the total market cap", 0.1, 100.0),
        Indicator(ETH_DOMINANCE, "per cent of the total market cap", 0.01, 100.0),
        Indicator(FEAR_AND_GREED, "index from 0 (extreme fear) to 100 (extreme greed)", 0.0, 100.0),
    )
}


@dataclass(frozen=True, slots=True)
class Observation:
    """What a provider says that an indicator was at an instant."""

    indicator: str
    at: datetime
    value: float


@dataclass(frozen=True, slots=True)
class Observations:
    """Believable observations, each indicator and instant once, and what was refused."""

    rows: list[Observation] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)


@runtime_checkable
class Observer(Protocol):
    """A provider that knows the market as a whole.

    Asking raises a `ProviderError`; `parse_indicators` is pure and never raises on a bad answer.
    """

    @property
    def name(self) -> str: ...

    @property
    def is_simulated(self) -> bool: ...

    def indicators(self, at: datetime) -> tuple[RawAnswer, Observations]:
        """What is known at the moment of asking."""
        ...

    def parse_indicators(self, body: bytes, at: datetime) -> Observations:
        """Observations from an answer."""
        ...


@dataclass(frozen=True, slots=True)
class Claim:
    """A number as an answer has it, before anybody believed it; `value` None: it is not there, or no number."""

    indicator: str
    at: datetime | None
    value: float | None
    raw: bytes


def judge(claims: Iterator[Claim], *, at: datetime) -> Observations:
    """The claims that can be true at `at`; of two about the same instant the first one."""
    judged = Observations()
    seen: set[tuple[str, datetime]] = set()
    for claim in claims:
        reason = _objection(claim, at)
        if reason is None and claim.at is not None and claim.value is not None:
            if (claim.indicator, claim.at) in seen:
                reason = "duplicate"
            else:
                seen.add((claim.indicator, claim.at))
                judged.rows.append(Observation(claim.indicator, claim.at, claim.value))
                continue
        moment = "" if claim.at is None else f" {claim.at:%Y-%m-%dT%H:%M}"
        detail = "no instant" if claim.at is None else f"{claim.value}"
        judged.rejects.append(
            Reject(f"{claim.indicator}{moment}", reason or "missing_field", detail, readable(claim.raw))
        )
    return judged


def _objection(claim: Claim, at: datetime) -> Reason | None:
    if claim.at is None or claim.value is None:
        return "missing_field"
    if not math.isfinite(claim.value):
        return "not_finite"
    if claim.value < 0:
        return "negative"
    indicator = INDICATORS[claim.indicator]
    if not indicator.lowest <= claim.value <= indicator.highest:
        return "out_of_range"
    if claim.at > at + CLOCK_TOLERANCE:
        return "future_timestamp"
    return "ancient_timestamp" if claim.at < _OLDEST else None


def instant(seconds: float | None) -> datetime | None:
    """Seconds since 1970 as an instant; None where there are none, or where no calendar reaches."""
    if seconds is None or not math.isfinite(seconds) or not 0 < seconds < 4e9:
        return None
    return datetime.fromtimestamp(seconds, tz=UTC)


def moment(text: str | None) -> datetime | None:
    """An ISO 8601 text as an instant; None where it is none."""
    try:
        parsed = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
