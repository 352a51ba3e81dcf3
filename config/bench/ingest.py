"""Suite `ingest`: daily bars against raw COPY, and a sync of the whole market against the ORM's bulk upsert."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from config.bench.bar_copy import copy_of
from config.bench.contest import Contest, Target, Work
from config.bench.dataset import bars, date_of
from config.bench.errors import BenchFailed, require_same
from config.bench.stage import Stage
from config.bench.sync import sync_contest
from config.kernel import clock, partitions
from markets import blocks, frames, sources
from markets.actions import bars as daily_bars
from markets.actions.bars import StoredBars
from markets.blocks import BarTable
from markets.models import Asset

ASSETS, DAYS = 500, 2_000


@contextmanager
def contests(stage: Stage) -> Iterator[Sequence[Contest]]:
    """Bars that are new, the same bars again, and the latest quotes of the whole market."""
    stage.say(f"making {stage.scaled(ASSETS)} assets with {DAYS} bars each")
    table = bars(make_assets(stage.scaled(ASSETS)), days=DAYS, source_id=sources.id_of("bench"))
    years = np.unique(blocks.year_and_slot(table.day)[0]).tolist()
    partitions.ensure(daily_bars.TABLE, [partitions.Period.year(year) for year in years])
    copy = copy_of(table, stage.database)
    _require_same_bars(table, copy)

    raw = Work("raw binary COPY", copy, before=_empty)
    fresh = Work("backfill", _store(table, StoredBars(inserted=len(table))), before=_empty)
    again = Work("re-import", _store(table, StoredBars(unchanged=len(table))), before=_filled(table))
    yield [
        Contest("fresh daily bars, blocks included", "bars", fresh, raw, Target(at_least=0.8)),
        Contest("the same daily bars again", "bars", again, raw, Target(at_least=0.4)),
        sync_contest(stage),
    ]


def make_assets(count: int) -> NDArray[np.int32]:
    """The ids of new assets."""
    made = [Asset(slug=f"asset-{index}", symbol=f"ASSET{index}", name=f"Asset {index}") for index in range(count)]
    for asset in made:
        asset.set_keys()
    return np.array([asset.pk for asset in Asset.objects.bulk_create(made)], dtype=np.int32)


def _empty(attempt: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {daily_bars.TABLE}, {blocks.TABLE}")  # literal names
        # What one side has left to write must not burden the other.
        cursor.execute("CHECKPOINT")


def _filled(table: BarTable) -> Callable[[int], None]:
    def fill(attempt: int) -> None:
        _empty(attempt)
        daily_bars.store(table, at=clock.now())
        with connection.cursor() as cursor:
            cursor.execute("CHECKPOINT")

    return fill


def _store(table: BarTable, expected: StoredBars) -> Callable[[int], float]:
    def store(attempt: int) -> float:
        stored = daily_bars.store(table, at=clock.now())
        if stored != expected:
            raise BenchFailed(f"{stored} instead of {expected}")
        return len(table)

    return store


def _require_same_bars(table: BarTable, copy: Callable[[int], float]) -> None:
    """The rows of both sides are the same to the last digit, and the blocks say what the rows say."""
    _empty(0)
    copy(0)
    theirs = _checksum()
    _empty(0)
    daily_bars.store(table, at=clock.now())
    require_same("count and checksum of the daily bars", _checksum(), theirs)
    asset_ids = np.unique(table.asset_id)
    days = len(table) // len(asset_ids)
    start = date_of(int(table.day[0]))
    for vector in blocks.VECTORS:
        frame = frames.price_frame(asset_ids.tolist(), start=start, end=start + timedelta(days=days), vector=vector)
        expected = table.values[:, blocks.FIELDS.index(vector)].reshape(len(asset_ids), days)
        if not np.array_equal(frame.values, expected, equal_nan=True):
            raise BenchFailed(f"the blocks do not say what the rows say about {vector}")


def _checksum() -> tuple[int, int]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*), coalesce(bit_xor(hashtextextended(b::text, 0)), 0) FROM {daily_bars.TABLE} b"  # noqa: S608  # a literal name
        )
        count, checksum = cursor.fetchone()
        return int(count), int(checksum)
