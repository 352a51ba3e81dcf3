"""Forecasts of the tail on the stored history, as they would have been made, and the record of how they fared."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import date, datetime, timedelta

import numpy as np

from risk import frames
from risk.actions import backtests, risk_models
from risk.models import Backtest, RiskModel
from risk.quant import tail_backtest, tail_forecasts
from risk.quant.arrays import last
from risk.quant.eligibility import Standing, eligibility
from risk.quant.features import WINDOW
from risk.quant.learning import STEP
from risk.quant.panel import Panel
from risk.quant.returns import returns
from risk.quant.tail_forecasts import Forecasts, Moves
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
    """Judge every method and keep the record of the days that could be forecast. Raises `HistoryTooShort`."""
    risk_models.require_own(model)
    asset_ids = frames.ever_seen(until)
    first = frames.first_day(asset_ids)
    if first is None:
        raise HistoryTooShort
    earliest = first + (FIRST_AFTER + 1) * _DAY
    day = (max(earliest, since) if since else earliest) - _DAY
    histories = frames.histories(asset_ids, through=until)
    # What came is judged with what followed it; what is learnt from, with what was known.
    came = [Moves.of(part.prices) for part in histories]
    blocks: list[Forecasts] = []
    while day < until:
        blocks.append(_block(histories, came, (day - frames.EPOCH).days))
        day += STEP * _DAY
        on_progress(1)
    if not blocks:
        raise HistoryTooShort
    found = Forecasts.joined(blocks)
    if not found.losses.size:
        raise HistoryTooShort
    # Not the window that was asked for: prices may begin later in it, and end before.
    forecast = [frames.EPOCH + number * _DAY for number in np.unique(found.day).tolist()]
    return backtests.record(
        model,
        since=forecast[0],
        until=forecast[-1],
        days=len(forecast),
        assets=np.unique(found.asset).size,
        forecasts=found.losses.size,
        results=[asdict(result) for result in tail_backtest.judge(found)],
        at=at,
    )


def _block(histories: Sequence[Panel], came: Sequence[Moves], day: int) -> Forecasts:
    assets, known, after = [], [], []
    for part, moves in zip(histories, came, strict=True):
        if part.first_day > day:
            continue
        past = part.until(day)
        judged = eligibility(past.prices, past.volumes)
        # Who is not ordinary has no forecast.
        rows = np.flatnonzero(judged.standing == Standing.ORDINARY)
        assets.append(past.asset_ids[rows])
        known.append(last(judged.believed[rows], WINDOW + 1))
        column = day + 1 - part.first_day
        after.append(moves.take(rows, slice(column, column + STEP)))
    return tail_forecasts.forecast(
        returns(np.vstack(known)), Moves.joined(after), assets=np.concatenate(assets), first_day=day + 1
    )
