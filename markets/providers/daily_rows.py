"""Rows of a file of daily bars, judged batch by batch."""

import json
from collections.abc import Collection, Iterator
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from markets.providers.bars import (
    EPOCH,
    GENESIS,
    NUMBERS,
    Bars,
    FloatArray,
    day_number,
    price_objections,
    without_zeros,
)
from markets.providers.errors import TooLarge
from markets.providers.normalise import SYMBOL_LIMIT, texts
from markets.providers.rejects import Reason, Reject, readable

ESTIMATED = "supply_interp"  # the `mcap_source` of caps that are price x interpolated supply
COIN_LIMIT = 100_000
TEXT_LIMIT = 200
ORIGIN_LIMIT, ORIGINS = 50, 1_000  # the length of a `source`, and how many a file may name
KNOWN_DAYS = 65_536  # texts of dates whose day is remembered; a century has fewer
NO_DAY = int(np.iinfo(np.int32).min)


class DailyRows:
    """Turns batches into bars, and remembers which coin has had which day."""

    def __init__(self, at: datetime, day_shift: int, symbols: Collection[str] | None) -> None:
        self._shift = day_shift
        self._symbols = symbols
        self._first = day_number(GENESIS)
        self._last = day_number(at.astimezone(UTC).date())
        self._coins: dict[str, int] = {}
        # One bit per coin and day: bounded by the number of coins, not by the length of the file.
        self._seen = np.zeros((64, (self._last - self._first) // 8 + 1), dtype=np.uint8)
        self._days: dict[str, int] = {}
        self._origins: set[str] = set()

    def bars(self, batch: pa.RecordBatch, lines: NDArray[np.int64], broken: list[Reject]) -> Bars:
        """The good rows of a batch; the others as rejects."""
        wanted = self._wanted(batch)
        if not wanted.all():
            batch, lines = batch.filter(pa.array(wanted)), lines[wanted]
        rows = len(batch)
        symbol, name = _texts(batch, "symbol"), _texts(batch, "name")
        key = _texts(batch, "id") if "id" in batch.schema.names else symbol
        day = self._day(batch.column("date"))
        day = np.where(day == NO_DAY, NO_DAY, day + self._shift)
        column: dict[str, FloatArray] = {}
        unreadable = np.zeros(rows, dtype=np.bool_)
        for number in NUMBERS:
            if number in batch.schema.names:
                column[number], bad = _numbers(batch.column(number))
                unreadable |= bad
            else:
                column[number] = np.full(rows, np.nan)
        source = _texts(batch, "source")
        limits = ((key, TEXT_LIMIT), (symbol, SYMBOL_LIMIT), (name, TEXT_LIMIT), (source, ORIGIN_LIMIT))
        too_long = np.logical_or.reduce([values.longer_than(limit) for values, limit in limits])
        objections: list[tuple[Reason, NDArray[np.bool_]]] = [
            ("missing_field", key.code < 0),
            ("text_too_long", too_long),
            ("bad_type", unreadable | (day == NO_DAY)),
            ("future_timestamp", day > self._last),
            ("ancient_timestamp", day < self._first),
            *price_objections(column),
        ]
        good = np.logical_and.reduce([~mask for _, mask in objections])
        objections.append(("duplicate", self._repeated(key, day, good)))
        good &= ~objections[-1][1]
        rejects = sorted([*broken, *_rejects(batch, lines, key, objections)], key=lambda reject: reject.line or 0)
        used, codes = np.unique(key.code[good], return_inverse=True)
        first_of = np.flatnonzero(good)[np.unique(codes, return_index=True)[1]] if len(codes) else used
        sources, source_code = self._sources(source, good)
        origin = _texts(batch, "mcap_source")
        estimated = np.array([value == ESTIMATED for value in [*origin.values, ""]], dtype=np.bool_)
        prices: dict[str, Any] = {number: values[good] for number, values in without_zeros(column).items()}
        return Bars(
            keys=[key.values[code] for code in used.tolist()],
            symbols=[symbol.of(row) for row in first_of.tolist()],
            names=[name.of(row) for row in first_of.tolist()],
            code=codes.astype(np.int32),
            day=day[good].astype(np.int32),
            **prices,
            sources=sources,
            source_code=source_code,
            estimated=estimated[origin.code][good],
            rejects=rejects,
        )

    def _wanted(self, batch: pa.RecordBatch) -> NDArray[np.bool_]:
        chosen = np.zeros(len(batch), dtype=np.bool_)
        filled = np.zeros(len(batch), dtype=np.bool_)
        for name in ("id", "symbol"):
            values = _texts(batch, name)
            filled |= values.code >= 0
            if self._symbols is not None:
                matches = [value.casefold() in self._symbols for value in values.values]
                chosen |= np.array([*matches, False], dtype=np.bool_)[values.code]
        if self._symbols is not None:
            return chosen
        # An empty line is no row; a row without a coin still has something else in it.
        dated = _texts(batch, "date").code >= 0 if pa.types.is_string(batch.schema.field("date").type) else ~filled
        return filled | dated

    def _day(self, column: pa.Array) -> NDArray[np.int32]:
        kind = column.type
        if pa.types.is_timestamp(kind):
            micros = column.cast(pa.timestamp("us", tz=kind.tz), safe=False).cast(pa.int64())
            days = pc.floor(pc.divide(micros.cast(pa.float64()), 86_400_000_000.0))
        elif pa.types.is_date(kind):
            days = column.cast(pa.date32()).cast(pa.int32()).cast(pa.float64())
        else:
            written = _encode(column.cast(pa.string(), safe=False))
            known = np.array([*(self._parse(text) for text in written.values), NO_DAY], dtype=np.int32)
            return known[written.code]
        values = np.asarray(days.fill_null(NO_DAY).to_numpy(zero_copy_only=False))
        return np.asarray(np.clip(values, NO_DAY, np.iinfo(np.int32).max), dtype=np.int32)

    def _parse(self, text: str) -> int:
        """The day of an ISO date or moment; a moment with an offset counts by its UTC day."""
        known = self._days.get(text)
        if known is None:
            try:
                moment = datetime.fromisoformat(text.strip())
            except ValueError:
                known = NO_DAY
            else:
                known = _day_of(moment)
            if len(self._days) < KNOWN_DAYS:
                self._days[text] = known
        return known

    def _sources(self, source: "_Texts", good: NDArray[np.bool_]) -> tuple[list[str], NDArray[np.int32]]:
        """The sources of the good rows, "file" where none is said, and each row's place among them."""
        used, code = np.unique(source.code[good], return_inverse=True)
        names = [source.values[place] if place >= 0 else "file" for place in used.tolist()]
        self._origins.update(names)
        if len(self._origins) > ORIGINS:
            raise TooLarge("file", f"more than {ORIGINS} sources")
        return names, code.astype(np.int32)

    def _repeated(self, key: "_Texts", day: NDArray[np.int32], good: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """The good rows whose coin has had this day before; marks the others."""
        coin_of = np.zeros(len(key.values) + 1, dtype=np.int64)
        for code in np.unique(key.code[good]).tolist():
            coin_of[code] = self._coins.setdefault(key.values[code], len(self._coins))
        if len(self._coins) > COIN_LIMIT:
            raise TooLarge("file", f"more than {COIN_LIMIT} coins")
        if len(self._coins) > len(self._seen):
            grown = np.zeros((2 * len(self._coins), self._seen.shape[1]), dtype=np.uint8)
            grown[: len(self._seen)] = self._seen
            self._seen = grown
        rows = np.flatnonzero(good)
        coin, place = coin_of[key.code[rows]], (day[rows] - self._first).astype(np.int64)
        byte, bit = place >> 3, (1 << (place & 7)).astype(np.uint8)
        fresh = (self._seen[coin, byte] & bit) == 0
        _, first = np.unique(coin * (self._seen.shape[1] * 8) + place, return_index=True)
        is_first = np.zeros(len(rows), dtype=np.bool_)
        is_first[first] = True
        np.bitwise_or.at(self._seen, (coin, byte), bit)
        repeated = np.zeros(len(good), dtype=np.bool_)
        repeated[rows[~(fresh & is_first)]] = True
        return repeated


class _Texts:
    """A column of texts as codes into its distinct values; -1 where there is none."""

    def __init__(self, code: NDArray[np.int32], values: list[str]) -> None:
        self.code = code
        self.values = values

    def of(self, row: int) -> str:
        return self.values[self.code[row]] if self.code[row] >= 0 else ""

    def longer_than(self, limit: int) -> NDArray[np.bool_]:
        return np.array([*(len(value) > limit for value in self.values), False], dtype=np.bool_)[self.code]


def _texts(batch: pa.RecordBatch, name: str) -> _Texts:
    if name not in batch.schema.names:
        return _Texts(np.full(len(batch), -1, dtype=np.int32), [])
    return _encode(batch.column(name))


def _encode(column: pa.Array) -> _Texts:
    if not isinstance(column, pa.DictionaryArray):
        column = column.dictionary_encode()
    code = np.asarray(column.indices.cast(pa.int32()).fill_null(-1).to_numpy(zero_copy_only=False), dtype=np.int32)
    cleaned = [_cleaned(value) for value in column.dictionary]
    places = {value: place for place, value in enumerate(dict.fromkeys(value for value in cleaned if value))}
    new_code = np.array([*(places.get(value, -1) for value in cleaned), -1], dtype=np.int32)
    return _Texts(new_code[code], list(places))


def _cleaned(value: pa.Scalar) -> str:
    """The text of a value, composed and without what no database keeps."""
    try:
        return texts([str(value.as_py() or "")])[0]
    except UnicodeDecodeError:
        return "\N{REPLACEMENT CHARACTER}"


def _numbers(column: pa.Array) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Floats with NaN for missing, and a mask of what is no number."""
    good = np.zeros(len(column), dtype=np.bool_)
    try:
        if pa.types.is_string(column.type):
            column = pc.if_else(pc.equal(column, pa.scalar("")), pa.scalar(None, pa.string()), column)
        cast = column.cast(pa.float64(), safe=False)
    except pa.ArrowException:
        pairs = [_number(value) for value in column]
        return np.array([pair[0] for pair in pairs]), np.array([pair[1] for pair in pairs], dtype=np.bool_)
    return np.asarray(cast.to_numpy(zero_copy_only=False), dtype=np.float64), good


def _number(value: pa.Scalar) -> tuple[float, bool]:
    try:
        content = value.as_py()
        return (float(content), False) if content not in (None, "") else (np.nan, False)
    except (ValueError, TypeError, UnicodeDecodeError):
        return np.nan, True


def _day_of(moment: datetime) -> int:
    day: date = moment.astimezone(UTC).date() if moment.tzinfo else moment.date()
    return (day - EPOCH).days


def _rejects(
    batch: pa.RecordBatch,
    lines: NDArray[np.int64],
    key: _Texts,
    objections: list[tuple[Reason, NDArray[np.bool_]]],
) -> Iterator[Reject]:
    judged = np.zeros(len(batch), dtype=np.bool_)
    for reason, mask in objections:
        for row in np.flatnonzero(mask & ~judged).tolist():
            raw = json.dumps({name: _shown(batch.column(name)[row]) for name in batch.schema.names}, default=str)
            yield Reject(key.of(row)[:TEXT_LIMIT], reason, "", readable(raw.encode()), int(lines[row]))
        judged |= mask


def _shown(value: pa.Scalar) -> object:
    try:
        return value.as_py()
    except UnicodeDecodeError:
        return "\N{REPLACEMENT CHARACTER}"
