"""One asset with its quote as the API shows it: the columns to read and the JSON to write."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any, Self

import orjson
from django.utils.functional import cached_property  # without the lock of the standard one

from markets.freshness import fresh_until
from markets.risk_port import NOT_SCORED, PORT

MANUAL = "manual"
"""The source of a price that was set by hand."""

_ASSET = (
    "id",
    "slug",
    "symbol",
    "name",
    "name_key",
    "search_key",
    "image",
    "description",
    "website",
    "bars_from",
    "bars_to",
)
_QUOTE = (
    "as_of",
    "rank",
    "price",
    "market_cap",
    "volume_24h",
    "change_1h",
    "change_24h",
    "change_7d",
    "high_24h",
    "low_24h",
    "ath",
    "ath_at",
    "atl",
    "atl_at",
    "circulating_supply",
    "total_supply",
    "max_supply",
)
_RISK = ("score", "percentile", "band", "as_of", "status", "fresh_until")
_RISK_NAMES = ("risk_score", "risk_percentile", "risk_band", "risk_as_of", "risk_status", "risk_until")
_NAMES = (*_ASSET, *_QUOTE, "provider", "is_simulated", *_RISK_NAMES, "categories")

COLUMNS = ", ".join(
    [
        *(f"a.{name}" for name in _ASSET),
        *(f"q.{name}" for name in _QUOTE),
        "s.name AS provider",
        "s.is_simulated",
        *(f"r.{name}" for name in _RISK),
        "(SELECT array_agg(c.slug ORDER BY c.slug) FROM markets_asset_categories l"
        " JOIN markets_category c ON c.id = l.category_id WHERE l.asset_id = a.id) AS categories",
    ]
)
_IN_LIST = (
    "symbol",
    "name",
    "slug",
    "image",
    "rank",
    "price",
    "market_cap",
    "volume_24h",
    "change_1h",
    "change_24h",
    "change_7d",
    "circulating_supply",
)
_PAGE_ASSET = ("id", *(name for name in _ASSET if name in _IN_LIST))
_PAGE_QUOTE = ("as_of", *(name for name in _QUOTE if name in _IN_LIST))
_PAGE_NAMES = (*_PAGE_ASSET, *_PAGE_QUOTE, "provider", "is_simulated", *_RISK_NAMES)
PAGE_COLUMNS = ", ".join(
    [
        *(f"a.{name}" for name in _PAGE_ASSET),
        *(f"q.{name}" for name in _PAGE_QUOTE),
        "s.name",
        "s.is_simulated",
        *(f"r.{name}" for name in _RISK),
    ]
)
"""What a list shows; for `Row.of_page`."""


def joined(assets: str = "markets_asset a") -> str:
    """All that the columns are read from: each of the assets once, whether or not anything is known of it."""
    return (
        f"{assets} LEFT JOIN markets_quote q ON q.asset_id = a.id LEFT JOIN markets_source s ON s.id = q.source_id"
        f" LEFT JOIN {PORT.relation} r ON r.asset_id = a.id"
    )


_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
_IN_DETAIL_ONLY = (
    "high_24h",
    "low_24h",
    "ath",
    "ath_at",
    "atl",
    "atl_at",
    "total_supply",
    "max_supply",
    "description",
    "website",
    "categories",
)
# The two keys that depend on the clock, of the risk and of the row.
_STALE = {
    (risk, row): f',"stale":{str(risk).lower()}}},"stale":{str(row).lower()}}}'.encode()
    for risk in (True, False)
    for row in (True, False)
}


class Row:
    """An asset and its latest quote; every value of the quote is None where nobody reported it."""

    id: int
    slug: str
    symbol: str
    name: str
    name_key: str
    search_key: str
    as_of: datetime | None
    rank: int | None
    price: float | None
    market_cap: float | None
    volume_24h: float | None
    change_1h: float | None
    change_24h: float | None
    change_7d: float | None
    bars_from: date | None
    bars_to: date | None
    categories: list[str]
    risk_score: float | None

    def __init__(self, *values: Any) -> None:
        self.__dict__ = dict(zip(_NAMES, values, strict=True))
        self.__dict__["categories"] = self.__dict__["categories"] or []

    @classmethod
    def of_page(cls, *values: Any) -> Self:
        """The row of a list from `PAGE_COLUMNS`: it knows nothing else."""
        row = cls.__new__(cls)
        row.__dict__ = dict(zip(_PAGE_NAMES, values, strict=True))
        return row

    @cached_property
    def fresh_until(self) -> datetime:
        """When this quote turns stale; the distant past where there is none."""
        return _NEVER if self.as_of is None else fresh_until(self.as_of, self.rank)

    @property
    def risk_fresh_until(self) -> datetime:
        """When the verdict on its risk turns stale; the distant past where there is none."""
        return self.__dict__["risk_until"] or _NEVER

    @property
    def missing_reason(self) -> str | None:
        if self.price is not None:
            return None
        return "no_quote" if self.as_of is None else "not_reported"

    @property
    def quality(self) -> str | None:
        if self.as_of is None:
            return None
        values = self.__dict__
        return "simulated" if values["is_simulated"] else MANUAL if values["provider"] == MANUAL else "observed"

    @cached_property
    def _head(self) -> bytes:
        # Everything but the last keys, which depend on the clock.
        return orjson.dumps(self._shown(_IN_LIST) | {"risk": self._risk}, option=orjson.OPT_UTC_Z)[:-2]

    def json(self, at: datetime) -> bytes:
        """The row of a list. Text comes from the database and NaN cannot be stored, so null means missing."""
        return self._head + _STALE[self.risk_fresh_until <= at, self.fresh_until <= at]

    def detail(self, at: datetime) -> dict[str, Any]:
        """Everything about the asset."""
        values = self.__dict__
        history = {"daily_from": values["bars_from"], "daily_to": values["bars_to"]}
        age = None if self.as_of is None else max(0, round((at - self.as_of).total_seconds()))
        return self._shown(_IN_LIST + _IN_DETAIL_ONLY) | {
            "age_seconds": age,
            "risk": self._risk | {"stale": self.risk_fresh_until <= at},
            "stale": self.fresh_until <= at,
            "history": history,
        }

    @property
    def _risk(self) -> dict[str, Any]:
        values = self.__dict__
        return {
            "score": values["risk_score"],
            "percentile": values["risk_percentile"],
            "band": values["risk_band"] or None,
            "as_of": values["risk_as_of"],
            "status": values["risk_status"] or NOT_SCORED,
        }

    def _shown(self, names: tuple[str, ...]) -> dict[str, Any]:
        values = self.__dict__
        return {name: values[name] for name in names} | {
            "missing_reason": self.missing_reason,
            "quality": self.quality,
            "provider": values["provider"],
            "as_of": self.as_of,
        }


def first_turn(shown: Sequence[Row], at: datetime) -> datetime | None:
    """When the first of the rows, or of the verdicts on their risk, turns stale; None when none will."""
    turns = (turn for row in shown for turn in (row.fresh_until, row.risk_fresh_until) if turn > at)
    return min(turns, default=None)
