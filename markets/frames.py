"""The bridge between rows of prices and arrays."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date

import numpy as np
from numpy.typing import NDArray

from markets import blocks
from markets.blocks import BarTable
from markets.models import DailyBar
from markets.providers.bars import NUMBERS, Bars

_HOURLY_RANGE = "binance1h"
"""The source name whose highs and lows come from hourly closes."""


@dataclass(frozen=True, slots=True)
class PriceFrame:
    """A matrix of one value, assets x days from `start`; NaN = missing."""

    asset_ids: NDArray[np.int32]
    start: date
    values: NDArray[np.float64]


def price_frame(asset_ids: Sequence[int], *, start: date, end: date, vector: str = "close") -> PriceFrame:
    """The daily values of `vector` (one of `blocks.VECTORS`) from `start` to `end`, exclusive, an asset a row.

    Each asset is asked for once; nothing is filled in.
    """
    _require_days(start, end)
    values = blocks.read([vector], asset_ids, start=start, end=end)[vector]
    return PriceFrame(np.array(asset_ids, dtype=np.int32), start, values)


@dataclass(frozen=True, slots=True)
class BarFrame:
    """The same of all values that blocks hold, with the ids of the sources; 0 where there is no bar."""

    close: NDArray[np.float64]
    volume: NDArray[np.float64]
    market_cap: NDArray[np.float64]
    sources: NDArray[np.int16]


def bar_frame(asset_ids: Sequence[int], *, start: date, end: date) -> BarFrame:
    """What is known of each asset from `start` to `end`, exclusive, read once; each asset is asked for once."""
    _require_days(start, end)
    return BarFrame(**blocks.read([field.name for field in fields(BarFrame)], asset_ids, start=start, end=end))


def _require_days(start: date, end: date) -> None:
    if end <= start:
        raise ValueError("an empty window")


def bar_table(bars: Bars, *, asset_ids: NDArray[np.int32], source_ids: NDArray[np.int16]) -> BarTable:
    """A provider's bars with our ids: `asset_ids` per key and `source_ids` per source of `bars`."""
    asset_id = asset_ids[bars.code]
    order = np.lexsort((bars.day, asset_id))
    quality = np.where(bars.estimated, DailyBar.Quality.MARKET_CAP_ESTIMATED, 0).astype(np.uint8)
    hourly = np.array([name.endswith(_HOURLY_RANGE) for name in bars.sources], dtype=bool)
    quality |= np.where(hourly[bars.source_code], DailyBar.Quality.RANGE_FROM_HOURLY_CLOSES, 0).astype(np.uint8)
    table = BarTable(
        asset_id=asset_id,
        day=bars.day,
        values=np.column_stack([getattr(bars, name) for name in NUMBERS]),
        source_id=source_ids[bars.source_code],
        quality=quality,
    ).take(order)
    return table.take(_last_of_each(table))


def _last_of_each(table: BarTable) -> NDArray[np.bool_]:
    """Rows whose (asset, day) does not come again: two keys of a source may mean one asset."""
    repeated = (np.diff(table.asset_id) == 0) & (np.diff(table.day) == 0)
    return np.append(~repeated, True)[: len(table)]
