import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from markets.models import Asset
from risk.models import RiskScore, ScoreRun
from tests.markets.factories import AssetFactory
from tests.risk.factories import DAY, RiskScoreFactory, ScoreRunFactory, dead, unscored

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

SCORES = "/admin/risk/riskscore/"


def past(run: ScoreRun, asset: Asset, days: int) -> None:
    for offset in range(1, days + 1):
        earlier = ScoreRunFactory.create(model=run.model, as_of=DAY - timedelta(days=offset))
        RiskScoreFactory.create(asset=asset, run=earlier)


def test_the_page_of_a_score_draws_and_explains_it(client: Client, moderator: User) -> None:
    score = RiskScoreFactory.create(asset__name="<b>Coin</b>")
    past(score.run, score.asset, 3)

    page = client.get(f"{SCORES}{score.pk}/change/").content.decode()

    assert page.count('<svg class="price-chart') == 2
    assert "scores 42 of 100 (moderate)" in page
    assert "<b>Coin" not in page
    assert "4 scores from 2026-03-08 to 2026-03-11, the last 42.0" in page
    assert "It is not financial advice" in page
    assert "not measurable" in page
    assert "How well the score is measured: its own history was simulated again" in page
    assert "<td>0.0500</td>" in page
    assert "<td>0.0480</td><td>0.0040</td><td>0.0660</td><td>0.0060</td>" in page


def test_a_page_is_titled_by_its_asset_and_day(client: Client, moderator: User) -> None:
    score = RiskScoreFactory.create(asset__symbol="ADA", asset__slug="cardano")

    page = client.get(f"{SCORES}{score.pk}/change/").content.decode()

    assert f"<h2>ADA (cardano) as of {score.as_of}</h2>" in page


def test_a_page_without_a_score_says_why_and_draws_nothing(client: Client, moderator: User) -> None:
    page = client.get(f"{SCORES}{unscored().pk}/change/").content.decode()

    assert "price-chart" not in page
    assert "Only 9 of the 14 days that are needed." in page


def test_a_long_past_costs_no_more_questions_than_a_short_one(client: Client, moderator: User) -> None:
    score = RiskScoreFactory.create()

    def questions() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert client.get(f"{SCORES}{score.pk}/change/").status_code == 200
        return len(seen)

    questions()
    few = questions()
    past(score.run, score.asset, 11)
    assert questions() == few


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("band__exact=extreme", {"DEAD"}),
        ("band__exact=moderate", {"GOOD"}),
        ("status__exact=insufficient_history", {"YOUNG"}),
        ("confidence__exact=medium", {"GOOD"}),
        ("as_of__year=2026&as_of__month=3&as_of__day=11", {"GOOD", "DEAD", "YOUNG"}),
        ("as_of__year=2026&as_of__month=2", set()),
        ("q=good", {"GOOD"}),
    ],
)
def test_filters(client: Client, moderator: User, query: str, shown: set[str]) -> None:
    run = ScoreRunFactory.create()
    RiskScoreFactory.create(run=run, asset=AssetFactory.create(symbol="GOOD", slug="good"))
    dead(run=run, asset=AssetFactory.create(symbol="DEAD", slug="dead"))
    unscored(run=run, asset=AssetFactory.create(symbol="YOUNG", slug="young"))

    page = client.get(f"{SCORES}?{query}").content.decode()

    assert set(re.findall(r"/change/[^>]*>(?:[^<]*\()?(GOOD|DEAD|YOUNG)", page)) == shown


def listed(client: Client, query: str = "") -> list[str]:
    page = client.get(f"{SCORES}?{query}").content.decode()
    return re.findall(r'field-as_of nowrap">([0-9-]+)<', page)


@pytest.fixture
def weeks(moderator: User) -> RiskScore:
    """Scores of 2026-03-11 and of the 40 days before it, of an asset whose symbol is PEPE."""
    score: RiskScore = RiskScoreFactory.create(asset__symbol="PEPE", asset__slug="pepe")
    past(score.run, score.asset, 40)
    return score


def test_the_list_is_of_the_last_days_that_were_scored(client: Client, weeks: RiskScore) -> None:
    assert listed(client) == [str(DAY - timedelta(days=day)) for day in range(7)]
    assert "Last 7 days" in client.get(SCORES).content.decode()


def test_a_month_can_be_chosen(client: Client, weeks: RiskScore) -> None:
    found = listed(client, "period=2026-02")

    assert (len(found), found[0], found[-1]) == (28, "2026-02-28", "2026-02-01")


def test_a_period_that_is_none_is_the_last_days(client: Client, weeks: RiskScore) -> None:
    assert len(listed(client, "period=2026-13")) == 7


def test_a_day_of_the_past_can_be_asked_for(client: Client, weeks: RiskScore) -> None:
    assert listed(client, "as_of__year=2026&as_of__month=2&as_of__day=3") == ["2026-02-03"]


@pytest.mark.parametrize("words", ["pepe", "PEPE"])
def test_a_symbol_or_slug_finds_all_scores_of_it(client: Client, weeks: RiskScore, words: str) -> None:
    RiskScoreFactory.create(run=weeks.run, asset__symbol="XPEPE")

    assert len(listed(client, f"q={words}")) == 41


def test_a_part_of_a_symbol_finds_scores_of_the_period(client: Client, weeks: RiskScore) -> None:
    assert len(listed(client, "q=pep")) == 7
    assert listed(client, "q=nobody") == []


def test_a_list_before_the_first_run_is_empty(client: Client, moderator: User) -> None:
    assert listed(client) == []
