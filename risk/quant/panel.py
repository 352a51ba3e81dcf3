"""Daily values of some assets, as they are known by the close of a day."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from risk.quant.arrays import FloatArray, IntArray, last


@dataclass(frozen=True, slots=True)
class Panel:
    """Daily values of some assets through one day, assets x days; NaN where nothing was seen."""

    asset_ids: IntArray
    first_day: int
    """Days since 1970-01-01 of the first column."""
    prices: FloatArray
    volumes: FloatArray
    market_caps: FloatArray
    sources: NDArray[np.int16]
    """Who said it; 0 where nothing was said."""

    def take(self, rows: IntArray | slice) -> "Panel":
        return Panel(
            self.asset_ids[rows],
            self.first_day,
            self.prices[rows],
            self.volumes[rows],
            self.market_caps[rows],
            self.sources[rows],
        )

    @classmethod
    def joined(cls, parts: Sequence["Panel"]) -> "Panel":
        """All of them, which begin on the same day."""
        return cls(
            np.concatenate([part.asset_ids for part in parts]),
            parts[0].first_day,
            np.vstack([part.prices for part in parts]),
            np.vstack([part.volumes for part in parts]),
            np.vstack([part.market_caps for part in parts]),
            np.vstack([part.sources for part in parts]),
        )

    def until(self, day: int) -> "Panel":
        """What was known by the close of a day since 1970-01-01, of the first or later."""
        columns = day - self.first_day + 1
        return Panel(
            self.asset_ids,
            self.first_day,
            self.prices[:, :columns],
            self.volumes[:, :columns],
            self.market_caps[:, :columns],
            self.sources[:, :columns],
        )

    def last(self, days: int) -> "Panel":
        """The last so many days alone; nothing was seen before the first."""
        return Panel(
            self.asset_ids,
            self.first_day + self.prices.shape[1] - days,
            last(self.prices, days),
            last(self.volumes, days),
            last(self.market_caps, days),
            last(self.sources, days, missing=0),
        )

    def input_hashes(self) -> list[str]:
        """Of each asset, SHA-256 of all that is known of it: days, values and sources, as little-endian bytes."""
        days = np.arange(self.first_day, self.first_day + self.prices.shape[1], dtype="<i4")
        series = np.stack([self.prices, self.volumes, self.market_caps], axis=1).astype("<f8", copy=False)
        series[np.isnan(series)] = np.nan  # of the same bits
        seen = np.isfinite(series).any(axis=1)
        sources = self.sources.astype("<i2", copy=False)
        hashes = []
        for row, kept in enumerate(seen):
            digest = hashlib.sha256(days[kept].tobytes())
            digest.update(series[row].compress(kept, axis=1).tobytes())
            digest.update(sources[row, kept].tobytes())
            hashes.append(digest.hexdigest())
        return hashes
