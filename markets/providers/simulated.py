"""The simulated market as a provider, with quotes that move within the day."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import msgspec
import numpy as np

from markets.providers import normalise
from markets.providers.bars import Bars, FloatArray, day_number
from markets.providers.decoding import UNREADABLE
from markets.providers.errors import NotFound
from markets.providers.indicators import (
    BTC_DOMINANCE,
    ETH_DOMINANCE,
    TOTAL_MARKET_CAP,
    TOTAL_VOLUME,
    Claim,
    Observations,
    judge,
)
from markets.providers.listings import INSTANTS, MISSING_INSTANT, NUMBERS, TEXTS, InstantArray, Listings
from markets.providers.provider import RawAnswer
from markets.providers.rejects import Reject, readable
from markets.providers.simulation import BLOCK, SimulatedMarket

PAGE_SIZE = 250
DAYS_BACK = 8  # of bars that a listing looks at: a week's change, from any moment of the day
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class _Recent:
    """What a listing of one day needs to know, days x coins; the last row is that day."""

    day: int  # since the start of the market
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray
    ath: FloatArray  # over the days before; NaN where there was none
    ath_day: FloatArray
    atl: FloatArray
    atl_day: FloatArray


class _Page(msgspec.Struct):
    """The body of a simulated answer: columns, as in `Listings`."""

    columns: dict[str, list[Any]]


class _Sums(msgspec.Struct):
    """The body of a simulated answer about the market as a whole."""

    at: datetime
    values: dict[str, float]


def _share(symbols: list[str], symbol: str, caps: FloatArray, total: float) -> float:
    """Per cent of the total; of coins that share the symbol the largest one is meant."""
    of_symbol = [cap for cap, known in zip(caps.tolist(), symbols, strict=True) if known == symbol]
    return 100 * max(of_symbol, default=0.0) / total if total else 0.0


class Simulated:
    """The provider of the demo: everything it says is made up, and labelled so."""

    name = "simulated"
    label = "Simulated market"
    is_simulated = True

    def __init__(self, market: SimulatedMarket) -> None:
        self.market = market
        self._recent: _Recent | None = None

    def listings(self, limit: int, at: datetime) -> Iterator[tuple[RawAnswer, Listings]]:
        """The `limit` largest listed coins at that moment, page by page; the same for the same market and moment.

        The prices run through the daily bars: from a day's open at 00:00 UTC to its close, within high and low.
        """
        market = self._columns(at)
        order = np.argsort(market["rank"], kind="stable")[:limit]
        for first in range(0, max(1, len(order)), PAGE_SIZE):
            chosen = order[first : first + PAGE_SIZE].tolist()
            columns = {
                name: [values[i] for i in chosen] if isinstance(values, list) else values[chosen].tolist()
                for name, values in market.items()
            }
            body = msgspec.json.encode({"columns": columns})
            endpoint = f"/listings?first={first}"
            answer = RawAnswer(self.name, endpoint, 200, "application/json", body, at)
            yield answer, self.parse_listings(body, at)

    def daily_history(self, external_id: str, start: date, end: date, at: datetime) -> tuple[RawAnswer | None, Bars]:
        """Complete bars with start <= day < end, also beyond the window. `NotFound` for an unknown coin."""
        places = [index for index, coin in enumerate(self.market.coins) if coin.slug == external_id]
        if not places:
            raise NotFound(self.name, "no such coin in the simulated market")
        place = places[0]
        coin = self.market.coins[place]
        until = min(end, at.astimezone(UTC).date())
        days = (until - self.market.start).days
        if days < 1 or start >= until:
            return None, Bars.empty()
        paths = self.market.paths(place // BLOCK * BLOCK, days)
        column = place % BLOCK
        rows = np.flatnonzero(paths.traded[:, column])
        rows = rows[rows >= (start - self.market.start).days]
        return None, Bars.of_one(
            external_id,
            self.name,
            (rows + day_number(self.market.start)).astype(np.int32),
            symbol=coin.symbol,
            name=coin.name,
            open=paths.open[rows, column],
            high=paths.high[rows, column],
            low=paths.low[rows, column],
            close=paths.close[rows, column],
            volume=paths.volume[rows, column],
            market_cap=paths.close[rows, column] * self.market.supply[place],
        )

    def indicators(self, at: datetime) -> tuple[RawAnswer, Observations]:
        """The sums over the simulated market at that moment, and the shares of the coins that play BTC and ETH."""
        market = self._columns(at)
        caps = np.nan_to_num(np.asarray(market["market_cap"], dtype=np.float64))
        total = float(caps.sum())
        values = {
            TOTAL_MARKET_CAP: total,
            TOTAL_VOLUME: float(np.nansum(np.asarray(market["volume"], dtype=np.float64))),
            BTC_DOMINANCE: _share(market["symbol"], "BTC", caps, total),
            ETH_DOMINANCE: _share(market["symbol"], "ETH", caps, total),
        }
        body = msgspec.json.encode(_Sums(at, values))
        answer = RawAnswer(self.name, "/indicators", 200, "application/json", body, at)
        return answer, self.parse_indicators(body, at)

    def parse_indicators(self, body: bytes, at: datetime) -> Observations:
        """The sums as `indicators` made them."""
        try:
            sums = msgspec.json.decode(body, type=_Sums)
        except UNREADABLE as error:
            return Observations(rejects=[Reject("", "malformed_json", type(error).__name__, readable(body))])
        return judge((Claim(name, sums.at, value, body) for name, value in sums.values.items()), at=at)

    def parse_listings(self, body: bytes, at: datetime) -> Listings:
        """A page as `listings` made it, or a single row as text."""
        if (row := Listings.from_text(body)) is not None:
            return normalise.listings(row, at=at, raw=lambda: [body])
        try:
            columns = msgspec.json.decode(body, type=_Page).columns
            texts: dict[str, Any] = {name: list(map(str, columns[name])) for name in TEXTS}
            numbers: dict[str, Any] = {name: normalise.numbers(columns[name]) for name in NUMBERS}
            instants: dict[str, Any] = {name: np.array(columns[name], dtype=np.int64) for name in INSTANTS}
            draft = Listings(**texts, **numbers, **instants, categories=[tuple(tags) for tags in columns["categories"]])
        except (*UNREADABLE, KeyError, TypeError, ValueError) as error:
            return Listings.empty([Reject("", "malformed_json", type(error).__name__, readable(body))])
        return normalise.listings(draft, at=at, raw=lambda: [draft.text(i).encode() for i in range(len(draft))])

    def parse_history(self, body: bytes, external_id: str, at: datetime) -> Bars:
        """Nothing: simulated history never travels as text."""
        return Bars.empty([Reject(external_id, "malformed_json", "simulated history has no text", readable(body))])

    def _columns(self, at: datetime) -> dict[str, Any]:
        market = self.market
        moment = at.astimezone(UTC)
        day = (moment.date() - market.start).days
        if day < 0:
            listed = np.empty(0, dtype=np.intp)
            recent = self._look_back(0)
        else:
            listed = np.flatnonzero(market.listed <= day)
            recent = self._look_back(day)
        fraction = (moment - datetime.combine(moment.date(), time.min, UTC)) / DAY
        now = day + fraction
        price = self._price(recent, now)
        hours = np.array([self._price(recent, now - hour / 24) for hour in range(24)])
        high, low = np.fmax.reduce(hours), np.fmin.reduce(hours)
        new_high, new_low = ~(recent.ath >= high), ~(recent.atl <= low)
        instant = normalise.microseconds(at)
        supply = market.supply
        cap = price * supply
        rank = np.empty(len(cap))
        rank[listed[np.argsort(-cap[listed], kind="stable")]] = np.arange(1, len(listed) + 1)
        coins = [market.coins[i] for i in listed.tolist()]
        columns: dict[str, Any] = {
            "external_id": [coin.slug for coin in coins],
            "symbol": [coin.symbol for coin in coins],
            "name": [coin.name for coin in coins],
            "slug": [coin.slug for coin in coins],
            "image": [""] * len(coins),
            "categories": [[coin.category] for coin in coins],
        }
        numbers = {
            "price": price,
            "market_cap": cap,
            "volume": (1 - fraction) * recent.volume[-2] + fraction * recent.volume[-1],
            "rank": rank,
            "change_1h": 100 * (price / self._price(recent, now - 1 / 24) - 1),
            "change_24h": 100 * (price / self._price(recent, now - 1) - 1),
            "change_7d": 100 * (price / self._price(recent, now - 7) - 1),
            "high_24h": high,
            "low_24h": low,
            "ath": np.where(new_high, high, recent.ath),
            "atl": np.where(new_low, low, recent.atl),
            "circulating_supply": supply,
            "total_supply": supply,
            "max_supply": np.full(len(supply), np.nan),
            "as_of": np.full(len(supply), instant),
            "ath_at": np.where(new_high, instant, self._instants(recent.ath_day)),
            "atl_at": np.where(new_low, instant, self._instants(recent.atl_day)),
        }
        return columns | {name: values[listed] for name, values in numbers.items()}

    def _price(self, recent: _Recent, moment: float) -> FloatArray:
        """The price of every coin at a moment in days since the start; NaN before its first day."""
        day = int(np.floor(moment))
        row = day - (recent.day - DAYS_BACK)
        if day < 0:
            return np.full(self.market.assets, np.nan)
        fraction = moment - day
        opening, close = np.log(recent.open[row]), np.log(recent.close[row])
        # Zero at both ends of the day, and never beyond one.
        random = self.market.random(f"within day {day}")
        turns, phase = random.integers(1, 7, self.market.assets), random.random(self.market.assets)
        swing = np.sin(2 * np.pi * (turns * fraction + phase))
        ripple = np.sin(2 * np.pi * (37 * fraction + 3 * phase))
        wave = np.sin(np.pi * fraction) * (0.7 * swing + 0.3 * ripple)
        above = np.log(recent.high[row]) - np.maximum(opening, close)
        below = np.minimum(opening, close) - np.log(recent.low[row])
        line = opening + (close - opening) * fraction
        return np.asarray(np.exp(line + wave * np.where(wave > 0, above, below)))

    def _instants(self, days: FloatArray) -> InstantArray:
        """Midnights of days since the start."""
        start = normalise.microseconds(datetime.combine(self.market.start, time.min, UTC))
        known = np.nan_to_num(days).astype(np.int64) * 86_400_000_000 + start
        return np.where(np.isnan(days), MISSING_INSTANT, known)

    def _look_back(self, day: int) -> _Recent:
        if self._recent is not None and self._recent.day == day:
            return self._recent
        blocks = [self._block(first, day) for first in self.market.blocks()]
        columns = {name: np.concatenate([block[name] for block in blocks], axis=-1) for name in blocks[0]}
        self._recent = _Recent(day=day, **columns)
        return self._recent

    def _block(self, first: int, day: int) -> dict[str, FloatArray]:
        market = self.market
        paths = market.paths(first, day + 1)
        listed = np.arange(day + 1)[:, None] >= market.listed[first : first + BLOCK]
        padding = np.full((max(0, DAYS_BACK - day), listed.shape[1]), np.nan)
        result: dict[str, FloatArray] = {}
        for name in ("open", "high", "low", "close", "volume"):
            values = np.where(listed, getattr(paths, name), np.nan)
            result[name] = np.vstack([padding, values[-DAYS_BACK - 1 :]])
        before = listed[:day]
        for name, extreme in (("ath", paths.high), ("atl", -paths.low)):
            values = np.where(before, extreme[:day], -np.inf)
            known = before.any(axis=0)
            place = np.argmax(values, axis=0) if day else np.zeros(listed.shape[1], dtype=np.intp)
            best = values[place, np.arange(len(place))] if day else np.full(len(place), np.nan)
            result[name] = np.where(known, np.abs(best), np.nan)
            result[f"{name}_day"] = np.where(known, place, np.nan)
        return result
