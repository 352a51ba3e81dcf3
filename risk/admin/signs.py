"""Small signs beside a score or a run."""

from django.utils.html import format_html
from django.utils.safestring import SafeString

from markets.admin.amounts import MISSING
from markets.admin.badges import badge
from risk.actions import risk_models
from risk.models import RiskModel, RiskScore, ScoreRun

_BANDS = {"low": "well", "moderate": "well", "high": "manual", "very_high": "stale", "extreme": "stale"}
_RUNS = {ScoreRun.State.RUNNING: "running", ScoreRun.State.FINISHED: "well", ScoreRun.State.FAILED: "stale"}
_MODELS = {RiskModel.State.DRAFT: "off", RiskModel.State.ACTIVE: "well", RiskModel.State.RETIRED: "off"}


def of_band(score: RiskScore) -> SafeString | str:
    return badge(_BANDS[score.band], score.get_band_display()) if score.band else MISSING


def of_status(score: RiskScore) -> SafeString:
    return badge("well" if score.status == RiskScore.Status.OK else "off", score.get_status_display())


def of_run(run: ScoreRun) -> SafeString:
    return badge(_RUNS[ScoreRun.State(run.state)], run.state)


def of_model(model: RiskModel) -> SafeString:
    sign = badge(_MODELS[RiskModel.State(model.state)], model.state)
    if model.state != RiskModel.State.ACTIVE or risk_models.is_own(model):
        return sign
    return format_html("{} {}", sign, badge("stale", "not scored: made of other formulas"))


def points(value: float | None) -> str:
    """A score, or its change with a sign where it is given one."""
    return MISSING if value is None else f"{value:.2f}"
