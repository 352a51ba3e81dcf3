"""What kind of case an asset is on a day, before anything is measured."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from risk.quant.arrays import BoolArray, FloatArray, IntArray, LabelArray, counts, deviations, medians
from risk.quant.returns import LONGEST_GAP, bad_prints, returns

FEWEST_DAYS = 14
PEG_WINDOW = 90
PEG_DISTANCE = 0.01
PEG_VOLATILITY = 0.015
PEG_MEMORY = 365
"""Days for which a peg that has broken is remembered."""
PEG_EVIDENCE = 60
PEG_CALM = 0.005
"""Prices of a quarter from which it is known that there was a peg to break, and their deviation a day: the euro lay
near one dollar for a quarter, too, at 0.0067."""
_PEG_STEP = 30
DEAD_FALL = 0.99
DEAD_VOLUME = 1_000.0
DEAD_DAYS = 30
STALE_ZEROS = 0.2
PUMP_DAYS = 7
PUMP_DEVIATIONS = 5.0
PUMP_VOLUME = 6.0
PUMP_EVIDENCE = 30
"""Returns, or volumes, that say what is usual: beside fewer nothing is unusual."""


class Standing(StrEnum):
    """Each asset has one; the first that applies, in this order."""

    NO_HISTORY = "no_history"
    """Not a single price so far."""
    DEAD = "dead"
    """With evidence: down 99 % at a volume below $1,000, or no volume at all over 30 days on which it was observed."""
    HISTORY_ENDED = "history_ended"
    """No price for more than three days: where the source ends nothing is known, least of all death."""
    INSUFFICIENT_HISTORY = "insufficient_history"
    STABLECOIN = "stablecoin"
    ORDINARY = "ordinary"


@dataclass(frozen=True, slots=True)
class Eligibility:
    """A value an asset, as of the last day of the panel."""

    standing: LabelArray
    is_pumped: BoolArray
    """A week's rise beyond 5 of its own deviations, or a volume beyond 6: no lowering for 30 days."""
    is_stale: BoolArray
    """More than a fifth of the last 90 returns are exactly zero."""
    peg_distance: FloatArray
    """Of those that kept a peg to one dollar for a quarter of the last year, the absolute log of the last price; NaN
    for all others."""
    bad_prints: BoolArray
    """Assets x days: prices that are not believed."""
    believed: FloatArray
    """Assets x days: the prices; NaN where none was observed, or none that is believed."""
    observations: IntArray


def eligibility(prices: FloatArray, volumes: FloatArray, *, is_single_venue: bool | BoolArray = True) -> Eligibility:
    """Judge the assets of a panel (assets x days) on its last day."""
    rejected = bad_prints(prices, is_single_venue=is_single_venue)
    believed = np.where(rejected | ~(np.isfinite(prices) & (prices > 0)), np.nan, prices)
    size = counts(believed)
    days = believed.shape[1]
    column = np.arange(days)
    last = np.where(np.isnan(believed), -1, column).max(axis=1, initial=-1)
    quarter = believed[:, -PEG_WINDOW:]
    moves = returns(quarter).values
    is_pegged = _is_pegged(quarter, moves, spread=PEG_VOLATILITY)
    zeros = np.count_nonzero(moves == 0, axis=1) > STALE_ZEROS * np.maximum(counts(moves), 1)
    standing = np.empty(len(believed), dtype=object)
    standing.fill(Standing.ORDINARY)
    for name, applies in (
        (Standing.STABLECOIN, is_pegged),
        (Standing.INSUFFICIENT_HISTORY, size < FEWEST_DAYS),
        (Standing.HISTORY_ENDED, last < days - 1 - LONGEST_GAP),
        (Standing.DEAD, _is_dead(believed, volumes, last)),
        (Standing.NO_HISTORY, size == 0),
    ):
        standing[applies] = name
    distance = _peg_distance(believed, last)
    return Eligibility(standing, _is_pumped(believed, volumes), zeros & ~is_pegged, distance, rejected, believed, size)


def _is_pegged(prices: FloatArray, moves: FloatArray, *, spread: float) -> BoolArray:
    with np.errstate(invalid="ignore"):
        is_near = medians(np.abs(prices - 1)) < PEG_DISTANCE
        return np.asarray(is_near & (deviations(moves) < spread), dtype=np.bool_)


def _peg_distance(prices: FloatArray, last: IntArray) -> FloatArray:
    distance = np.full(len(prices), np.nan)
    days = prices.shape[1]
    with np.errstate(invalid="ignore"):
        is_near = np.abs(prices[:, -PEG_MEMORY - PEG_WINDOW :] - 1) < PEG_DISTANCE
    rows = np.flatnonzero(np.count_nonzero(is_near, axis=1) >= PEG_EVIDENCE // 2)
    was_pegged = np.zeros(rows.size, dtype=np.bool_)
    for end in range(days, max(days - PEG_MEMORY, 1), -_PEG_STEP):
        quarter = prices[rows, max(0, end - PEG_WINDOW) : end]
        was_pegged |= _is_pegged(quarter, returns(quarter).values, spread=PEG_CALM) & (counts(quarter) >= PEG_EVIDENCE)
    kept = rows[was_pegged]
    distance[kept] = np.abs(np.log(prices[kept, last[kept]]))
    return distance


def _is_dead(prices: FloatArray, volumes: FloatArray, last: IntArray) -> BoolArray:
    known = np.maximum(last, 0)
    rows = np.arange(len(prices))
    peak = np.where(np.isnan(prices), 0.0, prices).max(axis=1, initial=0.0)
    latest = np.where(last >= 0, prices[rows, known], np.nan) if prices.shape[1] else np.full(len(prices), np.nan)
    recent = np.where(volumes[:, -DEAD_DAYS:] >= 0, volumes[:, -DEAD_DAYS:], np.nan)
    with np.errstate(invalid="ignore"):
        has_collapsed = (latest <= (1 - DEAD_FALL) * peak) & (medians(recent) < DEAD_VOLUME)
        is_untraded = (counts(recent) == DEAD_DAYS) & (np.nan_to_num(recent).max(axis=1, initial=0.0) == 0)
    return np.asarray(has_collapsed | is_untraded, dtype=np.bool_)


def _is_pumped(prices: FloatArray, volumes: FloatArray) -> BoolArray:
    before = returns(prices[:, -PEG_WINDOW - PUMP_DAYS : -PUMP_DAYS]).values
    week = returns(prices[:, -PUMP_DAYS - 1 :])
    rise = np.nansum(week.values * np.sqrt(week.days), axis=1)
    traded = np.log(np.where(volumes[:, -PEG_WINDOW:] > 0, volumes[:, -PEG_WINDOW:], np.nan))
    latest = medians(traded[:, -1:])
    with np.errstate(invalid="ignore"):
        has_risen = rise > PUMP_DEVIATIONS * np.sqrt(PUMP_DAYS) * _usual(before)
        is_busy = latest - medians(traded) > PUMP_VOLUME * _usual(traded[:, :-1])
    return np.asarray(has_risen | is_busy, dtype=np.bool_)


def _usual(values: FloatArray) -> FloatArray:
    """The deviation of each row; NaN where there is too little of it, or where nothing ever moved."""
    spread = deviations(values)
    return np.where((counts(values) >= PUMP_EVIDENCE) & (spread > 0), spread, np.nan)
