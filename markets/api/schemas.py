"""The shapes of the market's answers, for the documentation and for the test that holds every answer to it."""

from typing import get_args

from rest_framework import serializers

from config.kernel.serializers import Page
from markets.providers.indicators import INDICATORS
from markets.quant.volatility_regime import Regime
from markets.queries.volatility_regime import Basis
from markets.sentiment.events import Kind
from markets.sentiment.mentions import MatchedBy

PRICE_QUALITY = ("observed", "simulated", "manual")


def _number(help_text: str) -> serializers.FloatField:
    return serializers.FloatField(allow_null=True, help_text=help_text)


class RiskVerdict(serializers.Serializer):
    """The latest risk score; all about it under `/cryptocurrencies/{symbol}/risk`. A model's opinion, no advice."""

    score = _number("From 0 to 100; null with a status that says why.")
    percentile = _number("Share of the assets scored that day that are less risky, from 0 to 100.")
    band = serializers.CharField(allow_null=True, help_text="low, moderate, high, very_high or extreme.")
    as_of = serializers.DateField(allow_null=True, help_text="Data through the close of this UTC day.")
    status = serializers.CharField(help_text="ok, dead (by rule), or why there is no score; not_scored: no run saw it.")
    stale = serializers.BooleanField(help_text="A newer score should be there by now.")


class Cryptocurrency(serializers.Serializer):
    """One asset with its latest quote; null means that nobody reported the value."""

    symbol = serializers.CharField(help_text="Upper case; not unique.")
    name = serializers.CharField()
    slug = serializers.CharField(help_text="The stable identity.")
    image = serializers.CharField(help_text="Address of a picture; empty where there is none.")
    rank = serializers.IntegerField(allow_null=True)
    price = _number("USD; null with a missing_reason, never zero for want of a price.")
    market_cap = _number("USD")
    volume_24h = _number("USD")
    change_1h = _number("Per cent.")
    change_24h = _number("Per cent.")
    change_7d = _number("Per cent.")
    circulating_supply = _number("Coins.")
    missing_reason = serializers.ChoiceField(choices=("no_quote", "not_reported"), allow_null=True)
    risk = RiskVerdict()
    quality = serializers.ChoiceField(choices=PRICE_QUALITY, allow_null=True)
    provider = serializers.CharField(allow_null=True, help_text="Who said it.")
    as_of = serializers.DateTimeField(allow_null=True, help_text="When the provider says that it held.")
    stale = serializers.BooleanField(help_text="Older than twice the interval at which it should be renewed.")


class CryptocurrencyPage(Page):
    results = Cryptocurrency(many=True)


class Candidate(serializers.Serializer):
    slug = serializers.CharField()
    symbol = serializers.CharField()
    name = serializers.CharField()
    market_cap = _number("USD")


class SymbolMatch(serializers.Serializer):
    """How the name in the address found its asset."""

    by = serializers.ChoiceField(choices=("slug", "symbol"))
    ambiguous = serializers.BooleanField()
    candidates = Candidate(many=True)


class DailyExtent(serializers.Serializer):
    daily_from = serializers.DateField(allow_null=True)
    daily_to = serializers.DateField(allow_null=True)


class CryptocurrencyDetail(Cryptocurrency):
    high_24h = _number("USD")
    low_24h = _number("USD")
    ath = _number("All-time high, USD.")
    ath_at = serializers.DateTimeField(allow_null=True)
    atl = _number("All-time low, USD.")
    atl_at = serializers.DateTimeField(allow_null=True)
    total_supply = _number("Coins.")
    max_supply = _number("Coins.")
    description = serializers.CharField()
    website = serializers.CharField()
    categories = serializers.ListField(child=serializers.CharField())
    age_seconds = serializers.IntegerField(allow_null=True, help_text="Since as_of.")
    history = DailyExtent()
    match = SymbolMatch()


class Column(serializers.Serializer):
    name = serializers.CharField()
    unit = serializers.CharField()


class SeriesMeta(serializers.Serializer):
    """What a time series says of itself."""

    source_help = "Who said the numbers."

    interval_seconds = serializers.IntegerField()
    stale = serializers.BooleanField()
    fill = serializers.ChoiceField(choices=("none",), help_text="How gaps are filled: they are not.")
    gaps = serializers.ListField(
        child=serializers.ListField(child=serializers.DateTimeField(), min_length=2, max_length=2),
        help_text="Ranges without points, end exclusive; the first hundred.",
    )
    gap_points = serializers.IntegerField(help_text="How many points are missing between the first and the last.")
    next_start = serializers.DateTimeField(allow_null=True, help_text="Where the series goes on beyond the limit.")

    def get_fields(self) -> dict[str, serializers.Field]:
        # `source` is a word of serializer fields.
        return super().get_fields() | {
            "source": serializers.ListField(child=serializers.CharField(), help_text=self.source_help)
        }


class SeriesAnswer(serializers.Serializer):
    """Points are arrays in the order of `columns`, or objects with `shape=objects`."""

    columns = Column(many=True)
    points = serializers.ListField(child=serializers.JSONField())


class HistoryMeta(SeriesMeta):
    symbol = serializers.CharField()
    slug = serializers.CharField()
    match = SymbolMatch()
    interval = serializers.ChoiceField(choices=("5m", "1h", "1d"))
    as_of = serializers.DateTimeField(allow_null=True, help_text="End of what the asset's newest point covers.")
    quality = serializers.DictField(
        child=serializers.IntegerField(), help_text="How many points are of limited quality, by the kind of limit."
    )


