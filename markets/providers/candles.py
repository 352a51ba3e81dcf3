"""Candles of an hour or a day, folded into daily bars."""

from datetime import datetime

import msgspec
import numpy as np
from numpy.typing import NDArray

from markets.providers.bars import GENESIS, NUMBERS, Bars, FloatArray, day_number, price_objections, without_zeros
from markets.providers.decoding import UNREADABLE, without_literals
from markets.providers.listings import InstantArray
from markets.providers.normalise import UNREADABLE_INSTANT, instants, microseconds, numbers
from markets.providers.rejects import Reason, Reject, readable

DAY_US = 86_400_000_000


class _Prices(msgspec.Struct, rename={"market_cap_web": "marketCap"}):
    open: float | None = None
    high: float | None = None
    low: float | None = None
    close: float | None = None
    volume: float | None = None
    market_cap: float | None = None
    market_cap_web: float | None = None


class _Quotes(_Prices):
    """In the web data API the prices themselves; in the professional API they are below the currency."""

    USD: _Prices | None = None


class _Candle(msgspec.Struct, rename={"opens_web": "timeOpen", "closes_web": "timeClose"}):
    quote: _Quotes
    time_open: str | None = None
    time_close: str | None = None
    opens_web: str | None = None
    closes_web: str | None = None


class _Series(msgspec.Struct):
    quotes: list[msgspec.Raw]
    symbol: str = ""
    name: str = ""


class _Answer(msgspec.Struct):
    data: _Series


_CANDLE = msgspec.json.Decoder(_Candle, strict=False)


def daily_bars(body: bytes, external_id: str, *, at: datetime, source: str) -> Bars:
    """The bars of complete days, from candles that may be shorter than a day.

    A day is there once a candle closes at its end. Its open, high and low need all of its candles from
    midnight on; its volume needs a candle of the whole day. Candles that cannot be right become rejects.
    """
    try:
        series = msgspec.json.decode(without_literals(body), type=_Answer).data
    except UNREADABLE as error:
        reason: Reason = "bad_type" if isinstance(error, msgspec.ValidationError) else "malformed_json"
        return Bars.empty([Reject(external_id, reason, "no candles in the answer", readable(body))])
    rejects: list[Reject] = []
    candles, texts = [], []
    for raw in series.quotes:
        try:
            candles.append(_CANDLE.decode(raw))
        except UNREADABLE as error:
            rejects.append(Reject(external_id, "bad_type", str(error)[:300], readable(bytes(raw))))
        else:
            texts.append(bytes(raw))
    if not candles:
        return Bars.empty(rejects)
    prices = [candle.quote.USD or candle.quote for candle in candles]
    column = {name: numbers([getattr(price, name) for price in prices]) for name in NUMBERS}
    web_cap = numbers([price.market_cap_web for price in prices])
    column["market_cap"] = np.where(np.isnan(column["market_cap"]), web_cap, column["market_cap"])
    opens = instants([candle.time_open or candle.opens_web for candle in candles])
    closes = instants([candle.time_close or candle.closes_web for candle in candles])
    good = _judge(column, opens, closes, at, external_id, texts, rejects)
    order = np.flatnonzero(good)[np.argsort(opens[good], kind="stable")]
    order = order[np.append(opens[order][1:] != opens[order][:-1], np.ones(min(1, len(order)), dtype=np.bool_))]
    observed = without_zeros(column)
    bars = _fold({name: values[order] for name, values in observed.items()}, opens[order], closes[order])
    day = bars.pop("day").astype(np.int32)
    return Bars.of_one(
        external_id,
        source,
        day,
        symbol=series.symbol,
        name=series.name,
        rejects=rejects,
        repeats=len(candles) - int((~good).sum()) - len(day),
        **bars,
    )


def _judge(
    column: dict[str, FloatArray],
    opens: InstantArray,
    closes: InstantArray,
    at: datetime,
    external_id: str,
    texts: list[bytes],
    rejects: list[Reject],
) -> NDArray[np.bool_]:
    objections: tuple[tuple[Reason, NDArray[np.bool_]], ...] = (
        ("bad_type", (opens <= UNREADABLE_INSTANT) | (closes <= UNREADABLE_INSTANT) | (closes < opens)),
        ("ancient_timestamp", opens < day_number(GENESIS) * DAY_US),
        ("future_timestamp", opens > microseconds(at)),
        *price_objections(column),
    )
    good = np.ones(len(opens), dtype=np.bool_)
    for reason, mask in objections:
        for index in np.flatnonzero(mask & good).tolist():
            rejects.append(Reject(external_id, reason, "a candle", readable(texts[index])))
        good &= ~mask
    return good


def _fold(column: dict[str, FloatArray], opens: InstantArray, closes: InstantArray) -> dict[str, FloatArray]:
    """Candles in the order of time to the bars of complete days, with the number of the `day`."""
    if not len(opens):
        return {name: np.empty(0) for name in ("day", *NUMBERS)}
    day = opens // DAY_US
    first = np.flatnonzero(np.append(True, day[1:] != day[:-1]))
    last = np.append(first[1:], len(day)) - 1
    # A candle ends on midnight, or a microsecond, a millisecond or a second before it.
    complete = closes[last] >= (day[last] + 1) * DAY_US - 1_000_000
    covered = np.add.reduceat(closes - opens, first) >= DAY_US - 60_000_000

    def where_covered(values: FloatArray) -> FloatArray:
        return np.asarray(np.where(covered, values, np.nan)[complete])

    return {
        "day": day[last].astype(np.float64)[complete],
        "open": where_covered(column["open"][first]),
        "high": where_covered(np.fmax.reduceat(column["high"], first)),
        "low": where_covered(np.fmin.reduceat(column["low"], first)),
        "close": column["close"][last][complete],
        "volume": np.where(covered & (first == last), column["volume"][last], np.nan)[complete],
        "market_cap": column["market_cap"][last][complete],
    }
