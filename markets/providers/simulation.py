"""A seeded market that never was, as daily paths of prices.

Log returns are beta x market + loading x sector + own noise, each with Student's t innovations and GARCH(1,1)
variance (after Bollerslev 1986), so that tails are fat, calm and wild days cluster, and coins fall together.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from markets.providers import roster
from markets.providers.bars import Bars, FloatArray, day_number

BLOCK = 500  # coins drawn together; part of what defines the market, like the seed
DEGREES_OF_FREEDOM = 5.0
ARCH, GARCH = 0.10, 0.86  # how much of a day's surprise, and of its variance, carries over to the next
WILDEST = 25.0  # bound of the variance, in units of its mean

MARKET_VOLATILITY, SECTOR_VOLATILITY, SECTOR_LOADING = 0.026, 0.015, 0.6
DRIFT = 0.0003
PEG_NOISE, PEG_BOUND = 0.0004, 0.008
DEPEG = (-0.04, -0.12, -0.07, -0.02)  # log distances from the peg on the days of the episode
COLLAPSE = (-1.2, -2.5, -3.0, -2.0)  # log returns of the days of the collapse

# Moments in the window, as fractions of its days.
DEPEG_AT, COLLAPSE_AT, LISTED_BY = 0.40, 0.60, 0.50
CRASHES = ((0.15, "Liquidity crunch", -0.42), (0.45, "Leverage flush", -0.30), (0.75, "Exchange failure", -0.26))

BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Crash:
    """A day on which everything falls together; `severity` is the market's log return beyond its usual noise."""

    name: str
    day: date
    severity: float


@dataclass(frozen=True, slots=True)
class Paths:
    """Daily columns of one block of coins, days x coins, from the first day of the window on."""

    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray
    traded: BoolArray


