from config.kernel.routes import route
from markets.api.catalogue import ShowCatalogue
from markets.api.cryptocurrencies import ListCryptocurrencies, ShowCryptocurrency, ShowRiskiest, ShowTop
from markets.api.history import ShowHistory
from markets.api.indicators import ListIndicators, ShowIndicatorHistory
from markets.api.news import ListNews, ListNewsOfAsset
from markets.api.sync import StartSync

urlpatterns = [
    route("catalogue", ShowCatalogue.as_view(), name="market-catalogue"),
    route("cryptocurrencies/", ListCryptocurrencies.as_view(), name="cryptocurrency-list"),
    # Before {symbol}: no asset can take these words away.
    route("cryptocurrencies/sync", StartSync.as_view(), name="cryptocurrency-sync"),
    # Said apart: as a description `{symbol}/risk` would fit as well.
    route("cryptocurrencies/top/risk", ShowRiskiest.as_view(), name="cryptocurrency-riskiest"),
    route("cryptocurrencies/top/<str:category>", ShowTop.as_view(), name="cryptocurrency-top"),
    route("cryptocurrencies/<str:symbol>", ShowCryptocurrency.as_view(), name="cryptocurrency-detail"),
    route("cryptocurrencies/<str:symbol>/history", ShowHistory.as_view(), name="cryptocurrency-history"),
    route("cryptocurrencies/<str:symbol>/news", ListNewsOfAsset.as_view(), name="cryptocurrency-news"),
    route("market/indicators", ListIndicators.as_view(), name="indicator-list"),
    route("market/indicators/<str:indicator>/history", ShowIndicatorHistory.as_view(), name="indicator-history"),
    route("news", ListNews.as_view(), name="news-list"),
]
