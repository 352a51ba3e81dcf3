"""Believing a provider's listings: screened against what is known, stored as quotes and snapshots."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from numpy.typing import NDArray
from psycopg import Cursor

from config.kernel import partitions
from config.kernel.binary_copy import POSTGRES_EPOCH_MICROSECONDS, BinaryArray, binary_cursor, copy_in
from markets import sources
from markets.actions import assets, market, quarantine
from markets.models import PriceOverride, SyncRun
from markets.models.snapshot import TABLE as SNAPSHOTS
from markets.providers.listings import MISSING_INSTANT, Listings
from markets.providers.rejects import Reject

_LOCK = 0x7175_6F74  # "quot"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# How far a price may move between two quotes before it is held back, by the days that lie between them: an error of
# units is a factor of a thousand, the largest honest day of a listed coin about a factor of ten.
_JUMP_LIMITS = ((1.0, 20.0), (30.0, 100.0), (float("inf"), 1_000.0))

_NUMBERS = {
    "price": "price",
    "market_cap": "market_cap",
    "volume_24h": "volume",
    "change_1h": "change_1h",
    "change_24h": "change_24h",
    "change_7d": "change_7d",
    "high_24h": "high_24h",
    "low_24h": "low_24h",
    "ath": "ath",
    "atl": "atl",
    "circulating_supply": "circulating_supply",
    "total_supply": "total_supply",
    "max_supply": "max_supply",
}
"""Columns of a quote and the columns of `Listings` that fill them."""

_SAID = "markets_quote_said"
_SAID_COLUMNS = ", ".join(("asset_id", "rank", "as_of", "ath_at", "atl_at", *_NUMBERS))
_UPDATE = (
    "UPDATE markets_quote q SET received_at = %s, source_id = %s, rank = NULLIF(n.rank, 0), as_of = n.as_of,"  # noqa: S608  # literal columns
    " ath_at = NULLIF(n.ath_at, '-infinity'), atl_at = NULLIF(n.atl_at, '-infinity'),"
    + ",".join(f" {column} = n.{column}" for column in _NUMBERS)
    + f" FROM {_SAID} n WHERE q.asset_id = n.asset_id"
)


@dataclass(frozen=True, slots=True)
class StoredQuotes:
    """What became of the rows of one answer; the four add up to `Listings.rows_in`."""

    inserted: int
    updated: int
    unchanged: int
    quarantined: int


def lock(cursor: CursorWrapper) -> None:
    """Wait to be the only writer of quotes until the transaction ends: they are compared with what is stored."""
    cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


@transaction.atomic
def store(
    listings: Listings,
    *,
    provider: str,
    at: datetime,
    is_simulated: bool = False,
    run: SyncRun | None = None,
    trusted: bool = False,
) -> StoredQuotes:
    """Bring the market up to date with listings that one provider gave.

    Only a row that is newer than the stored quote replaces it; every row that was not seen before becomes a snapshot,
    in whatever order rows arrive. A price that moved beyond belief is quarantined, unless somebody vouches for the rows
    (`trusted`); so is a coin that a source names for the first time like an asset of quite another price, which then is
    not taken for that asset. A price set by hand stays. Raises `MarketIsOfAnotherKind` for simulated rows in a real
    market and for real ones in a simulated market.
    """
    with connection.cursor() as cursor:
        lock(cursor)
        market.require_kind(is_simulated=is_simulated)
        source_id = sources.id_of(provider, is_simulated=is_simulated)
        asset_id, is_first = assets.adopt(listings, source_id=source_id, at=at)
        known = _Known.read(asset_id, listings, at)
        believed, objections = (
            (np.ones(len(listings), dtype=bool), []) if trusted else _screen(listings, known, is_first)
        )
        strangers = np.flatnonzero(is_first & ~believed).tolist()
        assets.detach([listings.external_id[index] for index in strangers], source_id=source_id)
        quarantine.add([*listings.rejects, *objections], provider=provider, run=run, at=at)
        pinned = np.isin(asset_id, list(PriceOverride.objects.in_force(at).values_list("asset_id", flat=True)))
        as_of = known.observed_at
        is_new = believed & known.is_new & ~pinned
        is_newer = believed & ~known.is_new & (as_of > known.as_of) & ~pinned
        is_late = believed & ~known.is_new & (as_of < known.as_of) & ~pinned
        columns = _columns(listings, asset_id, as_of)
        _insert(cursor, columns, is_new, source_id=source_id, at=at)
        _update(cursor, columns, is_new | is_newer, source_id=source_id, at=at)
        _snapshot(cursor, columns, is_new | is_newer, is_late, source_id=source_id)
        inserted, updated = int(is_new.sum()), int(is_newer.sum())
        if inserted or updated:
            market.touch(at=at)
    quarantined = len(listings.rejects) + len(objections)
    return StoredQuotes(inserted, updated, listings.rows_in - inserted - updated - quarantined, quarantined)


@dataclass(frozen=True, slots=True)
class _Known:
    """What is stored about each row's asset, and when the row says it was observed (microseconds since 1970)."""

    is_new: NDArray[np.bool_]
    price: NDArray[np.float64]
    as_of: NDArray[np.int64]
    observed_at: NDArray[np.int64]

    @classmethod
    def read(cls, asset_id: NDArray[np.int32], listings: Listings, at: datetime) -> "_Known":
        price = np.full(len(asset_id), np.nan)
        as_of = np.full(len(asset_id), MISSING_INSTANT)
        with binary_cursor() as cursor:
            cursor.execute(
                "SELECT asset_id, price, (date_part('epoch', as_of) * 1000000)::int8 FROM markets_quote"
                " WHERE asset_id = ANY(%s::int4[])",
                [BinaryArray(asset_id)],
            )
            found = cursor.fetchall()
            unpriced = [row[0] for row in found if row[1] is None]
            last_seen = dict(_last_prices(cursor, unpriced)) if unpriced else {}
        if found:
            order = np.argsort(asset_id)
            position = order[np.searchsorted(asset_id, np.array([row[0] for row in found], np.int32), sorter=order)]
            price[position] = [last_seen.get(row[0], np.nan) if row[1] is None else row[1] for row in found]
            as_of[position] = [row[2] for row in found]
        # A row without a time of its own was seen now.
        now = (at - _EPOCH) // timedelta(microseconds=1)
        observed_at = np.where(listings.as_of == MISSING_INSTANT, now, listings.as_of)
        return cls(as_of == MISSING_INSTANT, price, as_of, observed_at)


