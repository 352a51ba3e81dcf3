"""The cast of risk: a model in charge, its run of yesterday, and what it says of assets."""

from datetime import UTC, date, datetime
from typing import Any

from factory.declarations import LazyAttribute, Sequence, SubFactory
from factory.django import DjangoModelFactory

from risk.actions import forecast_outcomes
from risk.models import Backtest, CalibrationDay, ForecastOutcome, RiskFit, RiskModel, RiskScore, ScoreRun, Wrapping
from tests.markets.factories import AssetFactory

DAY = date(2026, 3, 11)
"""The last day that had closed at `NOON` of the market's cast."""
NIGHT = datetime(2026, 3, 12, 0, 15, tzinfo=UTC)

_CONTRIBUTIONS = (("base", 62.5), ("volatility", -14.0), ("tail", -2.5), ("liquidity", -5.0), ("structure", 1.0))


class RiskModelFactory(DjangoModelFactory[RiskModel]):
    """A version that scores."""

    class Meta:
        model = RiskModel

    version = Sequence(lambda n: f"1.{n}.0-abcdef")
    parameters: dict[str, Any] = {}
    state = RiskModel.State.ACTIVE
    created_at = NIGHT
    changed_at = NIGHT


class RiskFitFactory(DjangoModelFactory[RiskFit]):
    """What a version has learnt by the first of the month."""

    class Meta:
        model = RiskFit

    model = SubFactory(RiskModelFactory)
    as_of = date(2026, 3, 1)
    coefficients = {"volatility": 0.4}
    feature_means = {"volatility": 0.0}
    mean = -0.1
    penalty = 0.01
    score_reach: dict[str, Any] = {}
    percentile_reach: dict[str, Any] = {}
    dates = ["2024-01-01", "2024-01-31"]
    observations = 400
    calibrated_on = 120
    input_hash = Sequence(lambda n: f"{n:064x}")
    created_at = NIGHT


class ScoreRunFactory(DjangoModelFactory[ScoreRun]):
    """A run that finished in a quarter of an hour past midnight."""

    class Meta:
        model = ScoreRun

    model = SubFactory(RiskModelFactory)
    fit = SubFactory(RiskFitFactory, model=LazyAttribute(lambda fit: fit.factory_parent.model))
    as_of = DAY
    state = ScoreRun.State.FINISHED
    news_at = NIGHT
    chunks = 2
    chunks_done = 2
    counts = {"ok": 1}
    seed_base = "00000000000000aa"
    libraries = {"numpy": "2.3.5"}
    engine = "numpy"
    durations = {"measure": 1.5, "score": 0.25}
    started_at = NIGHT
    finished_at = LazyAttribute(lambda run: None if run.state == ScoreRun.State.RUNNING else NIGHT)
    error = LazyAttribute(lambda run: "It broke." if run.state == ScoreRun.State.FAILED else "")


class RiskScoreFactory(DjangoModelFactory[RiskScore]):
    """An ordinary asset of 42 points."""

    class Meta:
        model = RiskScore

    asset = SubFactory(AssetFactory)
    run = SubFactory(ScoreRunFactory)
    model = LazyAttribute(lambda score: score.run.model)
    as_of = LazyAttribute(lambda score: score.run.as_of)
    status = RiskScore.Status.OK
    score = 42.0
    percentile = 11.5
    band = RiskScore.Band.MODERATE
    score_low_80, score_high_80, score_low_90, score_high_90 = 33.0, 52.0, 28.5, 58.0
    estimate_low_80, estimate_high_80, estimate_low_90, estimate_high_90 = 38.0, 47.5, 36.5, 49.5
    estimate_basis = RiskScore.Basis.FITTED
    percentile_low_80, percentile_high_80, percentile_low_90, percentile_high_90 = 3.0, 40.0, 0.0, 55.0
    sigma = 0.44
    bucket = "large, long"
    confidence = RiskScore.Confidence.MEDIUM
    confidence_reasons = ["news_unknown"]
    contributions = [{"component": component, "points": points} for component, points in _CONTRIBUTIONS]
    measurements = [
        {
            "name": "volatility",
            "component": "volatility",
            "value": 0.43,
            "unit": "a year",
            "standard_error": 0.05,
            "n": 1000,
            "percentile": 10.0,
        },
        {
            "name": "price_impact",
            "component": "liquidity",
            "value": None,
            "unit": "rank",
            "standard_error": None,
            "n": 0,
            "percentile": None,
        },
    ]
    tail = [
        {
            "level": 0.975,
            "horizon_days": 1,
            "value_at_risk": 0.048,
            "value_at_risk_error": 0.004,
            "expected_shortfall": 0.066,
            "expected_shortfall_error": 0.006,
            "unit": "log_return",
            "method": "combined",
            "n": 1000,
        }
    ]
    data_from = date(2023, 6, 16)
    data_to = LazyAttribute(lambda score: score.as_of)
    observations = 1000
    input_hash = Sequence(lambda n: f"{n:064x}")
    context_hash = Sequence(lambda n: f"{n:064x}")
    seed = "00000000000000aa"
    calculated_at = NIGHT


