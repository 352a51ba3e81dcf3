"""The cast: sources, assets, and what the market knows about them."""

from collections.abc import Sequence as Values
from datetime import UTC, date, datetime, timedelta

import numpy as np
from factory.declarations import LazyAttribute, LazyFunction, Sequence, SubFactory
from factory.django import DjangoModelFactory

from markets.actions import bars
from markets.actions.bars import StoredBars
from markets.blocks import FIELDS, BarTable
from markets.models import (
    Asset,
    Category,
    Divergence,
    ExternalId,
    IndicatorValue,
    NewsFeed,
    NewsItem,
    NewsScore,
    PriceOverride,
    ProviderState,
    QuarantinedRecord,
    Quote,
    RawAnswer,
    Snapshot,
    Source,
    SyncRun,
)
from markets.sentiment import scorer
from tests.accounts.factories import UserFactory

NOON = datetime(2026, 3, 12, 12, tzinfo=UTC)


class SourceFactory(DjangoModelFactory[Source]):
    """The source "observer", or the one of the given name, made once."""

    class Meta:
        model = Source
        django_get_or_create = ("name",)

    name = "observer"


class CategoryFactory(DjangoModelFactory[Category]):
    """A category, made once per slug."""

    class Meta:
        model = Category
        django_get_or_create = ("slug",)

    slug = "layer-1"
    name = LazyAttribute(lambda category: category.slug.replace("-", " ").title())


class AssetFactory(DjangoModelFactory[Asset]):
    """A listed coin without prices."""

    class Meta:
        model = Asset

    slug = Sequence(lambda n: f"coin-{n}")
    symbol = LazyAttribute(lambda asset: asset.slug.replace("-", "").upper())
    name = LazyAttribute(lambda asset: asset.slug.replace("-", " ").title())


class ExternalIdFactory(DjangoModelFactory[ExternalId]):
    """What the source "observer" calls an asset: its slug."""

    class Meta:
        model = ExternalId

    source = SubFactory(SourceFactory)
    asset = SubFactory(AssetFactory)
    external_id = LazyAttribute(lambda known: known.asset.slug)


class QuoteFactory(DjangoModelFactory[Quote]):
    """A quote of noon, which only knows the price."""

    class Meta:
        model = Quote

    asset = SubFactory(AssetFactory)
    source = SubFactory(SourceFactory)
    as_of = NOON
    received_at = NOON
    price = 100.0


class SnapshotFactory(DjangoModelFactory[Snapshot]):
    """What a sync saw of one asset at noon."""

    class Meta:
        model = Snapshot

    asset = SubFactory(AssetFactory)
    source = SubFactory(SourceFactory)
    at = NOON
    price = 100.0


class SyncRunFactory(DjangoModelFactory[SyncRun]):
    """A sync that goes on since noon."""

    class Meta:
        model = SyncRun

    provider = "observer"
    limit = 200
    started_at = NOON


class DivergenceFactory(DjangoModelFactory[Divergence]):
    """A second provider saw ten per cent more at noon."""

    class Meta:
        model = Divergence

    asset = SubFactory(AssetFactory)
    run = SubFactory(SyncRunFactory)
    observed_at = NOON
    provider = "observer"
    price = 100.0
    other_provider = "other"
    other_price = 110.0
    deviation = 10.0


class QuarantinedRecordFactory(DjangoModelFactory[QuarantinedRecord]):
    """A row that waits for a decision since noon."""

    class Meta:
        model = QuarantinedRecord

    provider = "coingecko"
    external_id = Sequence(lambda n: f"coin-{n}")
    reason = "zero_price"
    detail = "price"
    raw = LazyAttribute(lambda record: f'{{"id":"{record.external_id}"}}')
    first_seen_at = NOON
    last_seen_at = NOON


class PriceOverrideFactory(DjangoModelFactory[PriceOverride]):
    """A price that holds for a day from noon on."""

    class Meta:
        model = PriceOverride

    asset = SubFactory(AssetFactory)
    price = 50.0
    reason = "The provider is broken."
    starts_at = NOON
    ends_at = LazyAttribute(lambda override: override.starts_at + timedelta(days=1))
    created_by = SubFactory(UserFactory)


class ProviderStateFactory(DjangoModelFactory[ProviderState]):
    """A provider that was not asked yet."""

    class Meta:
        model = ProviderState

    name = Sequence(lambda n: f"provider-{n}")


class RawAnswerFactory(DjangoModelFactory[RawAnswer]):
    """An answer of noon."""

    class Meta:
        model = RawAnswer

    sha256 = Sequence(lambda n: n.to_bytes(32))
    provider = "observer"
    endpoint = "/listings"
    received_at = NOON
    body_zstd = b"compressed"
    size = 100


def daily_bars(
    asset: Asset,
    start: date,
    close: Values[float | None],
    *,
    source: str = "observer",
    quality: int = 0,
    **columns: Values[float | None],
) -> BarTable:
    """Bars of consecutive days from `start`; None is missing, and without a close there is no bar.

    `columns` are others of `FIELDS`, as long as `close`.
    """
    days = len(close)
    given = columns | {"close": close}
    values = np.array([given.get(field, [None] * days) for field in FIELDS], dtype=np.float64).T
    table = BarTable(
        asset_id=np.full(days, asset.pk, dtype=np.int32),
        day=np.arange(days, dtype=np.int32) + np.int32((start - date(1970, 1, 1)).days),
        values=values,
        source_id=np.full(days, SourceFactory.create(name=source).pk, dtype=np.int16),
        quality=np.full(days, quality, dtype=np.uint8),
    )
    return table.take(np.isfinite(values[:, FIELDS.index("close")]))


def store_daily_bars(
    asset: Asset, start: date, close: Values[float | None], *, at: datetime = NOON, **others: object
) -> StoredBars:
    """Store what `daily_bars` makes of the same arguments."""
    stored = bars.store(daily_bars(asset, start, close, **others), at=at)  # type: ignore[arg-type]  # passed through
    asset.refresh_from_db()
    return stored


class NewsFeedFactory(DjangoModelFactory[NewsFeed]):
    """A feed of its own publisher."""

    class Meta:
        model = NewsFeed

    slug = Sequence(lambda n: f"feed-{n}")
    name = LazyAttribute(lambda feed: feed.slug.replace("-", " ").title())
    url = LazyAttribute(lambda feed: f"https://{feed.slug}.example.com/rss")


class NewsItemFactory(DjangoModelFactory[NewsItem]):
    """A headline of noon."""

    class Meta:
        model = NewsItem

    feed = SubFactory(NewsFeedFactory)
    guid = Sequence(lambda n: f"guid-{n}")
    url = LazyAttribute(lambda item: f"https://news.example.com/{item.guid}")
    title = LazyAttribute(lambda item: f"Story {item.guid}")
    published_at = NOON
    fetched_at = NOON
    digest = b"\0" * 32


class NewsScoreFactory(DjangoModelFactory[NewsScore]):
    """What the current version makes of an item: nothing at all."""

    class Meta:
        model = NewsScore

    item = SubFactory(NewsItemFactory)
    model_version = LazyFunction(scorer.model_version)
    tone = 0.0
    negativity = 0.0
    confidence = 0.0
    scored_at = NOON


class IndicatorValueFactory(DjangoModelFactory[IndicatorValue]):
    """The market was worth a trillion, an hour earlier with every row."""

    class Meta:
        model = IndicatorValue

    indicator = "total_market_cap"
    at = Sequence(lambda n: NOON - timedelta(hours=n))
    value = 1e12
    source = SubFactory(SourceFactory)
    received_at = NOON
