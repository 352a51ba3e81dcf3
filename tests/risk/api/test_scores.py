"""What the API says of one asset's risk."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from config.kernel import clock
from markets.api.answers import ANSWERS
from markets.models import Asset
from risk import explanation
from risk.models import RiskModel, RiskScore, ScoreRun
from tests.markets.factories import (
    NOON,
    AssetFactory,
    NewsItemFactory,
    NewsScoreFactory,
    store_daily_bars,
)
from tests.risk.factories import (
    DAY,
    RiskModelFactory,
    RiskScoreFactory,
    ScoreRunFactory,
    dead,
    unscored,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def btc(db: None, monkeypatch: pytest.MonkeyPatch) -> Asset:
    """Bitcoin at noon of the day after the last run's."""
    monkeypatch.setattr(clock, "now", lambda: NOON)
    return AssetFactory.create(slug="bitcoin", symbol="BTC", name="Bitcoin")


@pytest.fixture
def run(btc: Asset) -> ScoreRun:
    return ScoreRunFactory.create(model__is_headline=True)


def risk(client: Client, symbol: str = "BTC", **query: str) -> dict[str, Any]:
    response = client.get(f"/api/v1/cryptocurrencies/{symbol}/risk", query)
    assert response.status_code == 200, response.content
    body: dict[str, Any] = response.json()
    return body


def test_points_of_the_factors_add_up_to_the_score(client: Client, btc: Asset, run: ScoreRun) -> None:
    RiskScoreFactory.create(asset=btc, run=run)

    body = risk(client, "bitcoin")

    assert sum(factor["points"] for factor in body["factors"]) == pytest.approx(body["score"], abs=1e-9)
    assert [(factor["component"], factor["direction"]) for factor in body["factors"]] == [
        ("base", "start"),
        ("volatility", "lowers"),
        ("tail", "lowers"),
        ("liquidity", "lowers"),
        ("structure", "raises"),
    ]


def test_a_factor_carries_what_was_measured_and_what_was_not(client: Client, btc: Asset, run: ScoreRun) -> None:
    RiskScoreFactory.create(asset=btc, run=run)

    factors = {factor["component"]: factor for factor in risk(client)["factors"]}

    assert factors["volatility"]["measurements"] == [
        {
            "name": "volatility",
            "value": 0.43,
            "unit": "a year",
            "standard_error": 0.05,
            "n": 1000,
            "percentile": 10.0,
            "weight": 0.4,
        }
    ]
    assert factors["liquidity"]["measurements"][0]["weight"] is None
    assert factors["liquidity"]["measurements"][0]["value"] is None


def test_a_factor_says_where_what_it_was_made_of_can_be_read(client: Client, btc: Asset, run: ScoreRun) -> None:
    points = [{"component": name, "points": 10.5} for name in ("base", "volatility", "news", "wrapping")]
    RiskScoreFactory.create(asset=btc, run=run, contributions=points)
    store_daily_bars(btc, DAY - timedelta(days=1), [1.0, 2.0, 3.0])

    sources = {factor["component"]: factor["sources"] for factor in risk(client)["factors"]}

    assert sources == {
        "base": [f"/api/v1/risk/models/{run.model.version}"],
        "volatility": ["/api/v1/cryptocurrencies/bitcoin/history?interval=1d&limit=1000&end=2026-03-12"],
        "news": ["/api/v1/cryptocurrencies/bitcoin/news"],
        "wrapping": [],
    }
    points = client.get(sources["volatility"][0]).json()["points"]
    assert [point[0][:10] for point in points] == ["2026-03-10", "2026-03-11"]


def test_interval_tells_how_many_forecasts_of_its_bucket_made_it(client: Client, btc: Asset) -> None:
    def reaches(reach: float | None) -> dict[str, Any]:
        bucket = {"reach": reach, "n": 40}
        return {level: {"pooled": 0.6, "buckets": {"large_long": bucket}} for level in ("0.8", "0.9")}

    run = ScoreRunFactory.create(
        model__is_headline=True, fit__score_reach=reaches(0.5), fit__percentile_reach=reaches(None)
    )
    RiskScoreFactory.create(asset=btc, run=run, bucket="large_long")

    assert [(each["of"], each["n"]) for each in risk(client)["intervals"]] == [
        ("score", 40),
        ("score", 40),
        ("percentile", 120),
        ("percentile", 120),
    ]


