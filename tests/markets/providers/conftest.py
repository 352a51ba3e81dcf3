"""The cast of the provider tests: a clock that only moves when told, and coins in the providers' own words."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import tenacity.nap

AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class Clock:
    """Seconds since 1970 that pass only by `sleep`."""

    def __init__(self) -> None:
        self.seconds = AT.timestamp()
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds

    def now(self) -> datetime:
        return AT + timedelta(seconds=self.seconds - AT.timestamp())


@pytest.fixture
def at() -> datetime:
    return AT


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock; the pauses between retries pass on it too."""
    fake = Clock()
    monkeypatch.setattr(tenacity.nap, "time", fake)
    return fake


@pytest.fixture
def gecko_coin() -> Callable[..., dict[str, Any]]:
    """A row of CoinGecko's /coins/markets."""

    def row(external_id: str = "bitcoin", **changes: Any) -> dict[str, Any]:
        return {
            "id": external_id,
            "symbol": "btc",
            "name": "Bitcoin",
            "image": "https://coins.example/1.png",
            "current_price": 50_000.5,
            "market_cap": 1_000_010_000_000,
            "market_cap_rank": 1,
            "fully_diluted_valuation": None,
            "total_volume": 30_000_000_000,
            "high_24h": 51_000,
            "low_24h": 49_000.25,
            "price_change_percentage_24h": -1.5,
            "circulating_supply": 20_000_000.0,
            "total_supply": 20_000_000.0,
            "max_supply": None,
            "ath": 69_000,
            "ath_date": "2021-11-10T14:24:11.849Z",
            "atl": 67.81,
            "atl_date": "2013-07-06T00:00:00.000Z",
            "roi": None,
            "last_updated": "2026-03-01T11:59:30.123Z",
            **changes,
        }

    return row


@pytest.fixture
def market_cap_coin() -> Callable[..., dict[str, Any]]:
    """A row of CoinMarketCap's listings/latest."""

    def row(external_id: int = 1, **changes: Any) -> dict[str, Any]:
        return {
            "id": external_id,
            "name": "Bitcoin",
            "symbol": "BTC",
            "slug": "bitcoin",
            "cmc_rank": 1,
            "circulating_supply": 20_000_000,
            "total_supply": 20_000_000,
            "max_supply": 21_000_000,
            "last_updated": "2026-03-01T11:59:00.000Z",
            "tags": ["mineable", "pow"],
            "platform": None,
            "quote": {
                "USD": {
                    "price": 50_000.5,
                    "volume_24h": 30_000_000_000,
                    "percent_change_1h": 0.1,
                    "percent_change_24h": -1.5,
                    "percent_change_7d": 4,
                    "market_cap": "1.00001E12",
                    "last_updated": "2026-03-01T11:58:00.000Z",
                }
            },
            **changes,
        }

    return row
