from markets.admin.asset import AssetAdmin
from markets.admin.category import CategoryAdmin
from markets.admin.divergence import DivergenceAdmin
from markets.admin.indicator_value import IndicatorValueAdmin
from markets.admin.news_feed import NewsFeedAdmin
from markets.admin.news_item import NewsItemAdmin
from markets.admin.price_override import PriceOverrideAdmin
from markets.admin.provider_state import ProviderStateAdmin
from markets.admin.quarantined_record import QuarantinedRecordAdmin
from markets.admin.quote import QuoteAdmin
from markets.admin.raw_answer import RawAnswerAdmin
from markets.admin.sync_run import SyncRunAdmin

__all__ = [
    "AssetAdmin",
    "CategoryAdmin",
    "DivergenceAdmin",
    "IndicatorValueAdmin",
    "NewsFeedAdmin",
    "NewsItemAdmin",
    "PriceOverrideAdmin",
    "ProviderStateAdmin",
    "QuarantinedRecordAdmin",
    "QuoteAdmin",
    "RawAnswerAdmin",
    "SyncRunAdmin",
]
