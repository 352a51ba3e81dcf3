"""What a score was calculated from, as far as it can be looked up: whose prices, and which news."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType

from markets.queries import history, news_mood
from markets.queries.history import Span
from risk.models import RiskFit, RiskScore, ScoreRun
from risk.queries.scores import midnight

WINDOW_DAYS = 1_000
"""Days back from which models learn; as `risk.quant.features.WINDOW`, which no web process loads."""


COEFFICIENTS: Mapping[str, str] = MappingProxyType(
    {
        "expected_shortfall_97_5": "expected_shortfall",
        "conditional_drawdown_95": "conditional_drawdown",
        "median_volume": "illiquidity",
        "tail_dependence_with_bitcoin": "tail_dependence",
        "age": "youth",
        "market_cap": "smallness",
    }
)
"""By what name a fit knows measurements that people know by another one."""


def weight(fit: RiskFit | None, measurement: str) -> float | None:
    """The coefficient of a measurement in the forecast; None where it has no part in it, or nothing was learnt."""
    return None if fit is None else fit.coefficients.get(COEFFICIENTS.get(measurement, measurement))


@dataclass(frozen=True, slots=True)
class News:
    """Ids of the items of the seven days before the run, and why they say nothing, where they do not."""

    items: Sequence[int]
    absent: str | None


def providers(score: RiskScore) -> list[str]:
    """Who said the prices within the window."""
    if score.data_to is None:
        return []
    end = midnight(score.data_to) + timedelta(days=1)
    return list(history.read(score.asset_id, Span("1d", WINDOW_DAYS, None, end), bars_to=score.data_to).sources)


def news(score: RiskScore, run: ScoreRun) -> News:
    """The news of the asset by what the run could know."""
    version = run.sentiment_version or None
    found = news_mood.moods([score.asset_id], at=run.news_at, model_version=version, judged_by=score.calculated_at)
    mood = found[score.asset_id]
    return News(mood.evidence, mood.mood.absent)
