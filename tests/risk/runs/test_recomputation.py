from datetime import UTC, datetime, time, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from markets.actions import news
from markets.models import Asset, NewsFeed, NewsScore
from markets.providers.news import Headline
from risk.actions import risk_models
from risk.models import RiskModel, RiskScore, ScoreRun, Wrapping
from risk.runs import course, recomputation
from tests.markets.factories import NewsFeedFactory, store_daily_bars
from tests.risk.markets import LAST, NOON, coin, simulated, walk

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


@pytest.fixture
def score() -> RiskScore:
    """The second score of a coin with a history of a year, which knows the one before."""
    simulated()
    asset = coin("subject", walk(365, seed=1))
    model = risk_models.register(at=NOON)
    for day in (1, 0):
        course.score(model, LAST - timedelta(days=day))
    return RiskScore.objects.select_related("run__fit", "run__model", "model").get(asset=asset, as_of=LAST)


def recompute(score: RiskScore) -> str:
    out = StringIO()
    call_command("recompute_score", str(score.pk), stdout=out, stderr=out)
    return out.getvalue()


def test_same_inputs_give_the_same_bits(score):
    assert recomputation.recompute(score) == []
    assert recompute(score) == f"Score {score.pk} is the same: {score.score}, input {score.input_hash}.\n"


def test_errors_of_the_estimate_are_computed_again_to_the_same_bits():
    simulated(assets=12, days=900)
    asset = coin("subject", walk(90, seed=1))
    course.score(risk_models.register(at=NOON), LAST)
    scores = RiskScore.objects.select_related("run__fit", "run__model", "model")
    young: Any = scores.get(asset=asset)
    old: Any = scores.exclude(asset=asset).earliest("pk")

    assert (young.estimate_basis, old.estimate_basis) == ("pooled", "fitted")
    for entry in [*young.tail, *old.tail]:
        assert 0 < entry["value_at_risk_error"] < entry["value_at_risk"]
        assert 0 < entry["expected_shortfall_error"] < entry["expected_shortfall"]
    for score in (young, old):
        assert score.estimate_low_90 < score.estimate_low_80 <= score.score
        assert score.score <= score.estimate_high_80 < score.estimate_high_90
        assert recomputation.recompute(score) == []
    old.estimate_low_90 += 1e-12
    assert [found.name for found in recomputation.recompute(old)] == ["estimate_low_90"]


def test_later_scores_and_news_of_prices_change_nothing(score):
    store_daily_bars(score.asset, LAST + timedelta(days=1), [1.0])
    course.score(score.model, LAST + timedelta(days=1))

    assert recomputation.recompute(score) == []


def test_changed_price_is_said_and_fails_the_command(score):
    store_daily_bars(score.asset, LAST, [99.0])

    changed = {found.name for found in recomputation.recompute(score)}

    assert {"input_hash", "seed", "score"} <= changed
    with pytest.raises(CommandError, match=f"Score {score.pk} is not the same"):
        recompute(score)


def test_changed_price_of_another_asset_is_said_where_it_matters(score):
    other = RiskScore.objects.exclude(asset=score.asset).filter(run=score.run).select_related("asset").earliest("pk")
    store_daily_bars(other.asset, LAST - timedelta(days=30), [1e-3, 2e-3, 1e-3])

    found = {difference.name: difference.recomputed for difference in recomputation.recompute(score)}

    assert "input_hash" not in found
    assert found["inputs of other assets"] == "1 have changed"


CLOSE = datetime.combine(LAST, time(), tzinfo=UTC) + timedelta(days=1)
MILD, BAD, GOOD = "keeps a quiet pace", "hacked, funds stolen", "soars to a record on strong demand"


def tell(asset: Asset, feed: NewsFeed, *, ending: str, at: datetime | None = None) -> None:
    """Two months of mild news, seen when they were published, and a morning of news that end so; all of them at once
    where a moment is given."""
    moments = [(CLOSE - timedelta(days=days), MILD) for days in range(60, 7, -3)]
    moments += [(CLOSE - timedelta(hours=hours), ending) for hours in range(1, 7)]
    for number, (moment, words) in enumerate(moments):
        title = f"${asset.symbol} number {number} {words}"
        headline = Headline(str(number), f"https://news.example.com/{number}", title, "", "en", moment)
        news.store(feed, [headline], at=at or moment)


