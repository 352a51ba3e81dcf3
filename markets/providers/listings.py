"""Current quotes of many coins, as columns."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from markets.providers.decoding import UNREADABLE
from markets.providers.rejects import RAW_LIMIT, Reject, readable

FloatArray = NDArray[np.float64]
InstantArray = NDArray[np.int64]
Selection = NDArray[np.bool_] | NDArray[np.intp]

MISSING_INSTANT = int(np.iinfo(np.int64).min)

TEXTS = ("external_id", "symbol", "name", "slug", "image")
NUMBERS = (
    "price",
    "market_cap",
    "volume",
    "rank",
    "change_1h",
    "change_24h",
    "change_7d",
    "high_24h",
    "low_24h",
    "ath",
    "atl",
    "circulating_supply",
    "total_supply",
    "max_supply",
)
INSTANTS = ("as_of", "ath_at", "atl_at")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ROW: msgspec.json.Decoder[Any] = msgspec.json.Decoder(
    msgspec.defstruct(
        "Row",
        [
            *((name, str) for name in TEXTS),
            *((name, float | None) for name in NUMBERS),
            *((name, Annotated[datetime, msgspec.Meta(tz=True)] | None) for name in INSTANTS),
            ("categories", list[str]),
        ],
        forbid_unknown_fields=True,
    )
)


@dataclass(frozen=True, slots=True, eq=False)
class Listings:
    """One or more pages of quotes, checked. Row i of every column is the same coin.

    Prices, caps and volumes are in US dollars, changes in per cent. A missing number is NaN, a missing
    text is "", a missing instant is `MISSING_INSTANT`; instants are microseconds since 1970 in UTC.
    `repeats` counts rows that said exactly what an earlier one had said and were dropped.
    """

    external_id: list[str]
    symbol: list[str]
    name: list[str]
    slug: list[str]
    image: list[str]
    price: FloatArray
    market_cap: FloatArray
    volume: FloatArray
    rank: FloatArray
    change_1h: FloatArray
    change_24h: FloatArray
    change_7d: FloatArray
    high_24h: FloatArray
    low_24h: FloatArray
    ath: FloatArray
    atl: FloatArray
    circulating_supply: FloatArray
    total_supply: FloatArray
    max_supply: FloatArray
    as_of: InstantArray
    ath_at: InstantArray
    atl_at: InstantArray
    categories: list[tuple[str, ...]]
    rejects: list[Reject] = field(default_factory=list)
    repeats: int = 0

    def __len__(self) -> int:
        return len(self.external_id)

    @property
    def rows_in(self) -> int:
        """How many rows the pages held; a page that could not be read at all counts as one."""
        return len(self) + len(self.rejects) + self.repeats

    @property
    def price_missing(self) -> NDArray[np.bool_]:
        """The rows that carry no price."""
        return np.isnan(self.price)

    @classmethod
    def empty(cls, rejects: Sequence[Reject] = ()) -> Self:
        """No row at all, only what was refused."""
        columns: dict[str, Any] = {name: [] for name in (*TEXTS, "categories")}
        columns |= {name: np.empty(0) for name in NUMBERS}
        columns |= {name: np.empty(0, dtype=np.int64) for name in INSTANTS}
        return cls(**columns, rejects=list(rejects))

    def take(self, selection: Selection) -> Self:
        """The rows of a mask, or of indices in their order; rejects and repeats stay with the page."""
        indices = np.flatnonzero(selection) if selection.dtype == np.bool_ else selection
        positions = indices.tolist()
        columns: dict[str, Any] = {}
        for name in (*TEXTS, "categories"):
            values = getattr(self, name)
            columns[name] = [values[i] for i in positions]
        for name in (*NUMBERS, *INSTANTS):
            columns[name] = getattr(self, name)[indices]
        return replace(self, **columns)

    def row(self, index: int) -> tuple[object, ...]:
        """One coin as a tuple that compares equal exactly when the rows say the same (NaN becomes None)."""
        texts = [getattr(self, name)[index] for name in (*TEXTS, "categories")]
        numbers = [getattr(self, name)[index] for name in NUMBERS]
        instants = [int(getattr(self, name)[index]) for name in INSTANTS]
        return (*texts, *(None if np.isnan(number) else float(number) for number in numbers), *instants)

    def text(self, index: int) -> str:
        """One coin as JSON, null for what is missing: what is kept where the provider's own words are gone.

        `from_text` makes the same row of it. A row of more than 4 kB goes without picture and categories, which only
        matter to a coin that is new.
        """
        columns: dict[str, object] = {name: getattr(self, name)[index] for name in (*TEXTS, "categories")}
        columns |= {name: float(getattr(self, name)[index]) for name in NUMBERS}  # NaN is written as null
        for name in INSTANTS:
            instant = int(getattr(self, name)[index])
            columns[name] = None if instant == MISSING_INSTANT else _EPOCH + timedelta(microseconds=instant)
        whole = msgspec.json.encode(columns)
        if len(whole) > RAW_LIMIT:
            whole = msgspec.json.encode(columns | {"image": "", "categories": []})
        return whole.decode()

    @classmethod
    def from_text(cls, body: bytes) -> Self | None:
        """The row that `text` wrote, unchecked; None for anything else."""
        try:
            row = _ROW.decode(body)
        except UNREADABLE:
            return None
        columns: dict[str, Any] = {name: [getattr(row, name)] for name in TEXTS}
        columns |= {name: np.array([getattr(row, name)], dtype=np.float64) for name in NUMBERS}
        columns |= {name: np.array([_microseconds(getattr(row, name))], dtype=np.int64) for name in INSTANTS}
        return cls(**columns, categories=[tuple(row.categories)])

    @classmethod
    def concat(cls, pages: Iterable[Self]) -> Self:
        """All pages as one, each coin once, whatever the order in which the pages arrived.

        Providers re-rank while one pages through, so a coin can come twice: the newest `as_of` stays, the
        same row again counts as a repeat, an older one becomes a reject.
        """
        parts = list(pages)
        if not parts:
            return cls.empty()
        columns: dict[str, Any] = {
            name: [value for part in parts for value in getattr(part, name)]
            for name in (*TEXTS, "categories", "rejects")
        }
        columns |= {name: np.concatenate([getattr(part, name) for part in parts]) for name in (*NUMBERS, *INSTANTS)}
        joined = cls(**columns, repeats=sum(part.repeats for part in parts))
        return joined.without_duplicates(newest=True)

    def without_duplicates(self, *, newest: bool = False, raw: Sequence[bytes] | None = None) -> Self:
        """Each external id once: its first row, or with `newest` the one observed last.

        Ties of `newest` go to the smaller content, so that the order of the rows has no say. `raw` holds the
        text of each row for the rejects.
        """
        positions: dict[str, list[int]] = {}
        if len(set(self.external_id)) == len(self):
            return self
        for index, external_id in enumerate(self.external_id):
            positions.setdefault(external_id, []).append(index)
        keep = np.ones(len(self), dtype=np.bool_)
        rejects = list(self.rejects)
        repeats = self.repeats
        for external_id, indices in positions.items():
            if len(indices) == 1:
                continue
            ranked = sorted(indices, key=lambda i: (-int(self.as_of[i]), repr(self.row(i)))) if newest else indices
            kept = self.row(ranked[0])
            for index in ranked[1:]:
                keep[index] = False
                if self.row(index) == kept:
                    repeats += 1
                else:
                    text = self.text(index) if raw is None else readable(raw[index])
                    detail = "the same id came before with other values"
                    rejects.append(Reject(external_id, "duplicate", detail, text))
        return replace(self.take(keep), rejects=rejects, repeats=repeats)


def _microseconds(instant: datetime | None) -> int:
    return MISSING_INSTANT if instant is None else (instant - _EPOCH) // timedelta(microseconds=1)
