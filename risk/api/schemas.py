"""The shapes of the answers about risk, for the documentation and for the test that holds every answer to it."""

from dataclasses import fields

from rest_framework import serializers

from accounts.actions import reasons
from config.kernel.serializers import StrictSerializer
from markets.api.schemas import SeriesAnswer, SeriesMeta, SymbolMatch
from markets.risk_port import NOT_SCORED
from risk.explanation import EVENTS
from risk.models import ForecastOutcome, RiskModel, RiskScore
from risk.parameters import Parameters

STATUSES = (*RiskScore.Status.values, NOT_SCORED)


def _number(help_text: str) -> serializers.FloatField:
    return serializers.FloatField(allow_null=True, help_text=help_text)


class Points(serializers.Serializer):
    component = serializers.CharField(help_text="base: where every asset starts; the others are causes.")
    points = serializers.FloatField()


class Measurement(serializers.Serializer):
    name = serializers.CharField()
    value = _number("null: not measurable from what there is.")
    unit = serializers.CharField()
    standard_error = _number(
        "How far the value may be from what endless data would say, in the same unit; null: a fact has none, or there"
        " is too little to tell."
    )
    n = serializers.IntegerField(allow_null=True, help_text="Observations that it was measured from.")
    percentile = _number(
        "Of the risk, from 0 to 100: the share of the day's ordinary assets that are less risky by it. So a small"
        " volume, market cap or age has a high one."
    )
    weight = _number(
        "Its coefficient in the forecast, as learnt, never below zero: of the log of volatility, by one in the log of a"
        " volatility or shortfall, or by one in the normal score of the rank of anything else. null: no part in it."
    )


class Factor(Points):
    """A cause of the score; the points of all of them add up to it."""

    direction = serializers.ChoiceField(choices=("start", "raises", "lowers", "neutral"))
    description = serializers.CharField()
    measurements = Measurement(many=True)
    sources = serializers.ListField(
        child=serializers.CharField(),
        help_text="Where what it was made of can be read, relative to the host: prices with volumes and caps, news, or"
        " the model's card. Empty: another asset's score.",
    )


class Interval(serializers.Serializer):
    """Where the realised risk of the next 30 days is to lie: what to plan with."""

    of = serializers.ChoiceField(choices=("score", "percentile"))
    level = serializers.FloatField(help_text="Coverage that was calibrated: 0.8 or 0.9.")
    low = serializers.FloatField()
    high = serializers.FloatField()
    method = serializers.ChoiceField(choices=("conformal",))
    bucket = serializers.CharField(help_text="Size and length of history that it was calibrated in.")
    n = serializers.IntegerField(
        help_text="Forecasts with a known outcome that it was calibrated on: of the bucket, or of all where the bucket"
        " has too few for an interval of its own."
    )
    note = serializers.CharField(
        allow_null=True,
        help_text="Why its coverage is not known: that of a pegged asset is learnt from ordinary ones; null: it is.",
    )


class EstimationInterval(serializers.Serializer):
    level = serializers.FloatField(help_text="Nominal: 0.8 or 0.9; simulated series were covered less often.")
    low = serializers.FloatField(help_text="Points of the score.")
    high = serializers.FloatField(help_text="Points of the score.")


class Estimation(serializers.Serializer):
    """How far the score itself may be from what endless data of the same asset would give it.

    Not where the risk will lie: for that see `intervals`, which are wider, for they hold what is yet to happen, too.
    """

    method = serializers.ChoiceField(choices=("parametric_filtered_bootstrap",))
    basis = serializers.ChoiceField(
        choices=RiskScore.Basis.choices,
        help_text="Whose dynamics were simulated: the asset's own, those of other assets, or nobody's are known.",
    )
    draws = serializers.IntegerField(help_text="Histories that were simulated, each with parameters of its own.")
    intervals = EstimationInterval(many=True, help_text="Empty where no dynamics are known.")
    description = serializers.CharField()


class Confidence(serializers.Serializer):
    level = serializers.ChoiceField(choices=RiskScore.Confidence.choices)
    reasons = serializers.ListField(child=serializers.CharField(), help_text="What lowers it, as words for programs.")
    description = serializers.CharField(help_text="The same for people.")


