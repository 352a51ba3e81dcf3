"""Suite `panel`: the prices of the whole universe into one array, from blocks and from rows."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from config.bench.contest import Contest, Target, Work
from config.bench.database import Database
from config.bench.dataset import bars, date_of
from config.bench.errors import BenchFailed
from config.bench.ingest import make_assets
from config.bench.stage import Stage
from config.kernel import clock
from markets import frames, sources
from markets.actions import bars as daily_bars

ASSETS, DAYS = 5_000, 1_000
_AT_ONCE = 500

_ROW = np.dtype(
    [
        ("columns", ">i2"),
        ("asset_length", ">i4"),
        ("asset_id", ">i4"),
        ("day_length", ">i4"),
        ("day", ">i4"),
        ("close_length", ">i4"),
        ("close", ">f8"),
    ]
)
_HEADER_BYTES, _END_BYTES = 19, 2


@contextmanager
def contests(stage: Stage) -> Iterator[Sequence[Contest]]:
    """One read of everything; a plain copy of the same memory is the context."""
    asset_ids = make_assets(stage.scaled(ASSETS))
    stage.say(f"storing {DAYS} bars each of {len(asset_ids)} assets")
    source_id = sources.id_of("bench")
    for first in range(0, len(asset_ids), _AT_ONCE):
        part = bars(asset_ids[first : first + _AT_ONCE], days=DAYS, source_id=source_id)
        daily_bars.store(part, at=clock.now())
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")
    start = date_of(int(part.day[0]))
    end = start + timedelta(days=DAYS)
    read_rows = _rows(stage.database, asset_ids, start=start, end=end)

    def read_blocks() -> NDArray[np.float64]:
        return frames.price_frame(asset_ids.tolist(), start=start, end=end).values

    prices = read_blocks()
    if not np.array_equal(prices, read_rows(), equal_nan=True):
        raise BenchFailed("blocks and rows do not give the same array")
    blocks = Work("price_frame", lambda attempt: read_blocks().size)
    yield [
        Contest(
            f"{len(asset_ids)} assets x {DAYS} days into one array",
            "values",
            blocks,
            Work("rows by binary COPY", lambda attempt: read_rows().size),
            Target(at_most=0.15),
        ),
        Contest("beside a copy within memory", "values", blocks, Work("memcpy", lambda attempt: prices.copy().size)),
    ]


def _rows(
    database: Database, asset_ids: NDArray[np.int32], *, start: date, end: date
) -> Callable[[], NDArray[np.float64]]:
    """A function that reads the closes as rows; the decoder is NumPy, the driver gives one row at a time."""
    client = database.connect()
    days = (end - start).days
    first_day = (start - date(2000, 1, 1)).days
    by_id = np.sort(asset_ids)
    statement = (
        f"COPY (SELECT asset_id, day, close FROM {daily_bars.TABLE}"  # noqa: S608  # a literal name
        f" WHERE day >= '{start}' AND day < '{end}') TO STDOUT (FORMAT BINARY)"
    )

    def read() -> NDArray[np.float64]:
        with client.cursor() as cursor, cursor.copy(statement) as copy:
            octets = b"".join(copy)
        found = np.frombuffer(
            octets, _ROW, count=(len(octets) - _HEADER_BYTES - _END_BYTES) // _ROW.itemsize, offset=_HEADER_BYTES
        )
        prices = np.full((len(by_id), days), np.nan)
        prices[np.searchsorted(by_id, found["asset_id"]), found["day"] - first_day] = found["close"]
        return prices

    return read