def test_intervals_say_that_they_are_conformal_and_on_how_much_they_were_calibrated(
    client: Client, btc: Asset, run: ScoreRun
) -> None:
    RiskScoreFactory.create(asset=btc, run=run)

    intervals = risk(client)["intervals"]

    assert [(each["of"], each["level"], each["low"], each["high"]) for each in intervals] == [
        ("score", 0.8, 33.0, 52.0),
        ("score", 0.9, 28.5, 58.0),
        ("percentile", 0.8, 3.0, 40.0),
        ("percentile", 0.9, 0.0, 55.0),
    ]
    assert {(each["method"], each["bucket"], each["n"]) for each in intervals} == {("conformal", "large, long", 120)}
    assert {each["note"] for each in intervals} == {None}


def test_interval_of_a_pegged_coin_promises_no_coverage(client: Client, btc: Asset, run: ScoreRun) -> None:
    RiskScoreFactory.create(asset=btc, run=run, is_stablecoin=True)

    body = risk(client)

    note = "it is that of ordinary assets, and has not been shown to hold for pegged ones."
    assert {each["note"] for each in body["intervals"]} == {note}
    assert f"between 28 and 58 points, is no promise: {note}" in body["explanation"]
    assert "in 9 of 10 such cases" not in body["explanation"]
    assert client.get(HISTORY, {"shape": "objects"}).json()["points"][0]["is_stablecoin"] is True


def test_interval_of_an_ordinary_asset_says_how_often_it_holds(client: Client, btc: Asset, run: ScoreRun) -> None:
    RiskScoreFactory.create(asset=btc, run=run)

    assert "in 9 of 10 such cases the realised risk lies between 28 and 58 points." in risk(client)["explanation"]


def test_how_well_the_score_is_measured_is_told_apart_from_where_the_risk_will_lie(
    client: Client, btc: Asset, run: ScoreRun
) -> None:
    RiskScoreFactory.create(asset=btc, run=run)

    body = risk(client)

    assert body["estimation"] == {
        "method": "parametric_filtered_bootstrap",
        "basis": "fitted",
        "draws": 200,
        "intervals": [{"level": 0.8, "low": 38.0, "high": 47.5}, {"level": 0.9, "low": 36.5, "high": 49.5}],
        "description": "How well the score is measured: its own history was simulated again, each time with parameters"
        " that its returns allow for. It says nothing of what is yet to happen.",
    }
    assert "between 36 and 50 points at a nominal 90 %: that is how well it is measured" in body["explanation"]


def test_without_known_dynamics_the_estimate_has_no_interval_and_says_so(
    client: Client, btc: Asset, run: ScoreRun
) -> None:
    ends = dict.fromkeys(["estimate_low_80", "estimate_high_80", "estimate_low_90", "estimate_high_90"])
    RiskScoreFactory.create(asset=btc, run=run, estimate_basis="no_dynamics", **ends)

    body = risk(client)

    assert (body["estimation"]["basis"], body["estimation"]["intervals"]) == ("no_dynamics", [])
    assert "is not known" in body["estimation"]["description"]
    assert "nominal" not in body["explanation"]


def test_a_score_of_formulas_that_knew_no_errors_has_none(client: Client, btc: Asset, run: ScoreRun) -> None:
    ends = dict.fromkeys(["estimate_low_80", "estimate_high_80", "estimate_low_90", "estimate_high_90"])
    plain = {"name": "volatility", "component": "volatility", "value": 0.4, "unit": "x", "n": 9, "percentile": 1.0}
    RiskScoreFactory.create(asset=btc, run=run, estimate_basis="", measurements=[plain], **ends)

    body = risk(client)

    assert body["estimation"] is None
    assert body["factors"][1]["measurements"][0]["standard_error"] is None


def test_a_tail_loss_is_positive_and_says_level_horizon_method_n_and_window(
    client: Client, btc: Asset, run: ScoreRun
) -> None:
    RiskScoreFactory.create(asset=btc, run=run)

    assert risk(client)["tail"] == [
        {
            "level": 0.975,
            "horizon_days": 1,
            "value_at_risk": 0.048,
            "value_at_risk_error": 0.004,
            "value_at_risk_low_90": pytest.approx(0.04142),
            "value_at_risk_high_90": pytest.approx(0.05458),
            "expected_shortfall": 0.066,
            "expected_shortfall_error": 0.006,
            "expected_shortfall_low_90": pytest.approx(0.05613),
            "expected_shortfall_high_90": pytest.approx(0.07587),
            "unit": "log_return",
            "method": "combined",
            "n": 1000,
            "window_days": 1000,
        }
    ]