def _last_prices(cursor: Cursor[tuple[Any, ...]], asset_ids: list[int]) -> list[tuple[Any, ...]]:
    """The asset and the price of the last snapshot that has one: by leaving a price out nobody frees the next one."""
    cursor.execute(
        "SELECT a.id, s.price FROM unnest(%s::int4[]) AS a(id) CROSS JOIN LATERAL"
        " (SELECT price FROM markets_snapshot WHERE asset_id = a.id AND price IS NOT NULL ORDER BY at DESC LIMIT 1) s",
        [asset_ids],
    )
    return cursor.fetchall()


def _screen(listings: Listings, known: _Known, is_first: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], list[Reject]]:
    """Which rows are believed, and an objection for each of the others."""
    days = np.abs(known.observed_at - np.where(known.is_new, known.observed_at, known.as_of)) / 86_400e6
    limit = np.select([days <= edge for edge, _ in _JUMP_LIMITS], [factor for _, factor in _JUMP_LIMITS])
    with np.errstate(invalid="ignore"):
        jump = np.abs(np.log(listings.price) - np.log(known.price))
        believed = ~(jump > np.log(limit))  # a comparison with a missing price holds nothing back
    objections = [
        Reject(
            external_id=listings.external_id[index],
            reason="identity_unclear" if is_first[index] else "implausible_jump",
            detail=f"{listings.price[index]:g} USD after {known.price[index]:g} USD {days[index]:.2f} days before",
            raw=listings.text(index),
        )
        for index in np.flatnonzero(~believed).tolist()
    ]
    return believed, objections


