"""Daily bars from a file: CSV (plain, .gz, .xz) or Parquet, read in batches of bounded size."""

import csv
import gzip
import io
import lzma
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from markets.providers.bars import Bars
from markets.providers.daily_rows import DailyRows
from markets.providers.errors import Malformed, TooLarge
from markets.providers.rejects import Reject, readable

ALIASES: Mapping[str, tuple[str, ...]] = {
    "id": ("id",),
    "symbol": ("symbol",),
    "name": ("name",),
    "date": ("date", "timestamp"),
    "open": ("open",),
    "high": ("high",),
    "low": ("low",),
    "close": ("close", "price"),
    "volume": ("volume",),
    "market_cap": ("market_cap", "cap"),
    "source": ("source",),
    "mcap_source": ("mcap_source",),
}
OPENERS: Mapping[str, Callable[..., Any]] = {".gz": gzip.open, ".xz": lzma.open}

BATCH_ROWS = 65_536
BATCH_BYTES = 8 << 20


class DailyFile:
    """One file of daily bars.

    Required columns: `symbol` or `id`, `date` (or `timestamp`) and `close` (or `price`); `ALIASES` has the others.
    An open, high or low that is not positive and a cap of 0 are missing. A row that cannot be right becomes a
    reject with its line; so does a second row for the same coin and day.
    """

    def __init__(self, path: Path, *, day_shift: int = 0, byte_cap: int = 4 << 30) -> None:
        """`day_shift=-1` is for sources that date a close by the midnight that ends the day.

        `byte_cap` bounds the file as decompressed; beyond it reading raises `TooLarge`.
        """
        self._path = path
        self._day_shift = day_shift
        self._byte_cap = byte_cap
        self._is_parquet = path.suffix == ".parquet"

    def scan(self) -> int:
        """About how many rows there are: exact for Parquet, the lines for CSV. Raises like `batches`."""
        with self._troubles():
            if self._is_parquet:
                return self._open_parquet().metadata.num_rows
            lines, last = 0, b"\n"
            with self._open_text() as stream:
                while chunk := stream.read(1 << 20):
                    lines += chunk.count(b"\n")
                    last = chunk[-1:]
            return max(0, lines + (last != b"\n") - 1)

    def batches(self, at: datetime, *, symbols: Collection[str] | None = None) -> Iterator[Bars]:
        """The bars in the order of the file; only those of `symbols` (or ids, in any case) where given.

        `Malformed` if it is not such a file, or breaks off; what came before it broke off has been yielded.
        """
        rows = DailyRows(at, self._day_shift, None if symbols is None else {symbol.casefold() for symbol in symbols})
        with self._troubles():
            for batch, lines, broken in self._parquet_batches() if self._is_parquet else self._csv_batches():
                yield rows.bars(batch, lines, broken)

    @contextmanager
    def _troubles(self) -> Iterator[None]:
        try:
            yield
        except (pa.ArrowException, OSError, EOFError, zlib.error, lzma.LZMAError) as error:
            if isinstance(error, FileNotFoundError | PermissionError | IsADirectoryError):
                raise
            raise Malformed("file", f"{self._path.name}: {error}") from error

    def _open_text(self) -> io.BufferedReader:
        opener = OPENERS.get(self._path.suffix, open)
        return io.BufferedReader(_Capped(opener(self._path, "rb"), self._byte_cap), 1 << 20)

    def _open_parquet(self) -> pq.ParquetFile:
        file = pq.ParquetFile(self._path)
        metadata = file.metadata
        size = sum(metadata.row_group(index).total_byte_size for index in range(metadata.num_row_groups))
        if size > self._byte_cap:
            raise TooLarge("file", f"{self._path.name} is over {self._byte_cap} bytes")
        return file

    def _parquet_batches(self) -> Iterator[tuple[pa.RecordBatch, NDArray[np.int64], list[Reject]]]:
        file = self._open_parquet()
        columns = _columns(file.schema_arrow.names)
        row = 1
        for batch in file.iter_batches(batch_size=BATCH_ROWS, columns=list(columns.values())):
            renamed = pa.RecordBatch.from_arrays([batch.column(name) for name in columns.values()], list(columns))
            yield renamed, np.arange(row, row + len(batch)), []
            row += len(batch)

    def _csv_batches(self) -> Iterator[tuple[pa.RecordBatch, NDArray[np.int64], list[Reject]]]:
        broken: list[Reject] = []
        broken_lines: list[int] = []

        def note(row: pyarrow.csv.InvalidRow) -> Literal["skip"]:
            detail = f"{row.actual_columns} values for {row.expected_columns} columns"
            number = row.number or 0  # known, as Arrow reads with one thread
            broken.append(Reject("", "bad_type", detail, readable(row.text.encode(errors="replace")), number))
            broken_lines.append(number)
            return "skip"

        with self._open_text() as stream:
            header = stream.peek(1).decode("utf-8-sig", errors="replace").splitlines()[:1]
            columns = _columns(next(csv.reader(header), []))
            reader = pyarrow.csv.open_csv(
                stream,
                read_options=pyarrow.csv.ReadOptions(use_threads=False, block_size=BATCH_BYTES),
                parse_options=pyarrow.csv.ParseOptions(invalid_row_handler=note, ignore_empty_lines=False),
                convert_options=pyarrow.csv.ConvertOptions(
                    # As texts: one bad number must not cost the batch.
                    column_types={name: pa.string() for name in columns.values()},
                    include_columns=list(columns.values()),
                    check_utf8=False,
                ),
            )
            line = 2
            for batch in reader:
                # Arrow has named all broken lines of this batch, and maybe some of later ones.
                candidates = np.arange(line, line + len(batch) + len(broken_lines))
                lines = candidates[~np.isin(candidates, broken_lines)][: len(batch)]
                line = int(lines[-1]) + 1 if len(lines) else line
                renamed = pa.RecordBatch.from_arrays([batch.column(name) for name in columns.values()], list(columns))
                yield renamed, lines, broken.copy()
                broken.clear()
                broken_lines[:] = [number for number in broken_lines if number >= line]


class _Capped(io.RawIOBase):
    """A stream that refuses to go on beyond so many bytes."""

    def __init__(self, raw: IO[bytes], cap: int) -> None:
        self._raw = raw
        self._left = cap

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        content = self._raw.read(len(buffer))
        self._left -= len(content)
        if self._left < 0:
            raise TooLarge("file", "the file, decompressed, is over its byte cap")
        buffer[: len(content)] = content
        return len(content)

    def close(self) -> None:
        self._raw.close()
        super().close()


def _columns(names: Collection[str]) -> dict[str, str]:
    """Our name of each column that the file has, to the file's own."""
    own = {name.strip().lower(): name for name in names}
    found = {
        ours: own[next(alias for alias in aliases if alias in own)]
        for ours, aliases in ALIASES.items()
        if any(alias in own for alias in aliases)
    }
    missing = [name for name in ("date", "close") if name not in found]
    if "symbol" not in found and "id" not in found:
        missing.insert(0, "symbol")
    if missing:
        raise Malformed("file", f"no column {', '.join(missing)} among {', '.join(list(own)[:20])}")
    return found