class HistoryAnswer(SeriesAnswer):
    meta = HistoryMeta()


class KeptInterval(serializers.Serializer):
    interval = serializers.ChoiceField(choices=("5m", "1h", "1d"))
    to = serializers.CharField(allow_null=True, help_text="Date (1d) or instant of the newest point.")
    retention_days = serializers.IntegerField(allow_null=True, help_text="null: kept for ever.")

    def get_fields(self) -> dict[str, serializers.Field]:
        # `from` is a word of Python.
        return {
            "from": serializers.CharField(allow_null=True, help_text="Date (1d) or instant of the oldest point.")
        } | (super().get_fields())


class SourceName(serializers.Serializer):
    name = serializers.CharField()
    simulated = serializers.BooleanField()


class CatalogueEntry(DailyExtent):
    symbol = serializers.CharField()
    slug = serializers.CharField()
    name = serializers.CharField()


class CatalogueAnswer(serializers.Serializer):
    simulated = serializers.BooleanField(help_text="The prices are invented for demonstration.")
    intervals = KeptInterval(many=True)
    sources = SourceName(many=True)
    count = serializers.IntegerField()
    next_after = serializers.IntegerField(allow_null=True)
    results = CatalogueEntry(many=True)


class IndicatorNow(serializers.Serializer):
    """One number about the market as a whole."""

    indicator = serializers.ChoiceField(choices=tuple(INDICATORS))
    unit = serializers.CharField()
    value = _number("null with a missing_reason.")
    missing_reason = serializers.ChoiceField(choices=("never_observed",), allow_null=True)
    as_of = serializers.DateTimeField(allow_null=True, help_text="When the provider says that it held.")
    provider = serializers.CharField(allow_null=True, help_text="Who said it.")
    quality = serializers.ChoiceField(choices=PRICE_QUALITY, allow_null=True)
    stale = serializers.BooleanField(help_text="Older than twice the interval at which it should be renewed.")


class VolatilityRegime(serializers.Serializer):
    """How turbulent the market is, worked out from daily bars and compared with its own three years before."""

    regime = serializers.ChoiceField(
        choices=get_args(Regime),
        allow_null=True,
        help_text="calm: the lowest quarter of volatilities; turbulent: the highest.",
    )
    missing_reason = serializers.ChoiceField(choices=("no_bars", "insufficient_history"), allow_null=True)
    volatility = _number("Annualised (365 days) root mean square of daily log returns over the window; 0.5 is 50 %.")
    percentile = _number("Share of earlier volatilities that were lower, from 0 to 1.")
    window_days = serializers.IntegerField()
    history_days = serializers.IntegerField(help_text="Earlier volatilities that it is compared with.")
    basis = serializers.ChoiceField(
        choices=get_args(Basis),
        allow_null=True,
        help_text="cap_weighted_index: the 100 largest assets of today; bitcoin: alone, for want of market caps.",
    )
    as_of = serializers.DateTimeField(allow_null=True, help_text="End of the last day of bars.")
    stale = serializers.BooleanField()


class IndicatorsAnswer(Page):
    results = IndicatorNow(many=True)
    volatility_regime = VolatilityRegime()


class IndicatorHistoryMeta(SeriesMeta):
    indicator = serializers.CharField()
    interval = serializers.ChoiceField(choices=("1h", "1d"))
    as_of = serializers.DateTimeField(allow_null=True, help_text="Of the newest value in the answer.")


class IndicatorHistoryAnswer(SeriesAnswer):
    meta = IndicatorHistoryMeta()


class NewsSource(serializers.Serializer):
    feed = serializers.CharField(help_text="The slug that the parameter `feed` takes.")
    name = serializers.CharField(help_text="The publisher, to be named beside the headline.")


class NewsAsset(serializers.Serializer):
    slug = serializers.CharField()
    symbol = serializers.CharField()
    matched_by = serializers.ChoiceField(
        choices=get_args(MatchedBy), help_text="By which of its names the text speaks of it."
    )


class NewsEntry(serializers.Serializer):
    """A headline; the article is its publisher's, at `link`. The score is null until the current version has judged."""

    id = serializers.IntegerField()
    title = serializers.CharField()
    summary = serializers.CharField(help_text="Plain text, at most 500 characters; empty where the feed has none.")
    link = serializers.CharField()
    language = serializers.CharField(allow_null=True, help_text="As the feed says.")
    published_at = serializers.DateTimeField()
    fetched_at = serializers.DateTimeField()
    tone = _number("From -1, bad, to 1, good.")
    negativity = _number("From 0 to 1: how bad the bad in it is, whatever good stands beside it.")
    confidence = _number("From 0 to 1: how much the words say, and how unanimously; no probability.")
    events = serializers.ListField(child=serializers.ChoiceField(choices=get_args(Kind)), allow_null=True)
    possible_events = serializers.ListField(
        child=serializers.ChoiceField(choices=get_args(Kind)),
        allow_null=True,
        help_text="What the text only speaks of as possible.",
    )
    model_version = serializers.CharField(allow_null=True)
    assets = NewsAsset(many=True)

    def get_fields(self) -> dict[str, serializers.Field]:
        # `source` is a word of serializer fields.
        return super().get_fields() | {"source": NewsSource()}


class NewsPage(Page):
    results = NewsEntry(many=True)