def test_a_tail_loss_of_unknown_error_has_none_and_not_zero(client: Client, btc: Asset, run: ScoreRun) -> None:
    known = {"level": 0.975, "horizon_days": 1, "value_at_risk": 0.048, "expected_shortfall": 0.066}
    rows = [known | {"unit": "log_return", "method": "combined", "n": 9}]
    rows.append(rows[0] | {"level": 0.99, "value_at_risk_error": None, "expected_shortfall_error": None})
    RiskScoreFactory.create(asset=btc, run=run, tail=rows)

    body = risk(client)

    for row in body["tail"]:
        for name in ("value_at_risk", "expected_shortfall"):
            assert [row[f"{name}_{what}"] for what in ("error", "low_90", "high_90")] == [None, None, None]
    assert "may lose more than 4.7 % of a position, and such a day about 6.4 %;" in body["explanation"]


def test_the_text_says_how_well_a_loss_is_known(client: Client, btc: Asset, run: ScoreRun) -> None:
    RiskScoreFactory.create(asset=btc, run=run)

    text = risk(client)["explanation"]

    assert "may lose more than 4.7 % (standard error 0.4) of a position, and such a day about 6.4 % (standard" in text


def test_a_number_says_where_it_comes_from(client: Client, btc: Asset, run: ScoreRun) -> None:
    store_daily_bars(btc, DAY - timedelta(days=2), [1.0, 2.0, 3.0], source="observer")
    score = RiskScoreFactory.create(asset=btc, run=run, bad_prints=2)

    body = risk(client)

    assert (body["as_of"], body["stale"], body["model_version"]) == ("2026-03-11", False, run.model.version)
    assert body["provenance"] == {
        "score_id": score.pk,
        "run_id": run.pk,
        "input_hash": score.input_hash,
        "context_hash": score.context_hash,
        "seed": "00000000000000aa",
        "calculated_at": "2026-03-12T00:15:00Z",
        "learnt_as_of": "2026-03-01",
        "engine": "numpy",
        "libraries": {"numpy": "2.3.5"},
    }
    assert (body["data"]["from"], body["data"]["to"]) == ("2023-06-16", "2026-03-11")
    assert (body["data"]["observations"], body["data"]["rejected_prices"]) == (1000, 2)
    assert body["data"]["providers"] == ["observer"]
    assert [flag["flag"] for flag in body["flags"]] == ["bad_prints"]


def test_news_are_evidence_and_too_few_of_them_are_a_reason(client: Client, btc: Asset, run: ScoreRun) -> None:
    before = run.news_at - timedelta(hours=1)
    known = NewsItemFactory.create(published_at=before, fetched_at=before)
    later = NewsItemFactory.create(published_at=NOON, fetched_at=NOON)
    for item in (known, later):
        NewsScoreFactory.create(item=item, scored_at=item.fetched_at)
        item.mentions.create(asset=btc, matched_by="name", term="Bitcoin")
    RiskScoreFactory.create(asset=btc, run=run)

    assert risk(client)["data"]["news"] == {
        "items": [known.pk],
        "missing_reason": "too_few_items",
        "url": "/api/v1/cryptocurrencies/bitcoin/news",
    }


def test_a_past_day_has_the_score_of_its_run_with_all_that_explains_it(
    client: Client, btc: Asset, run: ScoreRun
) -> None:
    RiskScoreFactory.create(asset=btc, run=run)
    before = ScoreRunFactory.create(model=run.model, as_of=DAY - timedelta(days=3))
    past = RiskScoreFactory.create(asset=btc, run=before, score=40.0)

    body = risk(client, as_of=before.as_of.isoformat())
    missing = risk(client, as_of=(DAY - timedelta(days=2)).isoformat())

    assert (body["as_of"], body["score"], body["stale"]) == ("2026-03-08", 40.0, True)
    assert body["provenance"]["score_id"] == past.pk
    assert [factor["component"] for factor in body["factors"]] == [entry["component"] for entry in past.contributions]
    assert (missing["status"], missing["score"]) == ("not_scored", None)
    assert missing["reason"] == "No finished run of this model as of 2026-03-09 has seen this asset."


