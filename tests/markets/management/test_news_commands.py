from pathlib import Path
from typing import Any

import pytest

from config.kernel import clock
from markets import feeds
from markets.models import NewsFeed, NewsItem, SyncRun
from markets.providers.errors import Unavailable
from markets.providers.news import Headlines
from markets.runs import simulation
from markets.sentiment.evaluation import is_for_tuning
from tests.markets.runs.test_news_and_indicators import Scripted, headline, seen

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


@pytest.fixture
def readers(monkeypatch: pytest.MonkeyPatch) -> None:
    """CoinDesk has a story, the others are away."""
    told = [
        (
            feed,
            Scripted(feed.provider, Unavailable(feed.provider, "away") if number else Headlines([headline("a", "Up")])),
        )
        for number, feed in enumerate(NewsFeed.objects.all())
    ]
    monkeypatch.setattr(feeds, "news_readers", lambda: told)


@pytest.mark.usefixtures("readers")
def test_collecting_says_how_each_feed_went(manage: Any) -> None:
    outcome = manage("collect_news")

    assert outcome.out == [
        "news:coindesk: 1 received, 1 new, 0 rewritten, 0 known, 0 quarantined.",
        "news:cointelegraph: failed (unavailable).",
        "news:decrypt: failed (unavailable).",
    ]
    assert outcome.failure is None


@pytest.mark.usefixtures("readers")
def test_one_feed_can_be_read_and_its_failure_is_the_command_s(manage: Any) -> None:
    assert manage("collect_news", "decrypt").failure == "No feed could be read."
    assert manage("collect_news", "nobody").failure.startswith("There is nothing to read.")
    assert manage("collect_news", "coindesk", "--dry-run").out == [
        "Would read CoinDesk at https://www.coindesk.com/arc/outboundfeeds/rss."
    ]

    assert SyncRun.objects.count() == 1
    assert not NewsItem.objects.exists()


def test_indicators_are_observed_from_everybody(manage: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        feeds, "observers", lambda: [Scripted("one", Unavailable("one", "away")), Scripted("two", seen(50.0))]
    )
    monkeypatch.setattr(feeds, "fear_and_greed", lambda: Scripted("alternativeme", seen(20.0, 30.0)))

    assert manage("observe_indicators", "--dry-run").out == ["Would ask one, then two."]
    assert manage("observe_indicators").out == [
        "one: failed (unavailable).",
        "two: 1 received, 1 inserted, 0 updated, 0 unchanged, 0 quarantined.",
        "alternativeme: 2 received, 2 inserted, 0 updated, 0 unchanged, 0 quarantined.",
    ]


def test_that_nobody_answers_is_a_failure(manage: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "observers", lambda: [Scripted("one", Unavailable("one", "away"))])
    monkeypatch.setattr(feeds, "fear_and_greed", lambda: Scripted("alternativeme", seen(20.0)))

    assert manage("observe_indicators").failure == "No provider answered."


def test_a_simulated_market_sums_itself_up_and_has_nothing_to_read(manage: Any) -> None:
    simulation.perform(simulation.Parameters(assets=5, days=10, seed=1), at=clock.now())

    assert manage("observe_indicators").out == [
        "simulated: 4 received, 4 inserted, 0 updated, 0 unchanged, 0 quarantined."
    ]
    assert "a simulated market has no news" in manage("collect_news").failure


def test_the_evaluation_prints_all_scorers_on_the_rest(manage: Any, tmp_path: Path) -> None:
    texts = {"Token soars": "positive", "Bridge hacked": "negative", "A token": "neutral", "Odd": "mixed"}
    rest = [text for text in texts if not is_for_tuning(text) and texts[text] != "mixed"]
    (tmp_path / "news").mkdir()
    rows = "".join(f"{text},{label}\n" for text, label in texts.items())
    (tmp_path / "news" / "ours.csv").write_text(f"text,label\n{rows}")

    out = manage("evaluate_sentiment", f"--folder={tmp_path}").out

    assert out[0].endswith("untouched rest")
    assert out[2].startswith(f"ours.csv: {len(rest)} texts, ")
    assert [line.split("macro-F1")[0].strip() for line in out[3:6]] == ["always neutral", "plain VADER", "ours"]
    assert "macro-F1 1.000" in out[5]


def test_an_evaluation_without_texts_says_what_is_missing(manage: Any, settings: Any, tmp_path: Path) -> None:
    settings.REAL_DATA_DIR = None

    assert "REAL_DATA_DIR" in manage("evaluate_sentiment").failure
    assert "no labelled texts" in manage("evaluate_sentiment", f"--folder={tmp_path}").failure


@pytest.mark.real_data
def test_ours_agrees_better_than_vader_on_every_labelled_set(manage: Any, real_data: Path) -> None:
    out = manage("evaluate_sentiment", f"--folder={real_data}").out
    scores = [float(line.split("macro-F1 ")[1].split()[0]) for line in out if "macro-F1" in line]

    assert len(scores) == 15
    assert all(ours > vader > neutral for neutral, vader, ours in zip(*[iter(scores)] * 3, strict=True))
