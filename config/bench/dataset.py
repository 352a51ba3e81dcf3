"""Invented input of fixed size: the same seed gives the same coins, answers and bars.

The prices mean nothing; the shapes are those of the real thing: a CoinGecko page as it comes over the wire, caps over
nine orders of magnitude, symbols that several coins share, values that nobody reported.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from markets.blocks import FIELDS, BarTable

SEED = 20_261_123
PAGE_SIZE = 250
COINS = 18_000
LAST_DAY = date(2026, 10, 31)
_EPOCH = date(1970, 1, 1)
_SHARED_SYMBOLS = 40  # every fortieth coin carries the symbol of another


@dataclass(frozen=True, slots=True)
class Coins:
    """What does not change about the coins, the largest first."""

    slug: list[str]
    symbol: list[str]
    name: list[str]
    price: NDArray[np.float64]
    supply: NDArray[np.float64]

    @classmethod
    def make(cls, count: int) -> "Coins":
        random = np.random.default_rng(SEED)
        cap = np.sort(random.lognormal(mean=15.5, sigma=2.6, size=count))[::-1]
        price = random.lognormal(mean=-1.0, sigma=3.0, size=count)
        names = [f"{_WORDS[index % len(_WORDS)]} {index:05d}" for index in range(count)]
        symbols = [f"{name[:3]}{index:05d}".upper() for index, name in enumerate(names)]
        for index in range(_SHARED_SYMBOLS, count, _SHARED_SYMBOLS):
            symbols[index] = symbols[index - 1]
        return cls([name.lower().replace(" ", "-") for name in names], symbols, names, price, cap / price)

    def __len__(self) -> int:
        return len(self.slug)

    def pages(self, *, tick: int, at: datetime) -> list[bytes]:
        """All pages of /coins/markets at one moment; `tick` moves every price a little."""
        return [
            orjson.dumps(rows[first : first + PAGE_SIZE])
            for rows in [self.rows(tick=tick, at=at)]
            for first in range(0, len(self), PAGE_SIZE)
        ]

    def rows(self, *, tick: int, at: datetime) -> list[dict[str, Any]]:
        """The rows of all pages."""
        random = np.random.default_rng([SEED, tick])
        size = len(self)
        price = self.price * np.exp(random.normal(0, 0.004, size))
        cap = price * self.supply
        rank = np.empty(size, dtype=np.int64)
        rank[np.argsort(-cap, kind="stable")] = np.arange(1, size + 1)
        hour, day, week = random.normal(0, 1, size), random.normal(0, 4, size), random.normal(0, 9, size)
        seen = at - timedelta(seconds=30)
        numbers = {
            "current_price": price,
            "market_cap": cap,
            "market_cap_rank": rank,
            "fully_diluted_valuation": cap * 1.1,
            "total_volume": cap * random.lognormal(-4, 1, size),
            "high_24h": price * 1.03,
            "low_24h": price * 0.97,
            "price_change_24h": price * day / 100,
            "price_change_percentage_24h": day,
            "market_cap_change_24h": cap * day / 100,
            "market_cap_change_percentage_24h": day,
            "circulating_supply": self.supply,
            "total_supply": self.supply * 1.1,
            "ath": self.price * 9,
            "ath_change_percentage": (price / self.price / 9 - 1) * 100,
            "atl": self.price / 50,
            "atl_change_percentage": (price / self.price * 50 - 1) * 100,
            "price_change_percentage_1h_in_currency": hour,
            "price_change_percentage_24h_in_currency": day,
            "price_change_percentage_7d_in_currency": week,
        }
        columns = {name: [_as_quoted(value) for value in values.tolist()] for name, values in numbers.items()}
        return [
            {
                "id": self.slug[index],
                "symbol": self.symbol[index].lower(),
                "name": self.name[index],
                "image": f"https://coin-images.coingecko.com/coins/images/{index}/large/{self.slug[index]}.png?16965",
                **{name: values[index] for name, values in columns.items()},
                "max_supply": columns["total_supply"][index] if index % 3 else None,
                "ath_date": "2024-03-14T07:10:36.635Z",
                "atl_date": "2020-03-13T02:24:12.191Z",
                "roi": None,
                "last_updated": seen.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            }
            for index in range(size)
        ]


def bars(asset_ids: NDArray[np.int32], *, days: int, source_id: int) -> BarTable:
    """`days` daily bars of each asset up to `LAST_DAY`, sorted as `markets.actions.bars.store` wants them."""
    random = np.random.default_rng([SEED, days])
    assets = len(asset_ids)
    first = (LAST_DAY - _EPOCH).days - days + 1
    steps = random.normal(0, 0.04, (assets, days))
    close = np.exp(np.cumsum(steps, axis=1) + random.normal(0, 3, (assets, 1)))
    values = np.empty((assets, days, len(FIELDS)))
    opening = np.concatenate([close[:, :1], close[:, :-1]], axis=1)
    for name, column in {
        "open": opening,
        "high": np.maximum(opening, close) * 1.01,
        "low": np.minimum(opening, close) * 0.99,
        "close": close,
        "volume": close * 1e5 * (1 + random.random((assets, days))),
        "market_cap": close * 1e7,
    }.items():
        values[:, :, FIELDS.index(name)] = column
    # Every fiftieth asset comes from a source that only knows closes.
    values[::50, :, [FIELDS.index(name) for name in ("open", "high", "low", "volume")]] = np.nan
    size = assets * days
    return BarTable(
        asset_id=np.repeat(asset_ids, days),
        day=np.tile(np.arange(first, first + days, dtype=np.int32), assets),
        values=values.reshape(size, len(FIELDS)),
        source_id=np.full(size, source_id, dtype=np.int16),
        quality=np.zeros(size, dtype=np.uint8),
    )


def _as_quoted(value: float) -> float:
    """With the digits that providers give: whole dollars and coins, six figures of what is small."""
    return round(value) if abs(value) >= 1_000_000 else float(f"{value:.6g}")


def date_of(day: int) -> date:
    """The date of a day since 1970-01-01."""
    return _EPOCH + timedelta(days=day)


_WORDS = (
    "Amber",
    "Basalt",
    "Cedar",
    "Delta",
    "Ember",
    "Fjord",
    "Garnet",
    "Harbor",
    "Indigo",
    "Juniper",
    "Kelp",
    "Lumen",
)