def test_events_of_the_news_are_flags_with_their_items_and_add_no_points(
    client: Client, btc: Asset, run: ScoreRun
) -> None:
    items = [{"id": 12, "url": "https://news.example.com/12"}, {"id": 7, "url": "https://news.example.com/7"}]
    news = {"name": "news_negativity", "component": "news", "value": None, "unit": "deviations", "n": 2}
    told = news | {"percentile": None, "events": [{"event": "hack", "n": 2, "items": items}]}
    RiskScoreFactory.create(asset=btc, run=run, measurements=[told])

    body = risk(client)

    (flag,) = body["flags"]
    assert (flag["flag"], flag["news"]) == ("news_of_hack", items)
    assert "News of the last seven days tell of a hack or theft (2): that adds no points" in body["explanation"]
    assert sum(factor["points"] for factor in body["factors"]) == pytest.approx(42.0)


def test_what_changed_is_told_by_component(client: Client, btc: Asset, run: ScoreRun) -> None:
    yesterday = ScoreRunFactory.create(model=run.model, as_of=DAY - timedelta(days=1))
    previous = RiskScoreFactory.create(asset=btc, run=yesterday, score=40.0)
    parts = [{"component": "volatility", "points": 2.5}, {"component": "tail", "points": -0.5}]
    RiskScoreFactory.create(asset=btc, run=run, previous=previous, delta=2.0, delta_by_component=parts)

    body = risk(client)

    assert body["delta_since_previous"] == {
        "points": 2.0,
        "since": "2026-03-10",
        "previous_score": 40.0,
        "components": parts,
    }
    assert "It has risen by 2.0 points since 2026-03-10, most of all by how much the price" in body["explanation"]


def test_the_text_names_the_loss_to_plan_for(client: Client, btc: Asset, run: ScoreRun) -> None:
    RiskScoreFactory.create(asset=btc, run=run)

    text = risk(client)["explanation"]

    assert text.startswith("Bitcoin scores 42 of 100 (moderate) as of the close of 2026-03-11, riskier than 11 %")
    assert "about one day in 40 may lose more than 4.7 % (standard error 0.4) of a position, and such a day" in text
    assert "Confidence is medium: too few news to say anything." in text


@pytest.mark.parametrize(
    ("value_at_risk", "shortfall", "said"),
    [
        (
            -0.01,
            -0.005,
            "no loss was observed at this level, one day in 40, which does not mean that there can be none",
        ),
        (0.0, 0.0, "no loss was observed at this level, one day in 40"),
        (-0.01, 0.02, "no loss was observed at this level, but one day in 40 cost about 2.0 % of a position."),
    ],
)
@pytest.mark.parametrize("is_stablecoin", [False, True])
def test_a_price_that_only_rises_has_no_loss_below_zero_in_the_text(
    client: Client, btc: Asset, run: ScoreRun, value_at_risk: float, shortfall: float, said: str, is_stablecoin: bool
) -> None:
    rising = {"level": 0.975, "horizon_days": 1, "value_at_risk": value_at_risk, "expected_shortfall": shortfall}
    RiskScoreFactory.create(asset=btc, run=run, tail=[rising | {"n": 90}], is_stablecoin=is_stablecoin)

    body = risk(client)

    assert said in body["explanation"]
    assert "-" not in body["explanation"].partition("Plan for")[2]
    assert body["tail"][0]["value_at_risk"] == value_at_risk


def test_the_text_of_a_pegged_coin_says_that_its_tail_holds_no_break_of_the_peg(
    client: Client, btc: Asset, run: ScoreRun
) -> None:
    quiet = {"level": 0.975, "horizon_days": 1, "value_at_risk": 0.001, "expected_shortfall": 0.002, "n": 1000}
    RiskScoreFactory.create(asset=btc, run=run, is_stablecoin=True, tail=[quiet])

    text = risk(client)["explanation"]

    assert "about one day in 40 loses more than 0.1 % of a position, and such a day about 0.2 %" in text
    assert "A break of the peg is not in these numbers: the floor under the scores of pegged coins stands for" in text
    assert "Plan for it" not in text