_Columns = dict[str, NDArray[np.int32] | NDArray[np.int64] | NDArray[np.float64]]


def _columns(listings: Listings, asset_id: NDArray[np.int32], as_of: NDArray[np.int64]) -> _Columns:
    """The columns of `markets_quote`; instants in PostgreSQL's microseconds, a missing one the smallest integer, which
    PostgreSQL takes for -infinity."""
    shifted = {
        name: np.where(values == MISSING_INSTANT, values, values - POSTGRES_EPOCH_MICROSECONDS)
        for name, values in (("as_of", as_of), ("ath_at", listings.ath_at), ("atl_at", listings.atl_at))
    }
    rank = np.nan_to_num(listings.rank, nan=0.0).astype(np.int32)
    return {"asset_id": asset_id, "rank": rank, **shifted} | {
        column: getattr(listings, name) for column, name in _NUMBERS.items()
    }


def _insert(
    cursor: CursorWrapper, columns: _Columns, chosen: NDArray[np.bool_], *, source_id: int, at: datetime
) -> None:
    """Empty quotes for assets that have none; `_update` fills them."""
    if chosen.any():
        size = int(chosen.sum())
        received_at = (at - _EPOCH) // timedelta(microseconds=1) - POSTGRES_EPOCH_MICROSECONDS
        copy_in(
            cursor,
            "markets_quote",
            {
                "asset_id": columns["asset_id"][chosen],
                "as_of": columns["as_of"][chosen],
                "received_at": np.full(size, received_at),
                "source_id": np.full(size, source_id, dtype=np.int16),
            },
        )


def _update(
    cursor: CursorWrapper, columns: _Columns, chosen: NDArray[np.bool_], *, source_id: int, at: datetime
) -> None:
    if chosen.any():
        # By way of a table: arrays side by side in `unnest` take the server twice as long.
        cursor.execute(f"CREATE TEMPORARY TABLE {_SAID} AS SELECT {_SAID_COLUMNS} FROM markets_quote WITH NO DATA")  # noqa: S608  # literal columns
        copy_in(cursor, _SAID, {name: values[chosen] for name, values in columns.items()})
        cursor.execute(_UPDATE, [at, source_id])
        cursor.execute(f"DROP TABLE {_SAID}")


def _snapshot(
    cursor: CursorWrapper,
    columns: _Columns,
    newest: NDArray[np.bool_],
    late: NDArray[np.bool_],
    *,
    source_id: int,
) -> None:
    table = {
        "asset_id": columns["asset_id"],
        "at": columns["as_of"],
        "price": columns["price"],
        "market_cap": columns["market_cap"],
        "volume": columns["volume_24h"],
    }
    written = newest | late
    if not written.any():
        return
    months = np.unique(
        (table["at"][written] + POSTGRES_EPOCH_MICROSECONDS).astype("datetime64[us]").astype("datetime64[M]")
    )
    # The next month's too, so that it is there before it begins whether or not the nightly work has run.
    months = np.append(months, months[-1] + 1)
    partitions.ensure(SNAPSHOTS, (partitions.Period.month(month) for month in months.astype("datetime64[D]").tolist()))
    if newest.any():
        chosen = {name: values[newest] for name, values in table.items()}
        copy_in(cursor, SNAPSHOTS, chosen | {"source_id": np.full(int(newest.sum()), source_id, dtype=np.int16)})
    if late.any():
        with binary_cursor() as binary:
            binary.execute(
                "INSERT INTO markets_snapshot (asset_id, at, price, market_cap, volume, source_id)"
                " SELECT asset_id, timestamptz '2000-01-01Z' + at * interval '1 microsecond', NULLIF(price, 'NaN'),"
                " NULLIF(market_cap, 'NaN'), NULLIF(volume, 'NaN'), %s"
                " FROM unnest(%s::int4[], %s::int8[], %s::float8[], %s::float8[], %s::float8[])"
                " AS u(asset_id, at, price, market_cap, volume) ON CONFLICT DO NOTHING",
                [source_id, *(BinaryArray(values[late]) for values in table.values())],
            )
