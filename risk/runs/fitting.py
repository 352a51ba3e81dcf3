"""The monthly refit: what a model has learnt from the past only, with a gap of the 30 days that it forecasts."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime

from accounts.actions import jobs
from accounts.models import Job, User
from config.kernel import clock
from config.kernel.errors import Impossible
from risk.runs import scoring

KIND = "fit_risk_model"


class HistoryTooShort(Impossible):
    code = "insufficient_history"
    message = "The stored history is too short to learn from."


@dataclass(frozen=True, slots=True)
class Parameters:
    """By which day's close, an ISO date, and which version; None: the last day of last month, every active model."""

    as_of: str | None = None
    model: str | None = None


def request(owner: User | None, parameters: Parameters, *, at: datetime) -> Job:
    """Ask for a refit; a worker performs it."""
    return jobs.request(KIND, owner=owner, parameters=asdict(parameters), at=at)


def perform(job: Job) -> Mapping[str, object]:
    """Learn; raises `HistoryTooShort` where no model could, and `NoModelOfTheseFormulas`."""
    from risk.runs import learning

    at = clock.now()
    parameters = Parameters(**job.parameters)
    as_of = date.fromisoformat(parameters.as_of) if parameters.as_of else learning.month_end(at.date())
    fits: dict[str, int] = {}
    models = scoring.models_of(parameters.model, at=at)
    for model in models:
        fit = learning.fit_on(model, as_of, at=at, on_progress=lambda percent: jobs.progress(job, percent))
        if fit is not None:
            fits[model.version] = fit.pk
    if not fits:
        raise HistoryTooShort
    return {"as_of": as_of.isoformat(), "fits": fits, "skipped": scoring.skipped(parameters.model)}
