"""The shapes of the market's answers, for the documentation and for the test that holds every answer to it."""

from rest_framework import serializers

PRICE_QUALITY = ("observed", "simulated", "manual")


def _number(help_text: str) -> serializers.FloatField:
    return serializers.FloatField(allow_null=True, help_text=help_text)


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
    quality = serializers.ChoiceField(choices=PRICE_QUALITY, allow_null=True)
    provider = serializers.CharField(allow_null=True, help_text="Who said it.")
    as_of = serializers.DateTimeField(allow_null=True, help_text="When the provider says that it held.")
    stale = serializers.BooleanField(help_text="Older than twice the interval at which it should be renewed.")


class CryptocurrencyPage(serializers.Serializer):
    count = serializers.IntegerField(help_text="All that match.")
    next = serializers.CharField(allow_null=True, help_text="Address of the next page, relative to the host.")
    previous = serializers.CharField(allow_null=True)
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


class HistoryMeta(serializers.Serializer):
    symbol = serializers.CharField()
    slug = serializers.CharField()
    match = SymbolMatch()
    interval = serializers.ChoiceField(choices=("5m", "1h", "1d"))
    interval_seconds = serializers.IntegerField()
    as_of = serializers.DateTimeField(allow_null=True, help_text="End of what the asset's newest point covers.")
    stale = serializers.BooleanField()
    quality = serializers.DictField(
        child=serializers.IntegerField(), help_text="How many points are of limited quality, by the kind of limit."
    )
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
            "source": serializers.ListField(child=serializers.CharField(), help_text="Who said the numbers.")
        }


class HistoryAnswer(serializers.Serializer):
    """Points are arrays in the order of `columns`, or objects with `shape=objects`."""

    columns = Column(many=True)
    points = serializers.ListField(child=serializers.JSONField())
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