@pytest.mark.parametrize(
    ("cause", "said"),
    [
        ("staleness", "the least that a price that hardly moves is given"),
        ("peg", "how far it is from a peg that it kept within the last year"),
        ("wrapping", "the risk of what it stands for"),
    ],
)
def test_the_text_of_a_score_that_a_rule_has_raised_says_that_its_own_tail_does_not_hold_that(
    client: Client, btc: Asset, run: ScoreRun, cause: str, said: str
) -> None:
    causes = [{"component": "base", "points": 2.0}, {"component": cause, "points": 40.0}]
    RiskScoreFactory.create(asset=btc, run=run, contributions=causes)

    text = risk(client)["explanation"]

    assert "Plan for more than its tail: by its own prices about one day in 40 loses more than 4.7 %" in text
    assert f"What a rule has added to its score ({said}) is not in these numbers." in text
    assert "Plan for it" not in text


@pytest.mark.parametrize(
    ("score", "band", "percentile", "said", "reach"),
    [
        (64.96, "high", 99.98, "scores 64 of 100 (high) as of the close of 2026-03-11, riskier than 99 %", "64 and 66"),
        (8 - 1e-12, "low", 0.4, "scores 8 of 100 (low) as of the close of 2026-03-11, riskier than 0 %", "8 and 9"),
    ],
)
def test_the_text_has_no_number_of_another_band_nor_outside_its_interval_nor_above_everybody(
    client: Client, btc: Asset, run: ScoreRun, score: float, band: str, percentile: float, said: str, reach: str
) -> None:
    ends = {"score_low_90": score, "score_high_90": score + 0.1}
    RiskScoreFactory.create(asset=btc, run=run, score=score, band=band, percentile=percentile, **ends)

    text = risk(client)["explanation"]

    assert said in text
    assert f"the realised risk lies between {reach} points." in text


def test_the_text_of_a_small_loss_does_not_say_that_it_is_none(client: Client, btc: Asset, run: ScoreRun) -> None:
    small = {"level": 0.975, "horizon_days": 1, "value_at_risk": 0.0003, "expected_shortfall": 0.0006, "n": 1000}
    RiskScoreFactory.create(asset=btc, run=run, is_stablecoin=True, tail=[small])

    text = risk(client)["explanation"]

    assert "loses more than 0.030 % of a position, and such a day about 0.1 %" in text


def test_without_a_score_there_is_a_reason_and_no_number(client: Client, btc: Asset, run: ScoreRun) -> None:
    unscored(asset=btc, run=run)

    body = risk(client)

    assert body["status"] == "insufficient_history"
    assert body["reason"] == "Only 9 of the 14 days that are needed."
    assert (body["score"], body["percentile"], body["band"], body["confidence"]) == (None, None, None, None)
    assert (body["intervals"], body["factors"], body["tail"]) == ([], [], [])
    assert "until then treat it as unknown, not as safe" in body["explanation"]


@pytest.mark.parametrize("status", [status for status in RiskScore.Status if status not in RiskScore.SCORED])
def test_every_status_without_a_score_says_what_to_do(
    client: Client, btc: Asset, run: ScoreRun, status: RiskScore.Status
) -> None:
    unscored(asset=btc, run=run, status=status, reason="Because")

    text = risk(client)["explanation"]

    assert text == f"No score as of 2026-03-11: Because. {explanation.without_score(status)}"


def test_the_dead_have_a_hundred_by_rule_and_no_interval(client: Client, btc: Asset, run: ScoreRun) -> None:
    dead(asset=btc, run=run)

    body = risk(client)

    assert (body["score"], body["status"], body["intervals"], body["confidence"]) == (100.0, "dead", [], None)
    assert sum(factor["points"] for factor in body["factors"]) == pytest.approx(100.0, abs=1e-9)
    assert "100 of 100 points by rule" in body["explanation"]


def test_without_a_model_in_charge_nothing_is_scored(client: Client, btc: Asset) -> None:
    body = risk(client)

    assert (body["status"], body["reason"], body["score"]) == ("not_scored", "No model is in charge.", None)
    assert (body["model_version"], body["provenance"], body["stale"]) == (None, None, True)


