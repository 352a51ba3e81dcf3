"""A day of assets whose volatilities rise from the first to the last."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from risk.quant import measurement
from risk.quant.estimation import Bootstrap
from risk.quant.garch import Prior
from risk.quant.measurement import Measured, Redraws
from risk.quant.panel import Panel

ASSETS, DAYS = 20, 520
PRIOR = Prior(np.array([-1.0, 1.5, 1.0]), np.full(3, 0.5))
REDRAWS = Redraws(Bootstrap.of(7), np.array([0.19, 0.4, 0.24, 0.04]))


def panel(*, seed: int = 1) -> Panel:
    moves = np.random.default_rng(seed).standard_t(5, (ASSETS, DAYS)) * np.linspace(0.01, 0.08, ASSETS)[:, None]
    prices = np.exp(moves.cumsum(axis=1))
    volumes = np.full(prices.shape, 1e6)
    return Panel(np.arange(ASSETS), 19_000, prices, volumes, prices * 1e7, np.ones(prices.shape, dtype=np.int16))


def with_a_riser() -> Panel:
    """The same, but that the first gains five per cent a day, give or take a tenth of one."""
    known = panel()
    moves = 0.05 + 0.001 * np.random.default_rng(4).standard_t(5, DAYS)
    return replace(known, prices=np.vstack([np.exp(moves.cumsum()), known.prices[1:]]))


def beside_them(known: Panel, prices: NDArray[np.float64], *, cap: float) -> Panel:
    """The same with one more asset."""
    size = prices[None].shape
    more = Panel(
        np.array([ASSETS]), 19_000, prices[None], np.full(size, 1e6), np.full(size, cap), np.ones(size, np.int16)
    )
    return Panel.joined([known, more])


def measure(known: Panel, *, prior: Prior | None = PRIOR, redraws: Redraws | None = REDRAWS) -> Measured:
    market = measurement.market(known, reference=known.prices[0])
    return measurement.measured(known, market=market, prior=prior, input_hashes=known.input_hashes(), redraws=redraws)