class Delta(serializers.Serializer):
    """What changed since the score before; the points of the components add up to `points`."""

    points = serializers.FloatField()
    since = serializers.DateField(help_text="The day of the score before.")
    previous_score = serializers.FloatField()
    components = Points(many=True)


class TailLoss(serializers.Serializer):
    """Positive numbers are losses, as log returns; 1 - exp(-x) is the fraction of value that is lost."""

    level = serializers.FloatField()
    horizon_days = serializers.IntegerField()
    value_at_risk = _number(
        "The loss that is exceeded with probability 1 - level; null: not measurable. Zero or less: no loss was observed"
        " at this level, a day that bad was a gain; it has no error, and does not mean that there can be none."
    )
    value_at_risk_error = _number(
        "Its standard error: how far it may be from what endless data of the asset would say. null: not known."
    )
    value_at_risk_low_90 = _number("1.645 standard errors below it: a nominal 90 % interval of the estimate.")
    value_at_risk_high_90 = _number("As many above it. How often such intervals held the truth is in the model's docs.")
    expected_shortfall = _number("The mean of the losses beyond it; zero or less: their mean was a gain.")
    expected_shortfall_error = _number("Its standard error; null: not known.")
    expected_shortfall_low_90 = _number("As of the value at risk.")
    expected_shortfall_high_90 = _number("As of the value at risk.")
    unit = serializers.ChoiceField(choices=("log_return",))
    method = serializers.CharField()
    n = serializers.IntegerField(allow_null=True, help_text="Daily returns that it was measured from.")
    window_days = serializers.IntegerField()


class NewsReference(serializers.Serializer):
    id = serializers.IntegerField(help_text="As `/news` shows it.")
    url = serializers.CharField(help_text="Of the article, at its publisher.")


class Flag(serializers.Serializer):
    flag = serializers.ChoiceField(
        choices=("stablecoin", "pumped", "stale_prices", "bad_prints", *(f"news_of_{event}" for event in EVENTS))
    )
    description = serializers.CharField()
    news = NewsReference(
        many=True, help_text="The newest items that tell of the event, ten at most, as the score was made."
    )


class NewsEvidence(serializers.Serializer):
    items = serializers.ListField(child=serializers.IntegerField(), help_text="Ids, as `/news` shows them.")
    missing_reason = serializers.CharField(
        allow_null=True, help_text="Why the news say nothing: that lowers the confidence, never the score."
    )
    url = serializers.CharField(help_text="Where they can be read, relative to the host.")


class Evidence(serializers.Serializer):
    """What was calculated from."""

    observations = serializers.IntegerField(help_text="Days with a price that is believed.")
    window_days = serializers.IntegerField(help_text="Days back that models learn from.")
    to = serializers.DateField(allow_null=True)
    providers = serializers.ListField(child=serializers.CharField(), help_text="Who said the prices.")
    rejected_prices = serializers.IntegerField(help_text="Prices that were not believed.")
    news = NewsEvidence()

    def get_fields(self) -> dict[str, serializers.Field]:
        # `from` is a word of Python.
        return {"from": serializers.DateField(allow_null=True)} | super().get_fields()


class Provenance(serializers.Serializer):
    """By which the number can be calculated again to the last bit: `manage.py recompute_score ID`."""

    score_id = serializers.IntegerField()
    run_id = serializers.IntegerField()
    input_hash = serializers.CharField(help_text="SHA-256 of the prices that were calculated from.")
    context_hash = serializers.CharField(
        allow_null=True,
        help_text="Of what else was: news, wrapping, the score before and the fit, 16 digits each; null: not noted.",
    )
    seed = serializers.CharField(help_text="Hexadecimal.")
    calculated_at = serializers.DateTimeField()
    learnt_as_of = serializers.DateField(allow_null=True, help_text="What the model had learnt by this day.")
    engine = serializers.CharField()
    libraries = serializers.DictField(child=serializers.CharField())