@pytest.fixture
def told(score: RiskScore) -> tuple[RiskScore, NewsFeed]:
    """The score of a coin on the morning of bad news, without one before."""
    feed = NewsFeedFactory.create()
    Asset.objects.filter(pk=score.asset_id).update(symbol="HACK")
    asset = Asset.objects.get(pk=score.asset_id)
    tell(asset, feed, ending=BAD)
    ScoreRun.objects.update(state=ScoreRun.State.FAILED, error="To make room.")
    run = course.score(score.model, LAST)
    found = RiskScore.objects.select_related("run__fit", "run__model", "model", "asset").get(run=run, asset=asset)
    assert {entry["component"]: entry["points"] for entry in found.contributions}["news"] > 0
    return found, feed


def test_headlines_rewritten_later_change_no_score(told):
    score, feed = told

    tell(score.asset, feed, ending=GOOD, at=CLOSE + timedelta(days=14))

    assert recomputation.recompute(score) == []


def test_a_backfill_reads_the_words_of_its_day(told):
    score, feed = told
    tell(score.asset, feed, ending=GOOD, at=CLOSE + timedelta(days=14))
    ScoreRun.objects.update(state=ScoreRun.State.FAILED, error="To make room.")

    run = course.score(score.model, LAST)

    again = RiskScore.objects.get(run=run, asset=score.asset)
    assert (again.score, again.context_hash[:16]) == (score.score, score.context_hash[:16])


def test_another_scorer_since_changes_no_score(told, monkeypatch):
    score, _ = told
    assert score.run.sentiment_version
    monkeypatch.setattr("markets.sentiment.scorer.model_version", lambda: "lexicon-9")

    assert recomputation.recompute(score) == []


def test_changed_news_are_named(told):
    score, _ = told
    NewsScore.objects.filter(item__title__endswith=BAD).update(tone=0.3)

    changed = {found.name for found in recomputation.recompute(score)}

    assert {"score", "context: news"} <= changed
    assert not {"input_hash", "context: wrapping", "context: score before", "context: fit"} & changed


@pytest.mark.parametrize("events", [[], ["hack", "regulation"]])
def test_changed_events_of_news_are_named_though_they_move_no_score(told, events):
    score, _ = told
    assert [event["event"] for event in score.events] == ["hack"]
    NewsScore.objects.filter(item__title__endswith=BAD).update(events=events)

    changed = {found.name for found in recomputation.recompute(score)}

    assert changed == {"measurements", "context: news"}


def test_changed_wrapping_is_named_and_so_are_assets_whose_context_changed(score):
    above = RiskScore.objects.filter(run=score.run, score__gt=score.score).order_by("-score")
    riskiest, overtaken = above.select_related("run__fit", "run__model", "model")[:2]
    Wrapping.objects.create(asset=score.asset, underlying_id=riskiest.asset_id)

    changed = {found.name for found in recomputation.recompute(score)}
    beside = {found.name: found.recomputed for found in recomputation.recompute(overtaken)}

    assert {"score", "context: wrapping"} <= changed
    assert "context: news" not in changed
    assert beside.keys() == {"percentile", "inputs of other assets"}
    assert beside["inputs of other assets"] == "1 have changed"


def test_a_score_of_an_earlier_release_has_no_context_to_compare(score):
    score.context_hash = ""

    assert recomputation.recompute(score) == []


def test_other_formulas_cannot_recompute(score):
    RiskModel.objects.filter(pk=score.model_id).update(version="1.0.0-other")

    with pytest.raises(CommandError, match="other formulas"):
        recompute(score)


def test_score_that_does_not_exist():
    with pytest.raises(CommandError, match="no such score"):
        call_command("recompute_score", "1")
