"""Daily bars of one or many coins, as columns."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from markets.providers.rejects import Reason, Reject

FloatArray = NDArray[np.float64]
CodeArray = NDArray[np.int32]
DayArray = NDArray[np.int32]
Selection = NDArray[np.bool_] | NDArray[np.intp]

EPOCH = date(1970, 1, 1)
GENESIS = date(2009, 1, 3)  # of the first block ever: nothing had a price before

NUMBERS = ("open", "high", "low", "close", "volume", "market_cap")


def day_number(day: date) -> int:
    """Days since 1970-01-01, as `Bars.day` counts them."""
    return (day - EPOCH).days


def price_objections(column: Mapping[str, FloatArray]) -> tuple[tuple[Reason, NDArray[np.bool_]], ...]:
    """What disqualifies a row of prices, by reason. NaN is missing; only the close must be there.

    An open, high or low that is not positive is no objection: sources write 0, and now and then a negative
    spike, where they saw no trade (see `without_zeros`).
    """
    high, low = column["high"], column["low"]
    return (
        ("missing_field", np.isnan(column["close"])),
        ("not_finite", np.logical_or.reduce([np.isinf(column[name]) for name in NUMBERS])),
        ("zero_price", column["close"] == 0),
        ("negative", (column["close"] < 0) | (column["volume"] < 0) | (column["market_cap"] < 0)),
        ("high_below_low", (high < low) & (high > 0) & (low > 0)),
    )


def without_zeros(column: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """The columns with what stands for "unknown" made missing: prices that are not positive, a cap of 0."""
    positive = ("open", "high", "low", "market_cap")
    return {
        name: np.where(values > 0, values, np.nan) if name in positive else values for name, values in column.items()
    }


SPIKE, LAST_JUMP = 100.0, 500.0
"""How many times a close may be off both its neighbours, and the last one off the one before it."""


def spikes(close: FloatArray) -> NDArray[np.bool_]:
    """Which closes of one coin, oldest first, stand alone beyond belief: an error of units is a factor of a thousand.

    A level that stays is a market, however far it moved; of the last close nobody knows yet whether it stays.
    """
    found = np.zeros(len(close), dtype=bool)
    steps = np.diff(np.log(close))
    if len(steps):
        away, back = steps[:-1], steps[1:]
        found[1:-1] = (np.minimum(np.abs(away), np.abs(back)) > np.log(SPIKE)) & (away * back < 0)
        found[-1] = abs(steps[-1]) > np.log(LAST_JUMP)
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Bars:
    """Checked daily bars. `code[i]` is the position of row i's coin in `keys`, `symbols` and `names`.

    `key` is the provider's id of the coin, or its symbol where the source has none. `day` counts days since
    1970-01-01; the bar of day D closes at D+1 00:00 UTC. Prices, volumes and caps are in US dollars; NaN is
    missing, except for `close`, which every bar has. `estimated` marks caps that somebody computed.
    """

    keys: list[str]
    symbols: list[str]
    names: list[str]
    code: CodeArray
    day: DayArray
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray
    market_cap: FloatArray
    sources: list[str]
    source_code: CodeArray
    estimated: NDArray[np.bool_]
    rejects: list[Reject] = field(default_factory=list)
    repeats: int = 0

    def __len__(self) -> int:
        return len(self.day)

    @property
    def rows_in(self) -> int:
        """How many rows the source held; what could not be read at all counts as one."""
        return len(self) + len(self.rejects) + self.repeats

    @property
    def dates(self) -> NDArray[np.datetime64]:
        """`day` as NumPy dates."""
        return self.day.astype("datetime64[D]")

    @classmethod
    def empty(cls, rejects: Sequence[Reject] = ()) -> Self:
        """No bar at all, only what was refused."""
        nothing = np.empty(0, dtype=np.int32)
        bars = cls.of_one("", "", nothing, close=np.empty(0), rejects=rejects)
        return replace(bars, keys=[], symbols=[], names=[], sources=[])

    def take(self, selection: Selection) -> Self:
        """The bars of a mask, or of indices in their order; the tables of coins and sources stay whole."""
        columns = {
            name: getattr(self, name)[selection] for name in ("code", "day", *NUMBERS, "source_code", "estimated")
        }
        return replace(self, **columns)

    @classmethod
    def concat(cls, parts: Iterable[Self]) -> Self:
        """All parts in their order, with one table of coins and one of sources."""
        chosen = list(parts)
        if not chosen:
            return cls.empty()
        coins: dict[str, tuple[int, str, str]] = {}
        sources: dict[str, int] = {}
        codes, source_codes = [], []
        for part in chosen:
            for key, symbol, name in zip(part.keys, part.symbols, part.names, strict=True):
                coins.setdefault(key, (len(coins), symbol, name))
            for source in part.sources:
                sources.setdefault(source, len(sources))
            codes.append(np.array([coins[key][0] for key in part.keys], dtype=np.int32)[part.code])
            source_codes.append(
                np.array([sources[source] for source in part.sources], dtype=np.int32)[part.source_code]
            )
        return cls(
            keys=list(coins),
            symbols=[symbol for _, symbol, _ in coins.values()],
            names=[name for _, _, name in coins.values()],
            code=np.concatenate(codes),
            sources=list(sources),
            source_code=np.concatenate(source_codes),
            rejects=[reject for part in chosen for reject in part.rejects],
            repeats=sum(part.repeats for part in chosen),
            **{
                name: np.concatenate([getattr(part, name) for part in chosen])
                for name in ("day", "estimated", *NUMBERS)
            },
        )

    @classmethod
    def of_one(
        cls,
        key: str,
        source: str,
        day: DayArray,
        *,
        close: FloatArray,
        symbol: str = "",
        name: str = "",
        rejects: Sequence[Reject] = (),
        repeats: int = 0,
        **others: FloatArray,
    ) -> Self:
        """The bars of a single coin from a single source; columns that are not given are missing."""
        rows = len(day)
        columns: dict[str, Any] = {
            number: others.get(number, np.full(rows, np.nan)) for number in NUMBERS if number != "close"
        }
        zeros = np.zeros(rows, dtype=np.int32)
        return cls(
            keys=[key],
            symbols=[symbol],
            names=[name],
            code=zeros,
            day=day.astype(np.int32),
            close=close,
            sources=[source],
            source_code=zeros,
            estimated=np.zeros(rows, dtype=np.bool_),
            rejects=list(rejects),
            repeats=repeats,
            **columns,
        )
