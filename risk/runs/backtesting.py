"""Forecasts of the tail on the stored history, as they would have been made, and the record of how they fared."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import date, datetime, timedelta
from math import isfinite

import numpy as np

from risk import frames
from risk.actions import backtests, risk_models
from risk.models import Backtest, RiskModel
from risk.quant import tail_backtest
from risk.quant.eligibility import Standing, eligibility
from risk.quant.features import WINDOW
from risk.quant.learning import STEP
from risk.quant.returns import Returns, bad_prints, returns
from risk.quant.tail_backtest import Forecasts
from risk.quant.universe import Panel
from risk.runs.fitting import HistoryTooShort

FIRST_AFTER = 250
"""Days of history before the first forecast."""
_DAY = timedelta(days=1)


def perform(
    model: RiskModel,
    *,
    until: date,
    since: date | None = None,
    at: datetime,
    on_progress: Callable[[int], None] = lambda dates: None,
) -> Backtest:
    """Judge every method and keep the record. Raises `HistoryTooShort`."""
    risk_models.require_own(model)
    asset_ids = frames.ever_seen(until)
    first = frames.first_day(asset_ids)
    if first is None:
        raise HistoryTooShort
    day = max(first + FIRST_AFTER * _DAY, since - _DAY) if since else first + FIRST_AFTER * _DAY
    start = day + _DAY
    panel = frames.readable(asset_ids, through=until)
    # What came is judged with what followed it; what is learnt from, with what was known.
    came = returns(np.where(bad_prints(panel.prices), np.nan, panel.prices)).values
    blocks: list[Forecasts] = []
    while day < until:
        place = (day - frames.EPOCH).days - panel.first_day + 1
        blocks.append(_block(panel.until(place), came[:, place : place + STEP]))
        day += STEP * _DAY
        on_progress(1)
    if not blocks:
        raise HistoryTooShort
    found = tail_backtest.joined(blocks)
    results = tail_backtest.judge(found)
    if not results[0].forecasts:
        raise HistoryTooShort
    known = ~np.isnan(found.losses) & ~np.isnan(next(iter(found.value_at_risk.values())))
    return backtests.record(
        model,
        since=start,
        until=until,
        assets=int(known.any(axis=1).sum()),
        forecasts=int(known.sum()),
        results=[
            {
                name: (None if isinstance(value, float) and not isfinite(value) else value)
                for name, value in asdict(result).items()
            }
            for result in results
        ],
        at=at,
    )


def _block(known: Panel, after: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Forecasts:
    judged = eligibility(known.prices, known.volumes)
    believed = np.where(judged.bad_prints | ~(known.prices > 0), np.nan, known.prices)
    past = returns(believed[:, -WINDOW - 1 :])
    is_ordinary = judged.standing == Standing.ORDINARY
    # Who is not ordinary has no forecast: a series without observations says so by itself.
    values = np.where(is_ordinary[:, None], past.values, np.nan)
    return tail_backtest.forecast(Returns(values, past.days, past.is_first), after)
