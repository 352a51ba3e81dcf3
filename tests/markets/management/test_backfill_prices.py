from datetime import date, timedelta

import pytest

from config.kernel import clock
from markets import feeds
from markets.models import DailyBar
from markets.providers.errors import NotFound, RateLimited
from markets.runs import simulation
from tests.markets.factories import ExternalIdFactory
from tests.markets.runs.test_backfill import Archive

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


@pytest.fixture
def archive(monkeypatch) -> Archive:
    """The only provider there is; it knows the assets a, b and c."""
    archive = Archive()
    archive.first = date.min
    monkeypatch.setattr(feeds, "providers", lambda name=None: [archive])
    for slug in ("a", "b", "c"):
        ExternalIdFactory.create(asset__slug=slug, external_id=slug.upper(), source__name="archive")
    return archive


def test_says_how_many_bars_came_and_the_second_time_that_there_is_nothing_to_ask_for(manage, archive):
    outcomes = [manage("backfill_prices", "--days=10") for _ in range(2)]

    assert [outcome.out for outcome in outcomes] == [
        ["3 assets: 30 bars inserted, 0 updated, 0 unchanged."],
        ["0 assets: 0 bars inserted, 0 updated, 0 unchanged."],
    ]
    assert manage("backfill_prices", "--days=10", "--again", "a").out == [
        "1 assets: 0 bars inserted, 0 updated, 10 unchanged."
    ]
    assert archive.asked == ["A", "B", "C", "A"]


def test_window_ends_with_yesterday(manage, archive):
    today = clock.now().date()

    manage("backfill_prices", "a", "--days=3")

    assert list(DailyBar.objects.order_by("day").values_list("day", flat=True)) == [
        today - timedelta(days=days) for days in (3, 2, 1)
    ]


def test_first_day_may_be_given(manage, archive):
    start = clock.now().date() - timedelta(days=2)

    assert manage("backfill_prices", "a", f"--start={start}").out == [
        "1 assets: 2 bars inserted, 0 updated, 0 unchanged."
    ]


def test_dry_run_says_whom_it_would_ask_and_asks_nobody(manage, archive):
    outcome = manage("backfill_prices", "--start=2020-01-01", "--limit=2", "--dry-run")

    assert outcome.out == [f"Would ask archive for 2 assets from 2020-01-01 to {clock.now().date()}."]
    assert archive.asked == []


def test_asset_that_the_provider_does_not_have_is_named_and_the_others_are_stored(manage, archive):
    archive.troubles["B"] = NotFound("archive", "no such coin")

    outcome = manage("backfill_prices", "--days=1")

    assert outcome.err == ["b: archive: not_found: no such coin"]
    assert outcome.out == ["3 assets: 2 bars inserted, 0 updated, 0 unchanged."]


def test_command_fails_when_the_provider_does_and_goes_on_when_it_is_run_again(manage, archive):
    archive.troubles["B"] = RateLimited("archive", "slow down")

    outcome = manage("backfill_prices", "--days=1")

    assert outcome.failure == (
        "archive: rate_limited: slow down\nWhat was fetched is stored; run the command again to go on."
    )
    archive.troubles.clear()
    assert manage("backfill_prices", "--days=1").out == ["2 assets: 2 bars inserted, 0 updated, 0 unchanged."]


def test_name_that_the_provider_has_no_asset_for_is_refused(manage, archive):
    outcome = manage("backfill_prices", "a", "nowhere")

    assert (outcome.failure, archive.asked) == ("archive has no listed asset nowhere.", [])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--days=0"], "--days must be from 1 to 10000, and --limit at least 1."),
        (["--days=1000000000000"], "--days must be from 1 to 10000, and --limit at least 1."),
        (["--limit=0"], "--days must be from 1 to 10000, and --limit at least 1."),
        (["--start=2999-01-01"], "The window must start before today."),
        (["--start=yesterday"], "Error: argument --start: invalid fromisoformat value: 'yesterday'"),
    ],
)
def test_windows_that_cannot_be_are_refused(manage, archive, options, message):
    assert (manage("backfill_prices", *options).failure, archive.asked) == (message, [])


def test_simulated_market_asks_no_real_provider(manage):
    simulation.perform(simulation.Parameters(assets=1, days=1, seed=1), at=clock.now())

    outcome = manage("backfill_prices", "--provider=coingecko")

    assert outcome.failure is not None
    assert outcome.failure.startswith("This market holds simulated prices")