class RiskAnswer(serializers.Serializer):
    """The latest score of one asset with everything that explains it. A number that is null says why in `reason`."""

    symbol = serializers.CharField()
    slug = serializers.CharField()
    name = serializers.CharField()
    match = SymbolMatch()
    status = serializers.ChoiceField(choices=STATUSES)
    reason = serializers.CharField(allow_null=True, help_text="Why there is no score, or why it is a rule's.")
    score = _number("From 0 to 100.")
    percentile = _number(
        "Share of the assets scored that day that are less risky, from 0 to 100. Of the dead also where no model scores"
        " the others, for none puts any above them."
    )
    band = serializers.ChoiceField(choices=RiskScore.Band.choices, allow_null=True)
    forecast_volatility = _number("Annualised (365 days), of the next `horizon_days`; 0.5 is 50 %.")
    horizon_days = serializers.IntegerField()
    intervals = Interval(many=True, help_text="Of what is to come.")
    estimation = Estimation(allow_null=True, help_text="Of the score itself; null where nothing was estimated.")
    confidence = Confidence(allow_null=True, help_text="null where nothing is forecast.")
    factors = Factor(many=True)
    delta_since_previous = Delta(allow_null=True, help_text="null: there is no score before, or none now.")
    tail = TailLoss(many=True)
    flags = Flag(many=True)
    as_of = serializers.DateField(allow_null=True, help_text="Data through the close of this UTC day.")
    stale = serializers.BooleanField(
        help_text="The newest price behind it is older than a price should be by now: a newer score should be there, or"
        " its prices have ended."
    )
    model_version = serializers.CharField(allow_null=True)
    provenance = Provenance(allow_null=True)
    explanation = serializers.CharField(help_text="In words, with what to do about it.")
    what_this_is_not = serializers.ListField(child=serializers.CharField())

    def get_fields(self) -> dict[str, serializers.Field]:
        # `data` is a word of serializers.
        return super().get_fields() | {"data": Evidence(allow_null=True)}


class RiskHistoryMeta(SeriesMeta):
    source_help = "Which model said the numbers."

    symbol = serializers.CharField()
    slug = serializers.CharField()
    match = SymbolMatch()
    interval = serializers.ChoiceField(choices=("1d",))
    model_version = serializers.CharField(allow_null=True)
    missing_reason = serializers.ChoiceField(
        choices=("no_model", "not_scored"), allow_null=True, help_text="Why there is no point at all."
    )
    as_of = serializers.DateTimeField(allow_null=True, help_text="End of the newest day in the answer.")


class RiskHistoryAnswer(SeriesAnswer):
    meta = RiskHistoryMeta()


class RankedScore(serializers.Serializer):
    """One asset in a ranking; all about it at `url`."""

    symbol = serializers.CharField()
    slug = serializers.CharField()
    name = serializers.CharField()
    status = serializers.ChoiceField(choices=RiskScore.Status.choices)
    reason = serializers.CharField(allow_null=True)
    score = _number("From 0 to 100; null with a status and a reason.")
    score_low_90 = _number("Of the conformal 90 % interval of what is to come; null where nothing is forecast.")
    score_high_90 = _number("Of the conformal 90 % interval of what is to come.")
    is_stablecoin = serializers.BooleanField(
        help_text="The conformal interval is that of ordinary assets and has not been shown to hold for pegged ones."
    )
    estimate_low_90 = _number("How well the score itself is measured, nominal 90 %; null where it is not known.")
    estimate_high_90 = _number("The same; not where the risk will lie.")
    percentile = _number("From 0 to 100.")
    band = serializers.ChoiceField(choices=RiskScore.Band.choices, allow_null=True)
    forecast_volatility = _number("Annualised, of the next 30 days.")
    confidence = serializers.ChoiceField(choices=RiskScore.Confidence.choices, allow_null=True)
    delta = _number("Points since the score before.")
    observations = serializers.IntegerField()
    as_of = serializers.DateField()
    stale = serializers.BooleanField(help_text="The newest price behind it is older than it should be by now.")
    model_version = serializers.CharField()
    input_hash = serializers.CharField()
    url = serializers.CharField()


class RankingPage(serializers.Serializer):
    count = serializers.IntegerField(help_text="All that match.")
    next = serializers.CharField(allow_null=True, help_text="Address of the next page, relative to the host.")
    previous = serializers.CharField(allow_null=True, help_text="Always null: pages lead forwards.")
    results = RankedScore(many=True)
    missing_reason = serializers.ChoiceField(
        choices=("no_model", "no_run"), allow_null=True, help_text="Why nothing has been scored at all."
    )