class SimulatedMarket:
    """A factor market with crashes, pegged coins, one de-peg, one collapse, thin coins and a shared symbol.

    The four arguments, and nothing else, decide every number: keep all four to continue a market later. It goes
    on beyond `end` without changing what was before, and more assets leave the others as they are.
    """

    def __init__(self, seed: int, assets: int, days: int, end: date) -> None:
        """`days` daily bars of up to `assets` coins, the last one of the day before `end`."""
        if assets < 1 or days < 1 or seed < 0:
            raise ValueError("a market needs a seed of 0 or more, and at least one asset and one day")
        self.seed, self.assets, self.days, self.end = seed, assets, days, end
        self.start = end - timedelta(days=days)
        self.coins = [roster.coin(index) for index in range(assets)]
        places = np.arange(assets)
        late = self.random("listing").random(assets) < 0.5
        when = self.random("listing day").random(assets)
        spread = (when * LISTED_BY * days).astype(np.int64)
        self.listed = np.where(late & (places >= roster.NAMED), spread, 0)  # day of the first bar, from the start

    @property
    def crashes(self) -> tuple[Crash, ...]:
        """The named crashes of the window, oldest first."""
        return tuple(
            Crash(name, self.start + timedelta(days=int(share * self.days)), severity)
            for share, name, severity in CRASHES
        )

    @property
    def supply(self) -> FloatArray:
        """Coins in circulation; constant."""
        return np.array([coin.market_cap / coin.price for coin in self.coins])

    def blocks(self) -> range:
        """The first coin of each block."""
        return range(0, self.assets, BLOCK)

    def bars(self) -> Iterator[Bars]:
        """The bars of the window, block by block, each coin's days in order."""
        supply = self.supply
        for first in self.blocks():
            paths = self.paths(first, self.days)
            coins = self.coins[first : first + BLOCK]
            code, day = np.nonzero(paths.traded.T)
            yield Bars(
                keys=[coin.slug for coin in coins],
                symbols=[coin.symbol for coin in coins],
                names=[coin.name for coin in coins],
                code=code.astype(np.int32),
                day=(day + day_number(self.start)).astype(np.int32),
                open=paths.open[day, code],
                high=paths.high[day, code],
                low=paths.low[day, code],
                close=paths.close[day, code],
                volume=paths.volume[day, code],
                market_cap=paths.close[day, code] * supply[first + code],
                sources=["simulated"],
                source_code=np.zeros(len(code), dtype=np.int32),
                estimated=np.zeros(len(code), dtype=np.bool_),
            )

    def paths(self, first: int, days: int) -> Paths:
        """The first `days` days of the block that starts with coin `first`."""
        coins = [roster.coin(index) for index in range(first, first + BLOCK)]
        used = min(BLOCK, self.assets - first)
        draw = first // BLOCK
        volatility, returns = self._returns(coins, days, draw)
        level = np.array([coin.price for coin in coins])
        log_price = np.cumsum(returns, axis=0)
        pegged = np.flatnonzero([coin.kind == "pegged" for coin in coins])
        log_price[:, pegged] = self._pegs([coins[index].symbol for index in pegged.tolist()], pegged, days, draw)
        volatility[pegged] = PEG_NOISE
        close = (level * np.exp(log_price))[:, :used]
        opening = np.vstack([level[:used], close[:-1]])
        reach = 0.4 * volatility[:used]
        up = np.minimum(self.random("high", draw).standard_exponential((days, BLOCK))[:, :used], 6.0) * reach
        down = np.minimum(self.random("low", draw).standard_exponential((days, BLOCK))[:, :used], 6.0) * reach
        turnover = self.random("turnover", draw).uniform(0.02, 0.1, BLOCK)[:used]
        mood = np.exp(0.5 * self.random("volume", draw).standard_normal((days, BLOCK))[:, :used])
        supply = np.array([coin.market_cap / coin.price for coin in coins])[:used]
        volume = close * supply * turnover * mood * (1 + 8 * np.abs(returns[:, :used]))
        traded = np.arange(days)[:, None] >= self.listed[first : first + used]
        thin = np.array([coin.kind == "thin" for coin in coins])[:used]
        luck = self.random("gaps", draw).random((days, BLOCK))[:, :used]
        return Paths(
            open=opening,
            high=np.maximum(opening, close) * np.exp(up),
            low=np.minimum(opening, close) * np.exp(-down),
            close=close,
            volume=np.where(thin & (luck < 0.35), np.nan, volume),
            traded=traded & ~(thin & (luck < 0.15)),
        )

    def _returns(self, coins: list[roster.SimulatedCoin], days: int, draw: int) -> tuple[FloatArray, FloatArray]:
        """Daily volatility of each coin's own noise, and log returns, days x coins."""
        shocks = np.zeros(days)
        for share, _, severity in CRASHES:
            if (day := int(share * self.days)) < days:
                shocks[day] += severity
        market = self._clustered("market", days, 1, shocks=shocks / MARKET_VOLATILITY)[:, 0] * MARKET_VOLATILITY
        sectors = self._clustered("sectors", days, len(roster.CATEGORIES)) * SECTOR_VOLATILITY
        size = np.log10([coin.market_cap for coin in coins])
        # Large coins are calmer: from 1 % a day of their own at a trillion to 6 % at a few millions.
        volatility = np.clip(0.01 + (12 - size) * 0.009, 0.01, 0.06)
        beta = self.random("beta", draw).uniform(0.8, 1.3, BLOCK)
        sector = [roster.CATEGORIES.index(coin.category) for coin in coins]
        own = self._clustered("own", days, BLOCK, draw) * volatility
        returns = DRIFT + market[:, None] * beta + SECTOR_LOADING * sectors[:, sector] + own
        for place in (index for index, coin in enumerate(coins) if coin.kind == "collapsing"):
            day = int(COLLAPSE_AT * self.days)
            returns[day:, place] = own[day:, place] / 4 - 0.003
            fall = COLLAPSE[: max(0, days - day)]
            returns[day : day + len(fall), place] += fall
        return volatility, returns

    def _pegs(self, symbols: list[str], places: NDArray[np.intp], days: int, draw: int) -> FloatArray:
        """Log distances from the peg, days x pegged coins: pulled back towards 0, but for one episode."""
        noise = self.random("pegs", draw).standard_normal((days, BLOCK))[:, places] * PEG_NOISE
        distance = np.zeros((days, len(places)))
        previous = np.zeros(len(places))
        for day in range(days):
            previous = np.clip(0.7 * previous + noise[day], -PEG_BOUND, PEG_BOUND)
            distance[day] = previous
        if roster.DEPEGGING in symbols:
            day = int(DEPEG_AT * self.days)
            episode = DEPEG[: max(0, days - day)]
            distance[day : day + len(episode), symbols.index(roster.DEPEGGING)] += episode
        return distance

    def _clustered(
        self, purpose: str, days: int, width: int, draw: int = 0, shocks: FloatArray | None = None
    ) -> FloatArray:
        """Returns of about unit variance with fat tails and clustered volatility, days x width."""
        scale = np.sqrt((DEGREES_OF_FREEDOM - 2) / DEGREES_OF_FREEDOM)
        noise = self.random(purpose, draw).standard_t(DEGREES_OF_FREEDOM, (days, width))
        noise *= scale
        np.clip(noise, -12.0, 12.0, out=noise)
        variance = np.ones(width)
        for day in range(days):
            noise[day] *= np.sqrt(variance)
            if shocks is not None:
                noise[day] += shocks[day]
            variance = np.minimum(1 - ARCH - GARCH + ARCH * noise[day] ** 2 + GARCH * variance, WILDEST)
        return noise

    def random(self, purpose: str, draw: int = 0) -> np.random.Generator:
        """The stream of one purpose and block; longer and wider draws from it begin with the shorter ones."""
        return np.random.default_rng([self.seed, draw, *purpose.encode()])
