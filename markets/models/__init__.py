from markets.models.asset import Asset, Category, ExternalId
from markets.models.daily_bar import DailyBar
from markets.models.divergence import Divergence
from markets.models.indicator_value import IndicatorValue
from markets.models.market import Market
from markets.models.news_feed import NewsFeed
from markets.models.news_item import NewsItem, NewsMention
from markets.models.news_score import NewsScore
from markets.models.news_wording import NewsWording
from markets.models.price_block import PriceBlock
from markets.models.price_override import PriceOverride
from markets.models.provider_state import ProviderState
from markets.models.quarantine import QuarantinedRecord
from markets.models.quote import Quote
from markets.models.raw_answer import RawAnswer
from markets.models.snapshot import Snapshot
from markets.models.source import Source
from markets.models.sync_run import SyncRun

__all__ = [
    "Asset",
    "Category",
    "DailyBar",
    "Divergence",
    "ExternalId",
    "IndicatorValue",
    "Market",
    "NewsFeed",
    "NewsItem",
    "NewsMention",
    "NewsScore",
    "NewsWording",
    "PriceBlock",
    "PriceOverride",
    "ProviderState",
    "QuarantinedRecord",
    "Quote",
    "RawAnswer",
    "Snapshot",
    "Source",
    "SyncRun",
]
