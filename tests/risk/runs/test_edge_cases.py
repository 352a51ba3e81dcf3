"""Every case of its own through the whole engine."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from django.db.models import Max

from config.kernel import clock
from markets.models import Asset, NewsItem, NewsMention, NewsScore
from markets.queries import news_mood
from risk.actions import risk_models
from risk.models import RiskFit, RiskScore, Wrapping
from risk.runs import course
from tests.markets.factories import AssetFactory, NewsScoreFactory, store_daily_bars
from tests.risk.markets import LAST, NOON, coin, simulated, walk

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


@pytest.fixture
def score():
    """The row of a coin after everybody has been scored."""
    simulated()

    def score(asset: Asset) -> RiskScore:
        course.score(risk_models.register(at=NOON), LAST)
        return RiskScore.objects.get(asset=asset)

    return score


def without_number(row: RiskScore) -> bool:
    return all(value is None for value in (row.score, row.percentile, row.sigma, row.score_low_90)) and not row.band


CLOSE = datetime(LAST.year, LAST.month, LAST.day, tzinfo=UTC) + timedelta(days=1)


def bad_news_about(asset: Asset, *, at: datetime) -> int:
    """Two months of mild news and a morning of bad ones; how many those are."""
    for days in range(60, 7, -3):
        _item(asset, at - timedelta(days=days), tone=0.1)
    for hours in range(1, 7):
        _item(asset, at - timedelta(hours=hours), tone=-0.8)
    return 6


def _item(asset: Asset, at: datetime, *, tone: float) -> None:
    score = NewsScoreFactory.create(item__published_at=at, item__fetched_at=at, tone=tone)
    NewsMention.objects.create(item=score.item, asset=asset, matched_by="cashtag", term="$HACK")


def points(row: RiskScore, cause: str) -> float:
    return float(sum(entry["points"] for entry in row.contributions if entry["component"] == cause))


def test_asset_without_any_price(score, monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: NOON)
    row = score(AssetFactory.create(slug="silent"))

    assert (row.status, row.reason) == ("no_history", "There is no daily price of it.")
    assert without_number(row)


@pytest.mark.parametrize("days", [1, 2, 13])
def test_few_days_are_no_history(score, days):
    row = score(coin("young", walk(days, seed=1)))

    assert (row.status, row.observations) == ("insufficient_history", days)
    assert without_number(row)


def test_short_history_has_a_score_of_low_confidence(score):
    row = score(coin("short", walk(40, seed=1)))

    assert (row.status, row.confidence) == ("ok", "low")
    assert "very_short_history" in row.confidence_reasons
    assert row.bucket.endswith("_short")
    assert {(entry["level"], entry["method"]) for entry in row.tail} == {
        (level, "asymmetric_pooled") for level in (0.95, 0.975, 0.99)
    }
    # Of the others' last year, without the first quarter of each.
    assert {entry["n"] for entry in row.tail} == {sum(_in_pool())}


def _in_pool() -> list[int]:
    """Residuals of each asset of the simulated market that count for all."""
    rows = RiskScore.objects.filter(status="ok", is_stablecoin=False, is_stale=False, observations__gte=226)
    return [min(row.observations, 365) - 1 - 75 for row in rows]


def test_series_that_ends_with_its_source_is_not_dead(score):
    row = score(coin("ended", walk(300, seed=1), until=LAST - timedelta(days=10)))

    assert (row.status, row.data_to) == ("history_ended", LAST - timedelta(days=10))
    assert without_number(row)


def test_dead_has_a_hundred_by_rule_and_no_interval(score):
    closes = np.concatenate([walk(300, seed=1), np.full(60, 0.001)])
    row = score(coin("dead", closes, volume=[1e6] * 300 + [10.0] * 60))

    assert (row.status, row.score, row.band) == ("dead", 100, "extreme")
    assert row.percentile == RiskScore.objects.aggregate(highest=Max("percentile"))["highest"]
    assert (row.score_low_90, row.sigma, row.confidence) == (None, None, "")
    assert points(row, "death") > 0
    assert abs(sum(entry["points"] for entry in row.contributions) - 100) < 1e-9


def test_constant_price_is_not_measurable(score):
    row = score(coin("flat", np.full(300, 7.0)))

    assert row.status == "not_measurable"
    assert without_number(row)


def test_all_gaps_are_too_little(score):
    closes = np.full(300, np.nan)
    closes[::30] = walk(10, seed=1)
    closes[-1] = 10.0
    row = score(coin("gaps", closes))

    assert row.status == "insufficient_history"
    assert without_number(row)


def test_one_price_a_million_times_too_high_is_not_believed(score):
    honest = walk(400, seed=1)
    torn = honest.copy()
    torn[300] *= 1e6
    coin("honest", honest)
    row = score(coin("torn", torn))

    assert (row.status, row.bad_prints) == ("ok", 1)
    assert "bad_prints" in row.confidence_reasons
    # The two are neighbours in every rank, of 25: which of them is the first is worth up to two points.
    assert row.score == pytest.approx(RiskScore.objects.get(asset__slug="honest").score, abs=2)


def test_peg_has_the_floor_and_its_flag(score):
    noise = 1 + np.random.default_rng(1).normal(0, 1e-5, 400)
    row = score(coin("quiet-dollar", noise))

    assert (row.status, row.is_stablecoin) == ("ok", True)
    assert row.score >= 8


def test_peg_that_has_broken_and_lies_still_is_riskier_than_a_sound_one(score):
    sound = 1 + np.random.default_rng(1).normal(0, 5e-4, 400)
    broken = sound.copy()
    broken[-200:] *= 0.9
    coin("sound-dollar", sound)
    row = score(coin("broken-dollar", broken))

    other = RiskScore.objects.get(asset__slug="sound-dollar")
    assert (row.is_stablecoin, other.is_stablecoin) == (False, True)
    assert row.score > other.score
    assert points(row, "peg") > 0
    assert points(other, "peg") == 0
    (measured,) = (entry for entry in row.measurements if entry["component"] == "peg")
    assert measured["value"] == pytest.approx(-np.log(0.9), abs=0.01)


@pytest.mark.parametrize("days", [1, 3])
def test_last_price_of_an_earlier_day_lowers_the_confidence(score, days):
    row = score(coin("late", walk(400, seed=1), until=LAST - timedelta(days=days)))

    assert (row.status, row.as_of, row.data_to) == ("ok", LAST, LAST - timedelta(days=days))
    assert (row.confidence, "late_price" in row.confidence_reasons) == ("medium", True)
    assert "late_price" not in RiskScore.objects.get(asset__slug="bitcoin").confidence_reasons


def test_stale_price_has_low_confidence(score):
    closes = walk(400, seed=1)
    closes[-90:] = np.repeat(closes[-90::3], 3)
    row = score(coin("sleepy", closes))

    assert (row.status, row.is_stale, row.confidence) == ("ok", True, "low")
    assert "stale_price" in row.confidence_reasons


def test_price_seen_on_every_tenth_day_alone_is_as_risky_as_the_walk_behind_it():
    simulated()
    for seed in range(6):
        daily = walk(400, seed=seed)
        coin(f"daily-{seed}", daily)
        coin(f"tenth-{seed}", np.repeat(daily[::10], 10))
    course.score(risk_models.register(at=NOON), LAST)

    rows: dict[str, Any] = dict(RiskScore.objects.values_list("asset__slug", "score"))
    below = [rows[f"daily-{seed}"] - rows[f"tenth-{seed}"] for seed in range(6)]
    assert RiskScore.objects.filter(is_stale=True).count() == 6
    assert np.mean(below) < 3
    assert max(below) < 10


def test_price_that_hardly_moves_is_not_called_low_and_shows_as_the_least_liquid(score):
    steps = np.zeros(400)
    steps[::13] = 1e-4 * np.random.default_rng(1).choice([-1, 1], 31)
    row = score(coin("asleep", 10 * np.exp(steps.cumsum())))

    assert (row.status, row.is_stale, row.confidence) == ("ok", True, "low")
    assert (row.score, row.band) == (25, "moderate")
    assert points(row, "staleness") > 10
    assert abs(sum(entry["points"] for entry in row.contributions) - 25) < 1e-9
    ordinary = RiskScore.objects.filter(status="ok", is_stablecoin=False).count()
    ranks = {entry["name"]: entry["percentile"] for entry in row.measurements if entry["component"] == "liquidity"}
    for name in ("median_volume", "price_impact", "zero_returns"):
        assert ranks[name] == pytest.approx(100 * (1 - 0.5 / ordinary))


def test_price_that_moved_less_than_ten_times_is_not_measurable(score):
    closes = np.full(400, 10.0)
    closes[-90:] += np.repeat(np.arange(10) % 2, 9) * 1e-3
    row = score(coin("still", closes))

    assert row.status == "not_measurable"
    assert without_number(row)


def test_points_of_bad_news_come_with_what_was_measured_of_it(score):
    asset = coin("hacked", walk(400, seed=1, scale=0.02))
    told = bad_news_about(asset, at=CLOSE)

    row = score(asset)

    (measured,) = (entry for entry in row.measurements if entry["component"] == "news")
    mood = news_mood.moods([asset.pk], at=CLOSE)[asset.pk].mood
    assert points(row, "news") == 5
    assert (measured["value"], measured["unit"]) == (mood.net_negativity_z, "deviations")
    assert measured["n"] == mood.items == told
    unheard = RiskScore.objects.get(asset__slug="bitcoin").measurements[-1]
    assert (unheard["name"], unheard["value"], unheard["n"]) == ("news_negativity", None, 0)


def test_events_of_the_news_stay_with_the_score_as_they_were(score):
    asset = coin("hacked", walk(400, seed=1))
    stories = [
        NewsScoreFactory.create(
            item__published_at=CLOSE - timedelta(hours=hours), item__fetched_at=CLOSE, tone=-0.5, events=events
        )
        for hours, events in ((30, ["hack"]), (5, ["hack", "outage"]), (2, ["delisting"]), (1, []))
    ]
    for story in stories:
        NewsMention.objects.create(item=story.item, asset=asset, matched_by="name", term="Hacked")

    row = score(asset)
    NewsScore.objects.all().delete()

    hack, again, delisting = ({"id": story.item.pk, "url": story.item.url} for story in stories[:3])
    assert RiskScore.objects.get(pk=row.pk).events == [
        {"event": "hack", "n": 2, "items": [again, hack]},
        {"event": "delisting", "n": 1, "items": [delisting]},
    ]
    assert points(row, "news") == 0
    assert RiskScore.objects.get(asset__slug="bitcoin").events == []


def test_event_of_many_news_names_the_newest(score):
    asset = coin("watched", walk(400, seed=1))
    for hours in range(1, 13):
        at = CLOSE - timedelta(hours=hours)
        story = NewsScoreFactory.create(item__published_at=at, item__fetched_at=at, tone=-0.5, events=["regulation"])
        NewsMention.objects.create(item=story.item, asset=asset, matched_by="name", term="Watched")

    (told,) = score(asset).events

    newest = list(NewsItem.objects.order_by("-published_at").values_list("pk", flat=True)[:10])
    assert (told["n"], [item["id"] for item in told["items"]]) == (12, newest)


def test_pump_is_flagged_and_does_not_lower_the_score_for_a_month():
    simulated()
    calm = walk(400, seed=1, scale=0.01)
    wild = calm.copy()
    wild[-41:-20] *= np.exp(np.random.default_rng(2).normal(0, 0.3, 21))
    wild[-20:] = wild[-21] * np.exp(0.001 * np.arange(20))
    wild[-20:-12] *= np.exp(np.linspace(0.0, 3.0, 8))
    wild[-12:] = wild[-13]
    wild[-12:] *= np.exp(np.random.default_rng(3).normal(0, 1e-3, 12))
    asset = coin("pumped", wild)
    model = risk_models.register(at=NOON)

    for day in (13, 12, 0):
        course.score(model, LAST - timedelta(days=day))

    rows: list[Any] = list(RiskScore.objects.filter(asset=asset).order_by("as_of"))
    before, pumped, after = rows
    assert [row.is_pumped for row in rows] == [False, True, False]
    assert pumped.score >= before.score
    assert after.score == pytest.approx(pumped.score)
    assert points(after, "pump") > 0


def test_pump_of_the_dead_does_not_hold_the_hundred_of_their_rule():
    simulated()
    closes = np.concatenate([walk(160, seed=1), 1e-4 * walk(200, seed=2, scale=0.02), [0.5]])
    asset = coin("risen", closes, volume=[1e6] * 160 + [10.0] * 200 + [1e6])
    model = risk_models.register(at=NOON)

    for day in (1, 0):
        course.score(model, LAST - timedelta(days=day))

    before, row = RiskScore.objects.filter(asset=asset).order_by("as_of")
    assert (before.status, before.score) == ("dead", 100)
    assert (row.status, row.is_pumped) == ("ok", True)
    assert points(row, "pump") == 0
    assert (row.delta or 0) < 0


def test_wrapped_asset_is_at_least_as_risky_as_what_it_stands_for():
    simulated()
    calm, wild = coin("wrapped", walk(400, seed=1, scale=0.01)), coin("origin", walk(400, seed=2, scale=0.1))
    Wrapping.objects.create(asset=calm, underlying=wild)

    course.score(risk_models.register(at=NOON), LAST)

    row, other = RiskScore.objects.get(asset=calm), RiskScore.objects.get(asset=wild)
    assert row.score == pytest.approx(other.score, abs=1e-9)
    assert points(row, "wrapping") > 0
    assert points(other, "wrapping") == 0


def test_turnover_last_trade_and_cost_of_selling_are_told_and_are_no_part_of_the_forecast(score):
    asset = AssetFactory.create(slug="traded")
    closes, volumes = walk(400, seed=1), np.full(400, 2e5)
    volumes[-4:] = 0.0
    store_daily_bars(
        asset, LAST - timedelta(days=399), closes.tolist(), volume=volumes.tolist(), market_cap=[4e6] * 400
    )

    row = score(asset)

    found = {entry["name"]: entry for entry in row.measurements}
    names = ("turnover", "days_since_trade", "liquidation_cost_100k")
    turnover, since, cost = (found[name] for name in names)
    assert (turnover["value"], turnover["unit"]) == (pytest.approx(0.05, rel=1e-6), "of_market_cap_per_day")
    assert (since["value"], since["unit"]) == (4, "days")
    # sigma x sqrt(order / volume) with a volume of twice the order.
    sigma = np.diff(np.log(closes[-90:])).std(ddof=1)
    assert (cost["value"], cost["unit"]) == (pytest.approx(sigma * np.sqrt(0.5), rel=1e-6), "fraction")
    for entry in (turnover, since, cost):
        assert (entry["component"], entry["n"], entry["percentile"]) == ("liquidity", 90, None)
    assert not set(names) & set(RiskFit.objects.latest("pk").coefficients)


def test_cost_of_selling_where_nothing_is_traded_is_no_number(score):
    row = score(coin("untraded", walk(400, seed=1), volume=[1e6] * 340 + [0.0] * 59 + [1e6]))

    found = {entry["name"]: entry for entry in row.measurements}
    assert (found["liquidation_cost_100k"]["value"], found["liquidation_cost_100k"]["n"]) == (None, 90)
    assert (found["turnover"]["value"], found["turnover"]["n"]) == (None, 0)


def test_volume_of_zero_is_known_and_the_least_liquid_of_the_day(score):
    row = score(coin("unwanted", walk(400, seed=1), volume=[0.0] * 390 + [5.0] + [0.0] * 9))

    assert (row.status, row.is_stale) == ("ok", False)
    assert "volume_unknown" not in row.confidence_reasons
    measured = next(entry for entry in row.measurements if entry["name"] == "median_volume")
    ordinary = RiskScore.objects.filter(status="ok", is_stablecoin=False).count()
    assert (measured["value"], measured["standard_error"], measured["n"]) == (0, None, 90)
    assert measured["percentile"] == pytest.approx(100 * (1 - 0.5 / ordinary))
    assert abs(sum(entry["points"] for entry in row.contributions) - row.score) < 1e-9


def test_absent_volume_and_cap_are_absent_and_lower_the_confidence(score):
    row = score(coin("quiet", walk(400, seed=1), volume=[None] * 400))

    assert (row.status, row.confidence) == ("ok", "medium")
    assert {"volume_unknown", "market_cap_unknown"} <= set(row.confidence_reasons)
    values = {entry["name"]: entry["value"] for entry in row.measurements}
    assert (values["median_volume"], values["price_impact"], values["market_cap"]) == (None, None, None)
    assert [values[name] for name in ("turnover", "days_since_trade", "liquidation_cost_100k")] == [None] * 3
    assert row.bucket == "unknown_short"