def test_an_asset_that_no_run_has_seen_says_so(client: Client, btc: Asset, run: ScoreRun) -> None:
    body = risk(client)

    assert (body["status"], body["model_version"]) == ("not_scored", run.model.version)


@pytest.mark.parametrize("state", [ScoreRun.State.RUNNING, ScoreRun.State.FAILED])
def test_a_run_that_has_not_finished_shows_nothing(
    client: Client, btc: Asset, run: ScoreRun, state: ScoreRun.State
) -> None:
    RiskScoreFactory.create(asset=btc, run=run)
    newer = ScoreRunFactory.create(model=run.model, as_of=DAY + timedelta(days=1), state=state)
    RiskScoreFactory.create(asset=btc, run=newer, score=99.0)

    assert risk(client)["score"] == 42.0


def test_another_version_is_shown_when_it_is_asked_for(client: Client, btc: Asset, run: ScoreRun) -> None:
    RiskScoreFactory.create(asset=btc, run=run)
    shadow = RiskScoreFactory.create(asset=btc, run=ScoreRunFactory.create(), score=50.0)

    assert risk(client)["score"] == 42.0
    assert risk(client, model=shadow.model.version)["score"] == 50.0


def test_a_draft_is_as_good_as_absent(client: Client, btc: Asset) -> None:
    draft = RiskModelFactory.create(state=RiskModel.State.DRAFT)

    answer = client.get("/api/v1/cryptocurrencies/BTC/risk", {"model": draft.version})

    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "unknown_model")


@pytest.mark.parametrize(("days", "stale"), [(1, False), (2, False), (3, True)])
def test_a_score_turns_stale_two_days_after_its_own_has_ended(
    client: Client, btc: Asset, run: ScoreRun, monkeypatch: pytest.MonkeyPatch, days: int, stale: bool
) -> None:
    RiskScoreFactory.create(asset=btc, run=run)
    monkeypatch.setattr(clock, "now", lambda: NOON + timedelta(days=days - 1))

    assert risk(client)["stale"] is stale


@pytest.mark.parametrize(("late", "stale"), [(0, False), (1, False), (2, True)])
def test_a_score_of_prices_that_ended_before_its_day_is_as_old_as_they_are(
    client: Client, btc: Asset, run: ScoreRun, late: int, stale: bool
) -> None:
    RiskScoreFactory.create(asset=btc, run=run, data_to=DAY - timedelta(days=late))

    body, series = risk(client), client.get(HISTORY).json()

    assert (body["as_of"], body["stale"]) == ("2026-03-11", stale)
    assert (series["meta"]["as_of"], series["meta"]["stale"]) == ("2026-03-12T00:00:00Z", stale)


def test_a_row_without_any_price_is_never_fresh(client: Client, btc: Asset, run: ScoreRun) -> None:
    unscored(asset=btc, run=run, status="no_history", data_from=None, data_to=None)

    assert risk(client)["stale"] is True


def test_unknown_symbol_is_not_found(client: Client, btc: Asset) -> None:
    assert client.get("/api/v1/cryptocurrencies/nobody/risk").status_code == 404


def test_a_symbol_of_two_is_a_conflict_when_strict(client: Client, btc: Asset) -> None:
    AssetFactory.create(symbol="BTC")

    assert client.get("/api/v1/cryptocurrencies/BTC/risk", {"strict": "true"}).status_code == 409


def test_an_answer_is_tagged_until_the_market_changes(client: Client, btc: Asset, run: ScoreRun) -> None:
    RiskScoreFactory.create(asset=btc, run=run)
    url = "/api/v1/cryptocurrencies/BTC/risk"
    tag = client.get(url)["ETag"]

    assert client.get(url, headers={"If-None-Match": tag}).status_code == 304


def days_of(run: ScoreRun, asset: Asset, *offsets: int) -> list[date]:
    """A score of 40 and the offset on each day so many days before the run's."""
    days = []
    for offset in offsets:
        earlier = ScoreRunFactory.create(model=run.model, as_of=DAY - timedelta(days=offset))
        RiskScoreFactory.create(asset=asset, run=earlier, score=40.0 + offset)
        days.append(earlier.as_of)
    return days


HISTORY = "/api/v1/cryptocurrencies/BTC/risk/history"


