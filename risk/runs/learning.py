"""Walking through the stored history: what was known on past days, and what came of it."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta

import numpy as np

from risk import frames
from risk.actions import risk_fits, risk_models
from risk.models import RiskFit, RiskModel
from risk.parameters import Parameters
from risk.quant import features, learning, measurement, scoring, universe
from risk.quant.arrays import FloatArray, last
from risk.quant.features import Market
from risk.quant.garch import Prior
from risk.quant.learning import STEP, Day, Learnt
from risk.quant.measurement import Measured
from risk.quant.outcomes import Outcomes, outcomes
from risk.quant.panel import Panel
from risk.quant.returns import BAD_PRINT_DAYS, believed

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
    histories = frames.histories(asset_ids, through=as_of)
    taught = []
    for day, known in walk(histories, days):
        taught.append(day_of(known, realised(histories, day)))
        on_progress(95 * len(taught) // len(days))
    found = learnt(taught, parameters)
    if found is None:
        return None
    digest = hashlib.sha256("|".join([model.version, *(day.isoformat() for day in days)]).encode())
    for part in histories:
        for asset_id, input_hash in zip(part.asset_ids.tolist(), part.input_hashes(), strict=True):
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


def walk(histories: Sequence[Panel], days: Sequence[date]) -> Iterator[tuple[date, Measured]]:
    """What was known of everybody at the close of each of these days, in their order: each gives the next its prior.

    Of everybody who had a price by then, in the order of `known_on`.
    """
    bitcoin = frames.bitcoin_id()
    prior = None
    for day in days:
        known = known_on(histories, day)
        market = market_of(known, bitcoin)
        measured = Measured.joined([measurement.measured(part, market=market, prior=prior) for part in known])
        yield day, measured
        prior = prior_of(measured)


def known_on(histories: Sequence[Panel], day: date) -> list[Panel]:
    """What was known by the close of a day, without the parts that had not begun."""
    number = (day - frames.EPOCH).days
    return [part.until(number) for part in histories if part.first_day <= number]


def market_of(known: Sequence[Panel], bitcoin: int | None) -> Market:
    """The market of the last day of these histories."""
    recent = Panel.joined([part.last(measurement.CONTEXT_DAYS) for part in known])
    return measurement.market(recent, reference=_prices_of(bitcoin, known))


def _prices_of(asset_id: int | None, known: Sequence[Panel]) -> FloatArray | None:
    """As far back as those of bitcoin are looked at."""
    for part in known:
        found = part.prices[part.asset_ids == asset_id]
        if len(found):
            return np.asarray(last(found, measurement.REFERENCE_DAYS)[0])
    return None


def realised(histories: Sequence[Panel], day: date) -> Outcomes:
    """What came of everybody of `known_on` within the 30 days after a day.

    Bad prints are judged with what followed them, also after the 30 days as far as the histories know it: all that is
    needed but for a day whose 30 days end with them.
    """
    found = []
    for part in histories:
        place = (day - frames.EPOCH).days - part.first_day
        if place >= 0:
            first = max(0, place - measurement.CONTEXT_DAYS)
            after = believed(part.prices[:, first : place + STEP + 1 + BAD_PRINT_DAYS])
            found.append(outcomes(after[:, place - first : place - first + STEP + 1]))
    return Outcomes.joined(found)


def day_of(known: Measured, came: Outcomes) -> Day:
    """The ordinary assets of a day as a model learns from them."""
    beside = universe.compared(known)
    rows = np.flatnonzero(known.is_ordinary)
    inputs = scoring.inputs(beside.judged[rows], ranked_among=np.ones(rows.size, dtype=np.bool_))
    return Day(inputs, came.log_risk[rows], beside.bucket[rows])


def prior_of(known: Measured) -> Prior | None:
    """What the long series of a day say of persistence and tail."""
    return features.prior_from(known.coordinates[~np.isnan(known.coordinates).any(axis=1)])