NOTHING: dict[str, Any] = dict.fromkeys(
    [
        *(
            f"{what}_{end}_{level}"
            for what in ("score", "percentile", "estimate")
            for end in ("low", "high")
            for level in (80, 90)
        ),
        *("score", "percentile", "sigma"),
    ]
) | {
    "band": "",
    "estimate_basis": "",
    "bucket": "",
    "confidence": "",
    "confidence_reasons": [],
    "contributions": [],
    "tail": [],
}
"""What a row without a score holds."""


def unscored(**fields: Any) -> RiskScore:
    """A row that says why there is no score: the history is too short."""
    why = {"status": RiskScore.Status.INSUFFICIENT_HISTORY, "reason": "Only 9 of the 14 days that are needed."}
    return RiskScoreFactory.create(**NOTHING | why | fields)


def dead(**fields: Any) -> RiskScore:
    """A row of 100 points by rule."""
    points = [{"component": "base", "points": 62.5}, {"component": "death", "points": 37.5}]
    rule = {
        "status": RiskScore.Status.DEAD,
        "reason": "Down 99.8 % from its peak at a volume below 1,000 USD.",
        "score": 100.0,
        "percentile": 100.0,
        "band": RiskScore.Band.EXTREME,
        "contributions": points,
    }
    return RiskScoreFactory.create(**NOTHING | rule | fields)


class BacktestFactory(DjangoModelFactory[Backtest]):
    """A year of forecasts of ten assets."""

    class Meta:
        model = Backtest

    model = SubFactory(RiskModelFactory)
    since = date(2025, 3, 1)
    until = date(2026, 2, 28)
    days = LazyAttribute(lambda backtest: (backtest.until - backtest.since).days + 1)
    assets = 10
    forecasts = 3650
    results = [
        {
            "method": "combined",
            "baseline": False,
            "level": 0.99,
            "forecasts": 3650,
            "exceedances": 40,
            "rate": 0.010958904109589041,
            "rate_low": 0.0074,
            "rate_high": 0.0162,
            "expected_rate": 0.01,
            "tested_assets": 10,
            "kupiec_passed": 0.9,
            "christoffersen_passed": 0.8,
            "dynamic_quantile_assets": 9,
            "dynamic_quantile_passed": 0.7777777777777778,
            "simulated_dynamic_quantile_passed": 0.8888888888888888,
            "traffic_light_assets": 10,
            "traffic_light_green": 0.7,
            "traffic_light_yellow": 0.3,
            "traffic_light_red": 0.0,
            "shortfall_statistic": 0.026,
            "compared_forecasts": 3000,
            "fz0": 2.872,
            "fz0_difference": -0.029,
            "fz0_p_value": 0.046,
            "confidence_set_p_value": 0.919,
            "in_confidence_set": True,
        }
    ]
    created_at = NIGHT


class OutcomeFactory(DjangoModelFactory[ForecastOutcome]):
    """Recorded by the deed, so that it is counted."""

    class Meta:
        model = ForecastOutcome
        abstract = True

    @classmethod
    def _create(cls, model_class: type[ForecastOutcome], *args: Any, **kwargs: Any) -> ForecastOutcome:
        outcome = model_class(**kwargs)
        forecast_outcomes.store([outcome])
        return model_class.objects.get(score=outcome.score, horizon=outcome.horizon, level=outcome.level)


class DayOutcomeFactory(OutcomeFactory):
    """A next day that went by quietly."""

    score = SubFactory(RiskScoreFactory)
    horizon = ForecastOutcome.Horizon.DAY
    level = 0.975
    value_at_risk = 0.048
    expected_shortfall = 0.066
    realised_return = 0.01
    is_exceeded = False
    recorded_at = NIGHT


class MonthOutcomeFactory(OutcomeFactory):
    """A month whose risk was as foretold."""

    score = SubFactory(RiskScoreFactory)
    horizon = ForecastOutcome.Horizon.MONTH
    level = 0.9
    realised_volatility = 0.4
    realised_score = 40.0
    is_inside = True
    recorded_at = NIGHT


class CalibrationDayFactory(DjangoModelFactory[CalibrationDay]):
    """Ten forecasts of a night, none of which was exceeded."""

    class Meta:
        model = CalibrationDay

    model = SubFactory(RiskModelFactory)
    as_of = DAY
    horizon = ForecastOutcome.Horizon.DAY
    level = 0.975
    size = 10
    hits = 0
    beyond = 0.0
    comparable = 10


class WrappingFactory(DjangoModelFactory[Wrapping]):
    """One coin that stands for another one."""

    class Meta:
        model = Wrapping

    asset = SubFactory(AssetFactory)
    underlying = SubFactory(AssetFactory)