def test_history_is_a_series_oldest_first_with_its_gaps(client: Client, btc: Asset, run: ScoreRun) -> None:
    RiskScoreFactory.create(asset=btc, run=run)
    days_of(run, btc, 1, 4)

    body = client.get(HISTORY).json()

    assert [column["name"] for column in body["columns"]][:3] == ["timestamp", "score", "percentile"]
    assert [point[:3] for point in body["points"]] == [
        ["2026-03-07T00:00:00Z", 44.0, 11.5],
        ["2026-03-10T00:00:00Z", 41.0, 11.5],
        ["2026-03-11T00:00:00Z", 42.0, 11.5],
    ]
    assert body["meta"]["gaps"] == [["2026-03-08T00:00:00Z", "2026-03-10T00:00:00Z"]]
    assert (body["meta"]["gap_points"], body["meta"]["fill"]) == (2, "none")
    assert (body["meta"]["as_of"], body["meta"]["stale"]) == ("2026-03-12T00:00:00Z", False)
    assert body["meta"]["source"] == [run.model.version]


@pytest.mark.parametrize(
    ("query", "days"),
    [
        ({"limit": "2"}, ["10", "11"]),
        ({"start": "2026-03-08", "limit": "2"}, ["08", "09"]),
        ({"start": "2026-03-08T00:00:01Z", "limit": "1"}, ["09"]),
        ({"end": "2026-03-10"}, ["07", "08", "09"]),
        ({"start": "2026-03-09", "end": "2026-03-11"}, ["09", "10"]),
        ({"start": "9999-12-31T23:00:00Z"}, []),
    ],
)
def test_a_span_takes_its_start_and_leaves_its_end(
    client: Client, btc: Asset, run: ScoreRun, query: dict[str, str], days: list[str]
) -> None:
    days_of(run, btc, 1, 2, 3, 4)
    RiskScoreFactory.create(asset=btc, run=run)

    points = client.get(HISTORY, query).json()["points"]

    assert [point[0][8:10] for point in points] == days


def test_a_limited_series_says_where_it_goes_on(client: Client, btc: Asset, run: ScoreRun) -> None:
    days_of(run, btc, 1, 2, 3)

    body = client.get(HISTORY, {"start": "2026-03-01", "limit": "2"}).json()

    assert body["meta"]["next_start"] == "2026-03-10T00:00:00Z"


def test_objects_name_their_values_and_a_day_without_a_score_its_status(
    client: Client, btc: Asset, run: ScoreRun
) -> None:
    unscored(asset=btc, run=run)

    assert client.get(HISTORY, {"shape": "objects"}).json()["points"] == [
        {
            "timestamp": "2026-03-11T00:00:00Z",
            "score": None,
            "percentile": None,
            "score_low_80": None,
            "score_high_80": None,
            "score_low_90": None,
            "score_high_90": None,
            "status": "insufficient_history",
            "estimate_low_80": None,
            "estimate_high_80": None,
            "estimate_low_90": None,
            "estimate_high_90": None,
            "is_stablecoin": False,
        }
    ]


@pytest.mark.parametrize(("with_model", "reason"), [(False, "no_model"), (True, "not_scored")])
def test_an_empty_series_says_why(client: Client, btc: Asset, with_model: bool, reason: str) -> None:
    if with_model:
        RiskModelFactory.create(is_headline=True)

    body = client.get(HISTORY).json()

    assert (body["points"], body["meta"]["missing_reason"], body["meta"]["stale"]) == ([], reason, True)


def test_a_span_that_ends_before_it_starts_is_refused(client: Client, btc: Asset) -> None:
    assert client.get(HISTORY, {"start": "2026-03-11", "end": "2026-03-11"}).status_code == 400


@pytest.mark.parametrize("path", ["risk", "risk/history"])
def test_twelve_days_cost_no_more_questions_than_one(client: Client, btc: Asset, run: ScoreRun, path: str) -> None:
    RiskScoreFactory.create(asset=btc, run=run)
    url = f"/api/v1/cryptocurrencies/BTC/{path}"
    client.get(url)  # loads the board

    def questions() -> int:
        ANSWERS.clear()
        with CaptureQueriesContext(connection) as seen:
            assert client.get(url).status_code == 200
        return len(seen)

    few = questions()
    days_of(run, btc, *range(1, 12))
    assert questions() == few > 0
