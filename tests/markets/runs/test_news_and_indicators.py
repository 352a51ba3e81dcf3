"""Runs of one answer each, with an outside world that says what it is told to say."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from celery.exceptions import SoftTimeLimitExceeded

from config.kernel import clock
from config.kernel.errors import ProviderUnavailable
from markets import feeds, tasks
from markets.actions import market
from markets.actions.market import Simulation
from markets.models import (
    IndicatorValue,
    NewsFeed,
    NewsItem,
    NewsScore,
    ProviderState,
    QuarantinedRecord,
    RawAnswer,
    SyncRun,
)
from markets.providers.errors import ProviderError, TooLarge, Unavailable
from markets.providers.indicators import Observation, Observations
from markets.providers.news import Headline, Headlines
from markets.providers.provider import RawAnswer as ProviderAnswer
from markets.providers.rejects import Reject
from markets.runs import indicators, news
from tests.markets.factories import NOON, NewsItemFactory, ProviderStateFactory, SyncRunFactory

pytestmark = pytest.mark.django_db


class Scripted:
    """Says this, or raises it."""

    is_simulated = False

    def __init__(self, name: str, said: Any) -> None:
        self.name = name
        self.said = said

    def _answer(self, at: datetime) -> tuple[ProviderAnswer, Any]:
        if isinstance(self.said, Exception):
            raise self.said
        return ProviderAnswer(self.name, "/", 200, "text/xml", f"{self.name}".encode(), at), self.said

    indicators = headlines = _answer

    def parse_indicators(self, body: bytes, at: datetime) -> Observations:
        raise NotImplementedError


@pytest.fixture
def observe(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[SyncRun]]:
    def observe(*observers: Scripted) -> list[SyncRun]:
        monkeypatch.setattr(feeds, "observers", lambda: list(observers))
        return indicators.observe()

    return observe


@pytest.fixture
def collect(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[SyncRun]]:
    """Collects from the three feeds of a new installation, each saying one of these."""

    def collect(*said: Any) -> list[SyncRun]:
        readers = [
            (feed, Scripted(feed.provider, what)) for feed, what in zip(NewsFeed.objects.all(), said, strict=False)
        ]
        monkeypatch.setattr(feeds, "news_readers", lambda: readers)
        return news.collect()

    return collect


def seen(*values: float) -> Observations:
    rows = [Observation("btc_dominance", NOON - timedelta(hours=hours), value) for hours, value in enumerate(values)]
    return Observations(rows)


BAD = Observations(rejects=[Reject("eth_dominance", "out_of_range", "200.0", "{}")])


def test_a_run_tells_what_became_of_every_number(observe: Callable[..., list[SyncRun]]) -> None:
    both = Observations(seen(50.0).rows, BAD.rejects)

    (run,) = observe(Scripted("coingecko", both), Scripted("coinmarketcap", seen(51.0)))

    assert (run.kind, run.state, run.provider, run.limit) == ("indicators", "succeeded", "coingecko", None)
    assert (run.received, run.inserted, run.quarantined) == (2, 1, 1)
    assert IndicatorValue.objects.get().source.name == "coingecko"
    record = QuarantinedRecord.objects.get()
    assert (record.run, record.reason, record.external_id) == (run, "out_of_range", "eth_dominance")
    assert RawAnswer.objects.get().provider == "coingecko"
    assert ProviderState.objects.get(name="coingecko").last_success_at is not None


@pytest.mark.parametrize("first", [Unavailable("coingecko", "away"), BAD])
def test_the_next_provider_is_asked_when_the_first_says_nothing_of_use(
    observe: Callable[..., list[SyncRun]], first: Any
) -> None:
    runs = observe(Scripted("coingecko", first), Scripted("coinmarketcap", seen(51.0)))

    assert [run.provider for run in runs] == ["coingecko", "coinmarketcap"]
    assert IndicatorValue.objects.get().value == 51.0


def test_a_failure_stands_in_the_run_and_in_the_provider_s_health(observe: Callable[..., list[SyncRun]]) -> None:
    (run,) = observe(Scripted("coingecko", Unavailable("coingecko", "away")))

    assert (run.state, run.error_code, run.received) == ("failed", "unavailable", 0)
    state = ProviderState.objects.get(name="coingecko")
    assert (state.consecutive_failures, state.last_error_code) == (1, "unavailable")


def test_a_run_whose_process_was_lost_is_told_as_failed(observe: Callable[..., list[SyncRun]]) -> None:
    lost = SyncRunFactory.create(kind="indicators", provider="coingecko", started_at=clock.now() - timedelta(hours=1))
    quotes = SyncRunFactory.create(provider="coingecko", started_at=clock.now() - timedelta(hours=1))

    observe(Scripted("coingecko", seen(50.0)))

    lost.refresh_from_db()
    quotes.refresh_from_db()
    assert (lost.state, lost.error_code) == ("failed", "interrupted")
    assert quotes.state == "running"


def test_fear_and_greed_brings_its_history(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "fear_and_greed", lambda: Scripted("alternativeme", seen(20.0, 30.0)))

    run = indicators.observe_fear_and_greed()

    assert run is not None
    assert (run.provider, run.inserted) == ("alternativeme", 2)


def test_a_disabled_source_of_fear_is_not_asked() -> None:
    ProviderStateFactory.create(name="alternativeme", is_enabled=False)

    with pytest.raises(ProviderUnavailable):
        indicators.observe_fear_and_greed()


def test_a_real_market_has_its_observers_and_readers(settings: Any) -> None:
    settings.MARKET_PROVIDERS = ["coingecko"]
    ProviderStateFactory.create(name="news:decrypt", is_enabled=False)

    assert [observer.name for observer in feeds.observers()] == ["coingecko"]
    assert feeds.fear_and_greed().name == "alternativeme"
    assert [reader.name for _, reader in feeds.news_readers()] == ["news:coindesk", "news:cointelegraph"]


def test_a_simulated_market_sums_itself_up_and_is_in_no_news() -> None:
    market.mark_simulated(Simulation(seed=1, assets=5, days=10, end=clock.now().date()), at=NOON)

    assert tasks.observe_indicators() == {"simulated": "succeeded"}
    assert tasks.observe_fear_and_greed() == {}
    assert tasks.collect_news() == {}

    assert set(IndicatorValue.objects.values_list("source__is_simulated", flat=True)) == {True}
    assert IndicatorValue.objects.count() == 4


def headline(guid: str, title: str) -> Headline:
    return Headline(guid, f"https://news.example.com/{guid}", title, "", "en", NOON)


def test_a_feed_that_fails_harms_no_other(collect: Callable[..., list[SyncRun]]) -> None:
    runs = collect(
        Headlines([headline("a", "Bridge hacked this morning again")]),
        TooLarge("news:cointelegraph", "too much"),
        Headlines([headline("b", "Token soars to a record high")], [Reject("c", "unsafe_link", "javascript:", "{}")]),
    )

    assert [(run.provider, run.state, run.inserted, run.quarantined) for run in runs] == [
        ("news:coindesk", "succeeded", 1, 0),
        ("news:cointelegraph", "failed", 0, 0),
        ("news:decrypt", "succeeded", 1, 1),
    ]
    assert {run.kind for run in runs} == {"news"}
    assert NewsItem.objects.count() == NewsScore.objects.count() == 2


def test_a_feed_that_breaks_us_harms_no_other(collect: Callable[..., list[SyncRun]]) -> None:
    collect(
        ZeroDivisionError("in the parser"),
        Headlines([headline("a", "Bridge hacked this morning again"), headline("b", "")]),  # no title: refused by SQL
        Headlines([headline("c", "Token soars to a record high")]),
    )

    assert list(SyncRun.objects.order_by("pk").values_list("state", "error_code", "error")) == [
        ("failed", "not_stored", "ZeroDivisionError"),
        ("failed", "not_stored", "IntegrityError"),
        ("succeeded", "", ""),
    ]
    assert NewsItem.objects.get().guid == "c"


def test_a_collection_whose_time_is_over_ends(collect: Callable[..., list[SyncRun]]) -> None:
    with pytest.raises(SoftTimeLimitExceeded):
        collect(SoftTimeLimitExceeded(), Headlines([headline("a", "Bridge hacked this morning again")]))

    run = SyncRun.objects.get()
    assert (run.provider, run.state, run.error) == ("news:coindesk", "failed", "SoftTimeLimitExceeded")
    assert not NewsItem.objects.exists()


def test_collecting_also_judges_what_an_older_version_judged(collect: Callable[..., list[SyncRun]]) -> None:
    NewsItemFactory.create(title="Token soars")

    collect()

    assert NewsScore.objects.get().tone > 0


@pytest.mark.parametrize("error", [Unavailable("news:coindesk", "away")])
def test_a_feed_is_failing_until_it_answers(collect: Callable[..., list[SyncRun]], error: ProviderError) -> None:
    collect(error)
    assert ProviderState.objects.get(name="news:coindesk").consecutive_failures == 1

    collect(Headlines())

    assert ProviderState.objects.get(name="news:coindesk").consecutive_failures == 0
