"""Suite `risk`: the numbers of the risk engine against the libraries that compute the same one series at a time."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from config.bench import risk_universe
from config.bench.contest import Contest, Target, Work
from config.bench.dataset import SEED
from config.bench.errors import BenchFailed
from config.bench.stage import Stage
from risk.quant import garch
from risk.quant.bootstrap import stationary_indices, tail_replicates
from risk.quant.random_numbers import Stream
from risk.quant.returns import Sequences
from risk.quant.status import is_ok
from risk.quant.tail_risk import historical

ASSETS, DAYS = 5_000, 1_000
COMPARED = 200
"""Series whose likelihoods are compared before anything is timed."""
TIMED = 40
"""Series that the library fits in one sample; it is as fast on the first as on the last."""
LEVEL = 0.975
RESAMPLES, MEAN_BLOCK = 200, 10
WITHIN = 1e-4


@contextmanager
def contests(stage: Stage) -> Iterator[Sequence[Contest]]:
    """Fits, tails and bootstraps of invented series whose law is GARCH with Student's t."""
    values = _returns(stage.scaled(ASSETS))
    series = _sequences(values)
    compared = min(COMPARED, len(values))
    stage.say(f"fitting {compared} series by both")
    _compare_likelihoods(values[:compared], stage.say)
    _compare_tails(values)
    resamples = stationary_indices(Stream(SEED), days=DAYS, resamples=RESAMPLES, mean_block=MEAN_BLOCK)
    _compare_bootstraps(values[0], resamples)
    timed = values[:TIMED]
    universe = risk_universe.contest(stage, values)
    yield [
        Contest(
            f"GARCH(1,1)-t of series of {DAYS} days",
            "fits",
            Work("all at once", lambda attempt: _fitted(series)),
            Work("arch", lambda attempt: len(_arch_likelihoods(timed))),
            Target(at_least=60),
        ),
        Contest(
            f"historical VaR and ES of {len(values)} series of {DAYS} days",
            "series",
            Work("all at once", lambda attempt: historical(values, level=LEVEL).value_at_risk.size),
            Work("a loop over pandas", lambda attempt: _pandas_tails(values).shape[0]),
        ),
        Contest(
            f"VaR and ES on {RESAMPLES} stationary resamples",
            "series",
            Work("the same days for all", lambda attempt: _replicated(values, resamples)),
            Work("arch", lambda attempt: _arch_replicates(timed[: TIMED // 4])),
        ),
        universe,
    ]


def _returns(series: int) -> NDArray[np.float64]:
    random = np.random.default_rng(SEED)
    alpha = random.uniform(0.03, 0.15, series)
    beta = np.minimum(random.uniform(0.7, 0.95, series), 0.99 - alpha)
    nu = random.uniform(3, 10, series)
    shocks = random.standard_t(np.tile(nu, (DAYS + 200, 1))) * np.sqrt((nu - 2) / nu)
    variance = np.ones(series)
    values = np.empty_like(shocks)
    for day, shock in enumerate(shocks):
        values[day] = shock * np.sqrt(variance)
        variance = 1 - alpha - beta + alpha * values[day] ** 2 + beta * variance
    return np.ascontiguousarray(4 * values[200:].T)


def _sequences(values: NDArray[np.float64]) -> Sequences:
    is_first = np.zeros(values.shape, dtype=np.bool_)
    is_first[:, 0] = True
    return Sequences(values, is_first, np.full(len(values), values.shape[1]))


def _fitted(series: Sequences) -> int:
    return int(is_ok(garch.fit(series).status).sum())


def _arch_likelihoods(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """With the library's own backcast, 0.94^i over the first 75 squares around the mean, which is ours too."""
    from arch import arch_model

    return np.array(
        [arch_model(row, dist="t", rescale=False).fit(disp="off", show_warning=False).loglikelihood for row in values]
    )


def _compare_likelihoods(values: NDArray[np.float64], say: Callable[[str], None]) -> None:
    difference = garch.fit(_sequences(values)).log_likelihood - _arch_likelihoods(values)
    reached = int((difference > -WITHIN).sum())
    say(
        f"log-likelihood within {WITHIN:g} of arch's or above it: {reached} of {len(values)}, above by more:"
        f" {int((difference > WITHIN).sum())}, median difference {np.median(difference):+.1e},"
        f" worst {difference.min():+.1e}"
    )
    if reached < len(values):
        raise BenchFailed("a fit is below that of arch")


def _pandas_tails(values: NDArray[np.float64]) -> NDArray[np.float64]:
    import pandas as pd

    tails = np.empty((len(values), 2))
    for row, series in enumerate(map(pd.Series, values)):
        quantile = series.quantile(1 - LEVEL, interpolation="lower")
        tails[row] = -quantile, -series[series <= quantile].mean()
    return tails


def _compare_tails(values: NDArray[np.float64]) -> None:
    # The tail of 1,000 days at 97.5 % is 25 whole days for both.
    ours = historical(values, level=LEVEL).expected_shortfall
    theirs = _pandas_tails(values)[:, 1]
    if not np.allclose(ours, theirs, rtol=1e-9):
        raise BenchFailed("the shortfalls of both sides differ")


def _replicated(values: NDArray[np.float64], resamples: NDArray[np.int64]) -> int:
    return len(tail_replicates(values, resamples, level=LEVEL).value_at_risk.T)


def _tail(sample: Any) -> NDArray[np.float64]:
    whole = round((1 - LEVEL) * len(sample))
    worst = np.sort(np.partition(sample, whole)[: whole + 1])
    return np.array([-worst[whole], -worst[:whole].mean()])


def _arch_replicates(values: NDArray[np.float64]) -> int:
    from arch.bootstrap import StationaryBootstrap

    for row in values:
        StationaryBootstrap(MEAN_BLOCK, row, seed=1).apply(_tail, RESAMPLES)
    return len(values)


def _compare_bootstraps(values: NDArray[np.float64], resamples: NDArray[np.int64]) -> None:
    """Their means, within five standard errors of the difference."""
    from arch.bootstrap import StationaryBootstrap

    theirs = StationaryBootstrap(MEAN_BLOCK, values, seed=1).apply(_tail, RESAMPLES)[:, 1]
    ours = tail_replicates(values[None], resamples, level=LEVEL).expected_shortfall[:, 0]
    if abs(ours.mean() - theirs.mean()) > 5 * theirs.std() * np.sqrt(2 / RESAMPLES):
        raise BenchFailed(f"the bootstraps disagree: {ours.mean()} and {theirs.mean()}")
