"""The universe scored end to end: prices read, everybody measured, ranked and explained, rows stored.

Beside it the same measurements by libraries, a coin at a time: pandas for the columns, `arch` for GARCH-t, its forecast
for the tail, its stationary bootstrap for the interval. It neither reads nor stores nor explains anything.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from config.bench.contest import Contest, Target, Work
from config.bench.dataset import SEED
from config.bench.errors import BenchFailed
from config.bench.stage import Stage
from config.kernel import clock
from markets import frames, sources
from markets.actions import bars as daily_bars
from markets.blocks import FIELDS, BarTable
from markets.models import Asset
from risk.actions import risk_models
from risk.frames import EPOCH
from risk.models import RiskScore, ScoreRun
from risk.quant.learning import STEP
from risk.runs import course, learning, scoring

ASSETS, DAYS = 5_000, 1_000
SAMPLE, QUICK_SAMPLE = 100, 10
LEVEL = 0.975
RESAMPLES, MEAN_BLOCK = 200, 10
_AT_ONCE = 500


def contest(stage: Stage, returns: NDArray[np.float64]) -> Contest:
    """`returns` in percent, assets x days."""
    assets = len(returns)
    asset_ids = _stored(returns, stage)
    model = risk_models.register(at=clock.now())
    last = scoring.last_close(clock.now())
    stage.say(f"learning from {assets} assets, once")
    for day in (last, last - timedelta(days=STEP)):
        if learning.fit_for(model, day, at=clock.now()) is None:
            raise BenchFailed("the model has learnt nothing")
    sample = returns[: QUICK_SAMPLE if stage.is_quick else SAMPLE]

    def score(attempt: int) -> float:
        # Each attempt is another day, for a day is scored once.
        run = course.score(model, last - timedelta(days=attempt))
        if run.state != ScoreRun.State.FINISHED or run.counts.get(RiskScore.Status.OK) != assets:
            raise BenchFailed(f"{run.state}: {run.counts}")
        return assets

    prices = frames.price_frame(
        asset_ids[: len(sample)], start=last - timedelta(days=DAYS - 1), end=last + timedelta(days=1)
    ).values
    return Contest(
        f"universe of {assets} coins x {DAYS} days scored, read and stored",
        "coins",
        Work("score_universe", score),
        Work(f"arch and pandas, {len(sample)} coins", lambda attempt: _by_libraries(prices)),
        Target(at_least=20),
    )


def _stored(returns: NDArray[np.float64], stage: Stage) -> Sequence[int]:
    """The ids of assets whose daily bars have these returns, the last one of yesterday."""
    random = np.random.default_rng(SEED)
    assets, days = returns.shape
    stage.say(f"storing {days} bars each of {assets} assets")
    named = [
        Asset(slug="bitcoin" if index == 0 else f"coin-{index}", symbol=f"C{index}", name=f"Coin {index}")
        for index in range(assets)
    ]
    for asset in named:
        asset.set_keys()
    ids = [asset.pk for asset in Asset.objects.bulk_create(named)]
    last = (scoring.last_close(clock.now()) - EPOCH).days
    source_id = sources.id_of("bench")
    for first in range(0, assets, _AT_ONCE):
        part = np.array(ids[first : first + _AT_ONCE], dtype=np.int32)
        moves = returns[first : first + _AT_ONCE] / 100
        close = 10 * np.exp(moves.cumsum(axis=1))
        columns: dict[str, NDArray[Any]] = {
            "close": close,
            "volume": np.exp(random.normal(13, 1, close.shape)),
            "market_cap": close * np.exp(random.normal(17, 2, (len(part), 1))),
        }
        blank = np.full(close.shape, np.nan)
        table = BarTable(
            np.repeat(part, days),
            np.tile(np.arange(last - days + 1, last + 1, dtype=np.int32), len(part)),
            np.stack([columns.get(field, blank).reshape(-1) for field in FIELDS], axis=1),
            np.full(close.size, source_id, dtype=np.int16),
            np.zeros(close.size, dtype=np.uint8),
        )
        daily_bars.store(table, at=clock.now())
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return ids


def _by_libraries(prices: NDArray[np.float64]) -> float:
    import pandas as pd
    from arch import arch_model
    from arch.bootstrap import StationaryBootstrap

    rows = []
    for row in prices:
        series = pd.Series(row)
        moves = 100 * np.log(series).diff().dropna()
        fit = arch_model(moves, dist="t", rescale=False).fit(disp="off", show_warning=False)
        ahead = fit.forecast(horizon=30, reindex=False).variance.to_numpy()[0]
        quantile = moves.quantile(1 - LEVEL)
        replicates = StationaryBootstrap(MEAN_BLOCK, moves.to_numpy(), seed=1).apply(_tail, RESAMPLES)
        rows.append(
            {
                "volatility": np.sqrt(365 * ahead.mean()),
                "ewma": np.sqrt(365 * (moves**2).ewm(alpha=0.06).mean().iloc[-1]),
                "month": moves.rolling(30).std().iloc[-1],
                "quarter": moves.rolling(90).std().iloc[-1],
                "value_at_risk": -quantile,
                "expected_shortfall": -moves[moves <= quantile].mean(),
                "drawdown": 1 - series.iloc[-1] / series.cummax().iloc[-1],
                "worst": moves.rolling(365).min().iloc[-1],
                "interval": np.quantile(replicates, 0.95) - np.quantile(replicates, 0.05),
            }
        )
    scored = pd.DataFrame(rows).rank(pct=True).mean(axis=1)
    return float(len(scored))


def _tail(sample: Any) -> NDArray[np.float64]:
    whole = round((1 - LEVEL) * len(sample))
    worst = np.sort(np.partition(sample, whole)[: whole + 1])
    return np.array([-worst[whole], -worst[:whole].mean()])
