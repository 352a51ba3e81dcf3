"""Daily bars from a file into the market."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np
from django.db import connection, transaction

from config.kernel import clock
from markets import frames, sources
from markets.actions import assets, bars, closing_quotes, market, quotes
from markets.actions.bars import StoredBars
from markets.errors import MarketIsSimulated
from markets.providers.bars import Bars
from markets.providers.file import DailyFile
from markets.providers.rejects import Reject

PROVIDER = "file"
_ROWS_AT_ONCE = 1_000_000
MAX_REJECTS_SHOWN = 1_000


@dataclass(frozen=True, slots=True)
class Parameters:
    """`day_shift` is -1 for sources that date a close by the midnight that ends the day."""

    path: Path
    day_shift: int = 0
    skip_bad: bool = False
    replace_demo: bool = False
    dry_run: bool = False


@dataclass(slots=True)
class Report:
    """What a file held and what became of it; the first thousand bad rows are kept by name."""

    rows: int = 0
    assets: int = 0
    bad: int = 0
    rejects: list[Reject] = field(default_factory=list)
    stored: StoredBars = field(default_factory=StoredBars)
    quoted: int = 0
    is_stored: bool = False


Progress = Callable[[int], None]


def perform(
    parameters: Parameters,
    *,
    at: datetime,
    on_read: Progress = lambda rows: None,
    on_stored: Progress = lambda rows: None,
) -> Report:
    """Check the whole file, then store it in one transaction; again, it changes nothing.

    A bad row stops the import before anything is stored, unless `skip_bad`. A simulated market is only replaced when
    `replace_demo` says so, or only looked at: raises `MarketIsSimulated`, and for an unreadable file what `DailyFile`
    raises.
    """
    if market.simulation() is not None and not (parameters.replace_demo or parameters.dry_run):
        raise MarketIsSimulated
    file = DailyFile(parameters.path, day_shift=parameters.day_shift)
    report = _check(file, at=at, on_read=on_read)
    if parameters.dry_run or (report.bad and not parameters.skip_bad):
        return report
    with transaction.atomic():
        with connection.cursor() as cursor:
            # First of all: a sync takes it before it touches anything that an import touches, too.
            quotes.lock(cursor)
        if market.simulation() is not None:
            # Now: what others made of it while the file was read is of the market that goes.
            market.clear(at=clock.now())
        _store(file, report, at=at, on_stored=on_stored)
    report.is_stored = True
    return report


def _check(file: DailyFile, *, at: datetime, on_read: Progress) -> Report:
    report = Report()
    keys: set[str] = set()
    for batch in file.batches(at):
        keys.update(batch.keys)
        report.rows += batch.rows_in
        report.bad += len(batch.rejects)
        report.rejects += batch.rejects[: MAX_REJECTS_SHOWN - len(report.rejects)]
        on_read(batch.rows_in)
    report.assets = len(keys)
    return report


def _store(file: DailyFile, report: Report, *, at: datetime, on_stored: Progress) -> None:
    touched: set[int] = set()
    waiting: list[Bars] = []

    def flush() -> None:
        if waiting:
            asset_ids, stored = store_bars(Bars.concat(waiting), provider=PROVIDER, at=at, on_stored=on_stored)
            report.stored += stored
            touched.update(asset_ids)
            waiting.clear()

    for batch in file.batches(at):
        waiting.append(batch)
        if sum(map(len, waiting)) >= _ROWS_AT_ONCE:
            flush()
    flush()
    report.quoted = closing_quotes.set_from_last_bars(sorted(touched), at=at)


@transaction.atomic
def store_bars(
    batch: Bars,
    *,
    provider: str,
    at: datetime,
    is_simulated: bool = False,
    on_stored: Progress = lambda rows: None,
) -> tuple[list[int], StoredBars]:
    """Store bars of coins that are known by symbol; returns the ids of their assets and what became of the bars.

    The source of a bar is the provider, and behind a colon the origin that the provider names for it.
    """
    names = [provider if origin in ("", provider) else f"{provider}:{origin}" for origin in batch.sources]
    source_ids = np.array([sources.id_of(name, is_simulated=is_simulated) for name in names], dtype=np.int16)
    found = assets.by_key(batch, source_id=sources.id_of(provider, is_simulated=is_simulated))
    asset_ids = np.array([asset.pk for asset in found], dtype=np.int32)
    table = frames.bar_table(batch, asset_ids=asset_ids, source_ids=source_ids)
    return asset_ids.tolist(), bars.store(table, at=at, on_progress=on_stored)
