"""The protocol of docs/risk/protocol.md on the history that is loaded."""

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np

from config.kernel.many import any_of
from markets.models import Asset
from risk import frames
from risk.actions import risk_models
from risk.models import RiskModel
from risk.quant import learning, ridge, scoring, validation
from risk.quant.arrays import BoolArray, FloatArray, deviations, last
from risk.quant.features import NAMES
from risk.quant.learning import COVERAGES, Day, Learnt
from risk.quant.measurement import Measured
from risk.quant.outcomes import Outcomes
from risk.quant.panel import Panel
from risk.quant.random_numbers import Stream
from risk.quant.returns import returns
from risk.quant.score_map import ANCHORS
from risk.quant.validation import BENCHMARK, OURS, JudgedDay, Report
from risk.runs import learning as history
from risk.runs.fitting import HistoryTooShort

MOST_DATES = 200
SEED = 1
ALL, UNSEEN = "all assets", "unseen assets"
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The ordinary assets of a date: what was measured, what every order says, and what came of them."""

    date: date
    day: Day
    first_seen: Day
    """The same by what was known when its 30 days were over: who forecasts that evening learns from no more."""
    came: Outcomes
    orders: Mapping[str, FloatArray]
    is_even: BoolArray
    """By the CRC-32 of the symbol: the part on which things were tuned."""


def perform(
    model: RiskModel,
    *,
    until: date,
    since: date | None = None,
    on_progress: Callable[[int], None] = lambda dates: None,
) -> dict[str, Report]:
    """A report of all assets, learning from all, and of unseen ones, learning from the others alone.

    Each date is forecast by what the model would have learnt then: from its `learning_dates` newest past dates.

    Judged are dates from the thirteenth on, and from `since`. Raises `HistoryTooShort`.
    """
    parameters = risk_models.require_own(model)
    asset_ids = frames.ever_seen(until)
    days = history.dates(frames.first_day(asset_ids), until, most=MOST_DATES)
    if len(days) <= learning.FEWEST_DATES:
        raise HistoryTooShort
    histories = frames.histories(asset_ids, through=until)
    symbols = dict(Asset.objects.filter(pk__in=any_of(asset_ids)).values_list("pk", "symbol"))
    taken = []
    for day, known in history.walk(histories, days):
        taken.append(_snapshot(histories, day, known, symbols))
        on_progress(1)
    parts: dict[str, list[JudgedDay]] = {ALL: [], UNSEEN: []}
    for place in range(learning.FEWEST_DATES, len(taken)):
        if since is not None and days[place] < since:
            continue
        *past, latest = taken[max(0, place - parameters.learning_dates) : place]
        taught, now = [*((entry.day, entry) for entry in past), (latest.first_seen, latest)], taken[place]
        everybody = np.ones(len(now.is_even), dtype=np.bool_)
        for name, days_taught, judged in (
            (ALL, [day for day, _ in taught], everybody),
            (UNSEEN, [_of(day, entry.is_even) for day, entry in taught], ~now.is_even),
        ):
            learnt = history.learnt(days_taught, parameters)
            if learnt is not None and judged.sum() >= learning.FEWEST_ASSETS:
                parts[name].append(_judged(now, learnt, judged))
    if not parts[ALL]:
        raise HistoryTooShort
    return {name: validation.report(found, stream=Stream(SEED)) for name, found in parts.items() if found}


def _snapshot(histories: Sequence[Panel], day: date, known: Measured, symbols: Mapping[int, str]) -> Snapshot:
    rows = np.flatnonzero(known.is_ordinary)
    came = history.realised(histories, day)
    then = history.realised(history.known_on(histories, day + learning.STEP * _DAY), day)
    prices = np.vstack([last(part.prices, 91) for part in history.known_on(histories, day)])
    moves = returns(prices[rows]).values
    orders = {
        BENCHMARK: known.values[rows, NAMES.index("recent_volatility")],
        "trailing_30": deviations(moves[:, -30:]),
        "trailing_90": deviations(moves[:, -90:]),
        "cap_rank": known.values[rows, NAMES.index("smallness")],
    }
    taught = history.day_of(known, came)
    first_seen = replace(taught, log_risk=then.log_risk[rows])
    is_even = [zlib.crc32(symbols[pk].encode()) % 2 == 0 for pk in known.asset_ids[rows].tolist()]
    return Snapshot(day, taught, first_seen, _rows(came, rows), orders, np.array(is_even, dtype=np.bool_))


def _rows(came: Outcomes, rows: "np.ndarray[tuple[int], np.dtype[np.intp]]") -> Outcomes:
    return Outcomes(
        came.volatility[rows],
        came.expected_shortfall[rows],
        came.drawdown[rows],
        came.has_fallen[rows],
        came.observations[rows],
    )


def _of(day: Day, chosen: BoolArray) -> Day:
    return Day(day.inputs[chosen], day.log_risk[chosen], day.bucket[chosen])


def _judged(now: Snapshot, learnt: Learnt, chosen: BoolArray) -> JudgedDay:
    forecast = np.where(chosen, scoring.forecast(learnt.model, now.day.inputs), np.nan)
    came = np.where(chosen, now.day.log_risk, np.nan)
    percentile, realised_percentile = (100 * ridge.ranks(values[:, None])[:, 0] for values in (forecast, came))
    intervals = {}
    for coverage in COVERAGES:
        reach, width = (
            np.array([found[coverage].of(name) for name in now.day.bucket.tolist()])
            for found in (learnt.log_volatility, learnt.percentile)
        )
        intervals["score", coverage] = (ANCHORS.score(forecast - reach), ANCHORS.score(forecast + reach))
        intervals["percentile", coverage] = (
            np.clip(percentile - width, 0.0, 100.0),
            np.clip(percentile + width, 0.0, 100.0),
        )
    return validation.judged(
        {OURS: forecast, **now.orders},
        now.came,
        quarter=f"{now.date.year} Q{(now.date.month + 2) // 3}",
        realised={"score": ANCHORS.score(came), "percentile": realised_percentile},
        intervals=intervals,
    )