class LearntFrom(serializers.Serializer):
    """The newest lesson of a model: learnt from the past of `as_of` only."""

    as_of = serializers.DateField()
    first_date = serializers.DateField(allow_null=True, help_text="First day whose forecasts were learnt from.")
    last_date = serializers.DateField(allow_null=True, help_text="Last one; its 30 days were over by as_of.")
    dates = serializers.IntegerField()
    observations = serializers.IntegerField()
    calibrated_on = serializers.IntegerField()
    penalty = serializers.FloatField()
    coefficients = serializers.DictField(
        child=serializers.FloatField(min_value=0), help_text="Of each feature, by its name."
    )
    input_hash = serializers.CharField()


class RiskModelRow(serializers.Serializer):
    version = serializers.CharField()
    state = serializers.ChoiceField(choices=[RiskModel.State.ACTIVE, RiskModel.State.RETIRED])
    headline = serializers.BooleanField(help_text="The one whose scores are shown where no version is asked for.")
    created_at = serializers.DateTimeField()
    changed_at = serializers.DateTimeField()
    scored_as_of = serializers.DateField(allow_null=True, help_text="Day of its newest finished run.")
    url = serializers.CharField()


class AnyModelRow(RiskModelRow):
    """What administrators see: also a draft, whose card has no page yet."""

    state = serializers.ChoiceField(choices=RiskModel.State.choices)


class AnyModelList(serializers.Serializer):
    count = serializers.IntegerField()
    next = serializers.CharField(allow_null=True, help_text="Always null: all are shown.")
    previous = serializers.CharField(allow_null=True, help_text="Always null: all are shown.")
    results = AnyModelRow(many=True)


class Reason(StrictSerializer):
    """Why somebody does it."""

    reason = serializers.CharField(max_length=reasons.MAX_LENGTH, help_text="Kept in the audit trail.")


class RiskModelList(serializers.Serializer):
    count = serializers.IntegerField()
    next = serializers.CharField(allow_null=True, help_text="Always null: there is one page.")
    previous = serializers.CharField(allow_null=True)
    results = RiskModelRow(many=True)


class ModelParameters(serializers.Serializer):
    """Everything that a version may differ in; versions of earlier releases lack what these did not know."""

    def get_fields(self) -> dict[str, serializers.Field]:
        return {
            field.name: (serializers.IntegerField if field.type is int else serializers.FloatField)(required=False)
            for field in fields(Parameters)
        }


class ModelCard(RiskModelRow):
    parameters = ModelParameters()
    method = serializers.ListField(child=serializers.CharField())
    limits = serializers.ListField(child=serializers.CharField())
    what_this_is_not = serializers.ListField(child=serializers.CharField())
    learnt_from = LearntFrom(allow_null=True, help_text="null: it has learnt nothing yet and scores nothing.")
    backtest_url = serializers.CharField()
    calibration_url = serializers.CharField()


def _count(help_text: str) -> serializers.IntegerField:
    return serializers.IntegerField(allow_null=True, help_text=help_text)


