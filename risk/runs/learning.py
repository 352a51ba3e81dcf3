"""Walking through the stored history: what was known on past days, and what came of it."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta

import numpy as np

from risk import frames
from risk.actions import risk_fits, risk_models
from risk.models import RiskFit, RiskModel
from risk.parameters import Parameters
from risk.quant import features, learning, scoring, universe
from risk.quant.features import Market
from risk.quant.garch import Prior
from risk.quant.learning import STEP, Day, Learnt
from risk.quant.outcomes import Outcomes, outcomes
from risk.quant.returns import BAD_PRINT_DAYS, believed
from risk.quant.universe import Measured, Panel

AT_ONCE = 500
FIRST_DATE_AFTER = 60
"""Days of history before the first forecast that is learnt from."""
_DAY = timedelta(days=1)


def fit_for(
    model: RiskModel, day: date, *, at: datetime, on_progress: Callable[[int], None] = lambda percent: None
) -> RiskFit | None:
    """What the model had learnt by the end of the month before a day; learnt now, if that has not happened.

    A day that ends its month is told by the month before it, too: in the night after it the refit is still to come.
    Where the history was too short then, the latest that was learnt before the day, or what can be learnt by the day
    itself; None where even that is too little.
    """
    month = month_end(day)
    fits = RiskFit.objects.of_this_market().filter(model=model)
    return (
        fits.filter(as_of=month).order_by("-id").first()
        or fit_on(model, month, at=at, on_progress=on_progress)
        or fits.known_on(day).first()
        or fit_on(model, day, at=at, on_progress=on_progress)
    )


def month_end(day: date) -> date:
    """The last day of the month before."""
    return day.replace(day=1) - _DAY


def fit_on(
    model: RiskModel, as_of: date, *, at: datetime, on_progress: Callable[[int], None] = lambda percent: None
) -> RiskFit | None:
    """Learn from everything that was over by `as_of`; None where that is too little."""
    parameters = risk_models.require_own(model)
    asset_ids = frames.ever_seen(as_of)
    days = dates(frames.first_day(asset_ids), as_of, most=parameters.learning_dates)
    if len(days) < learning.FEWEST_DATES:
        return None
    panel = frames.readable(asset_ids, through=as_of)
    taught = []
    for day, known in walk(panel, days):
        taught.append(day_of(known, realised(panel, day)))
        on_progress(95 * len(taught) // len(days))
    found = learnt(taught, parameters)
    if found is None:
        return None
    digest = hashlib.sha256("|".join([model.version, *(day.isoformat() for day in days)]).encode())
    for asset_id, input_hash in zip(panel.asset_ids.tolist(), panel.input_hashes(), strict=True):
        digest.update(f"{asset_id}:{input_hash}".encode())
    return risk_fits.record(
        model,
        as_of,
        columns=frames.learnt_columns(found, prior_of(known)),
        dates=days,
        input_hash=digest.hexdigest(),
        at=at,
    )


def dates(first: date | None, as_of: date, *, most: int) -> list[date]:
    """The days to learn from, in their order: 30 days apart, the last one 30 days before `as_of`."""
    found: list[date] = []
    day = as_of - STEP * _DAY
    while first is not None and day >= first + FIRST_DATE_AFTER * _DAY and len(found) < most:
        found.append(day)
        day -= STEP * _DAY
    return found[::-1]


def learnt(days: Sequence[Day], parameters: Parameters) -> Learnt | None:
    """What a model of these parameters learns from days in their order."""
    return learning.learn(
        days,
        penalty=parameters.penalty,
        recent_share=parameters.recent_share,
        calibration_dates=parameters.calibration_dates,
        reach_dates=parameters.reach_dates,
        reach_response=parameters.reach_response,
    )


def walk(panel: Panel, days: Sequence[date]) -> Iterator[tuple[date, Measured]]:
    """What was known of everybody at the close of each of these days, in their order: each gives the next its prior."""
    bitcoin = frames.reference_row(panel)
    prior = None
    for day in days:
        known = _known_on(panel, day, bitcoin=bitcoin, prior=prior)
        yield day, known
        prior = prior_of(known)


def _known_on(panel: Panel, day: date, *, bitcoin: int | None, prior: Prior | None) -> Measured:
    known = panel.until((day - frames.EPOCH).days - panel.first_day + 1)
    market = market_of(known, bitcoin)
    parts = [
        universe.measured(known.take(slice(first, first + AT_ONCE)), market=market, prior=prior)
        for first in range(0, len(known.asset_ids), AT_ONCE)
    ]
    return Measured.joined(parts)


def market_of(panel: Panel, bitcoin: int | None) -> Market:
    """The market of the last day of a panel of everybody."""
    start = max(0, panel.prices.shape[1] - universe.CONTEXT_DAYS)
    recent = Panel(
        panel.asset_ids,
        panel.first_day + start,
        panel.prices[:, start:],
        panel.volumes[:, start:],
        panel.market_caps[:, start:],
        panel.sources[:, start:],
    )
    reference = None if bitcoin is None else panel.prices[bitcoin, -universe.REFERENCE_DAYS :]
    return universe.market(recent, reference=reference)


def realised(panel: Panel, day: date) -> Outcomes:
    """What came of everybody within the 30 days after a day.

    Bad prints are judged with what followed them, also after the 30 days as far as the panel knows it: all that is
    needed but for a day whose 30 days end with the panel.
    """
    place = (day - frames.EPOCH).days - panel.first_day
    first = max(0, place - universe.CONTEXT_DAYS)
    after = believed(panel.prices[:, first : place + STEP + 1 + BAD_PRINT_DAYS])
    return outcomes(after[:, place - first : place - first + STEP + 1])


def day_of(known: Measured, came: Outcomes) -> Day:
    """The ordinary assets of a day as a model learns from them."""
    beside = universe.compared(known)
    rows = np.flatnonzero(known.is_ordinary)
    inputs = scoring.inputs(beside.judged[rows], ranked_among=np.ones(rows.size, dtype=np.bool_))
    return Day(inputs, came.log_risk[rows], beside.bucket[rows])


def prior_of(known: Measured) -> Prior | None:
    """What the long series of a day say of persistence and tail."""
    return features.prior_from(known.coordinates[~np.isnan(known.coordinates).any(axis=1)])
