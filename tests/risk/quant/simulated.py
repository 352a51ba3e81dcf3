"""Series whose law is known."""

import numpy as np
from numpy.typing import NDArray

from risk.quant.returns import Sequences


def garch_returns(
    *,
    series: int,
    days: int,
    seed: int,
    low: tuple[float, float] = (0.03, 0.7),
    high: tuple[float, float] = (0.15, 0.95),
) -> NDArray[np.float64]:
    """GARCH(1,1) with Student's t in percent, long-run variance 16; alpha and beta between `low` and `high`."""
    random = np.random.default_rng(seed)
    alpha = random.uniform(low[0], high[0], series)
    beta = np.minimum(random.uniform(low[1], high[1], series), 0.99 - alpha)
    nu = random.uniform(3, 10, series)
    shocks = random.standard_t(np.tile(nu, (days + 200, 1))) * np.sqrt((nu - 2) / nu)
    variance = np.ones(series)
    values = np.empty_like(shocks)
    for day, shock in enumerate(shocks):
        values[day] = shock * np.sqrt(variance)
        variance = 1 - alpha - beta + alpha * values[day] ** 2 + beta * variance
    return 4 * values[200:].T.copy()


def sequences(values: NDArray[np.float64]) -> Sequences:
    """Whole series, each of one segment."""
    rows = np.atleast_2d(values).astype(np.float64)
    is_first = np.zeros(rows.shape, dtype=np.bool_)
    is_first[:, 0] = True
    return Sequences(rows, is_first, np.full(len(rows), rows.shape[1]))