class BacktestResult(serializers.Serializer):
    """How one method fared at one level. null: it could not be told, or the version that was backtested did not ask."""

    method = serializers.CharField()
    baseline = serializers.BooleanField(allow_null=True, help_text="Shown for comparison, never used.")
    level = serializers.FloatField()
    forecasts = _count("Days of all assets.")
    exceedances = _count("On which the loss was beyond the value at risk.")
    rate = _number("Their share of the forecasts.")
    rate_low = _number("Of the 95 % interval of the rate, which allows for assets of a day falling together.")
    rate_high = _number("Of the same interval.")
    expected_rate = _number("1 - level.")
    tested_assets = _count("Assets with at least 100 forecasts.")
    kupiec_passed = _number("Share of them exceeded as often as was said, by a test of 5 %; Kupiec (1995).")
    christoffersen_passed = _number("Share of them that also shows no runs of exceedances; Christoffersen (1998).")
    dynamic_quantile_assets = _count("Those of them on which the next test says anything.")
    dynamic_quantile_passed = _number(
        "Share of those whose exceedances nothing that was known foretold; Engle and Manganelli (2004)."
    )
    simulated_dynamic_quantile_passed = _number(
        "The same by the simulated law of the statistic with so few exceedances; Dufour (2006). 0.95 of a true model."
    )
    traffic_light_assets = _count("Assets with at least 250 forecasts; at 99 % alone.")
    traffic_light_green = _number("Share of them with at most 4 exceedances in their last 250 days; Basel Committee.")
    traffic_light_yellow = _number("With 5 to 9.")
    traffic_light_red = _number("With 10 or more.")
    shortfall_statistic = _number("Acerbi and Szekely's Z2; positive: the shortfall was too small.")
    compared_forecasts = _count("Those that every method made, on which the losses that follow are compared.")
    fz0 = _number("Loss of value at risk and shortfall together, of percent, mean of days; less is better.")
    fz0_difference = _number("To EWMA-filtered historical simulation; negative: this one is better.")
    fz0_p_value = _number("That the difference is chance; Diebold and Mariano (1995), on days, with HAC variance.")
    confidence_set_p_value = _number("In the model confidence set; Hansen, Lunde and Nason (2011).")
    in_confidence_set = serializers.BooleanField(allow_null=True, help_text="It cannot be told from the best at 10 %.")


class BacktestAnswer(serializers.Serializer):
    """One-day value at risk and expected shortfall against what happened. Losses are positive."""

    model_version = serializers.CharField()
    since = serializers.DateField(help_text="The first day that was forecast.")
    until = serializers.DateField(help_text="The last day that was forecast.")
    horizon_days = serializers.IntegerField()
    days = serializers.IntegerField(help_text="Days that were forecast; there may be some between without any.")
    assets = serializers.IntegerField()
    forecasts = serializers.IntegerField()
    results = BacktestResult(many=True, help_text="One a method and level.")
    created_at = serializers.DateTimeField()
    what_this_is_not = serializers.ListField(child=serializers.CharField())


class RateInterval(serializers.Serializer):
    level = serializers.FloatField()
    low = serializers.FloatField()
    high = serializers.FloatField()
    method = serializers.ChoiceField(choices=("wilson_clustered",))
    effective_n = serializers.FloatField(help_text="Independent trials that would be as certain.")
    clusters = serializers.IntegerField(help_text="Days, or blocks of 30 days, whose assets go together.")


class CalibrationRow(serializers.Serializer):
    """How often one thing came true."""

    model_version = serializers.CharField()
    horizon_days = serializers.IntegerField()
    what = serializers.ChoiceField(choices=("value_at_risk_exceeded", "inside_interval"))
    level = serializers.FloatField()
    bucket = serializers.CharField(
        allow_null=True,
        help_text="Size and length of history, or `pegged`: stablecoins are counted apart. null: all others together.",
    )
    n = serializers.IntegerField()
    hits = serializers.IntegerField()
    hit_rate = serializers.FloatField()
    expected_rate = serializers.FloatField()
    interval = RateInterval(help_text="Of the hit rate.")
    agrees = serializers.BooleanField(help_text="The expected rate lies in the interval.")
    shortfall_statistic = _number(
        "Of one day: Acerbi and Szekely's Z2; positive: the shortfall was too small. null: there is no shortfall above"
        " zero to compare with, or none on the days of the hits."
    )
    shortfall_n = _count(
        "Of one day: outcomes whose shortfall was above zero, of which alone that statistic is; null: of a month."
    )
    mean_width = _number("Of a month: points that the intervals were wide.")
    since = serializers.DateField()
    until = serializers.DateField()


class CalibrationAnswer(serializers.Serializer):
    count = serializers.IntegerField()
    next = serializers.CharField(allow_null=True, help_text="Always null: there is one page.")
    previous = serializers.CharField(allow_null=True)
    results = CalibrationRow(many=True)
    missing_reason = serializers.ChoiceField(
        choices=("no_outcomes",), allow_null=True, help_text="Why there is no row: no forecast is old enough yet."
    )


HORIZONS = {ForecastOutcome.Horizon.DAY: 1, ForecastOutcome.Horizon.MONTH: 30}
