"""Compile every loop ahead of its first use, as when an image is built: `python -m risk.quant.compiled`.

The machine code goes to NUMBA_CACHE_DIR, else beside the sources; another kind of processor compiles its own.
"""

import numpy as np

from risk.quant import garch
from risk.quant.engine import Engine
from risk.quant.ewma import ewma
from risk.quant.filtered_simulation import Dynamics, simulate
from risk.quant.histories import Histories, live
from risk.quant.random_numbers import Stream
from risk.quant.returns import Sequences

if __name__ == "__main__":
    values = Stream(1).normals((1, 2 * garch.FEWEST))
    series = Sequences(values, np.zeros(values.shape, dtype=np.bool_), np.array([values.size]))
    garch.filtered(series, garch.fit(series, engine=Engine.NUMBA), engine=Engine.NUMBA)
    ewma(series, engine=Engine.NUMBA)
    dynamics = Dynamics(mean=0.0, omega=0.1, alpha=0.1, gamma=0.0, beta=0.8, next_variance=1.0)
    simulate(dynamics, values[0], days=2, paths=2, stream=Stream(1), engine=Engine.NUMBA)
    one = np.ones(1)
    last = Histories(np.ones((1, 2, 1)), np.array([1]), np.ones((1, 3, 1)), np.ones((1, 3)), one, np.array([1]))
    live(last, np.zeros((1, 1), dtype=np.uint64), engine=Engine.NUMBA)
