from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from config.kernel import clock
from markets.models import Asset, DailyBar
from tests.markets.factories import AssetFactory, SnapshotFactory, store_daily_bars

pytestmark = pytest.mark.django_db


@pytest.fixture
def bitcoin(db: None) -> Asset:
    """Bars over a year's end with a gap of two days: 30 and 31 December, 3 to 5 January."""
    asset = AssetFactory.create(slug="bitcoin", symbol="BTC")
    store_daily_bars(asset, date(2019, 12, 30), [100.0, 101.0], volume=[7.0, None], market_cap=[1e9, 2e9])
    store_daily_bars(
        asset, date(2020, 1, 3), [103.0, 104.0, 105.0], source="other", quality=DailyBar.Quality.MARKET_CAP_ESTIMATED
    )
    return asset


def history(client: Client, **query: Any) -> dict[str, Any]:
    body: dict[str, Any] = client.get("/api/v1/cryptocurrencies/BTC/history", query).json()
    return body


def test_points_are_rows_under_named_columns(client: Client, bitcoin: Asset) -> None:
    body = history(client, start="2019-12-30", end="2020-01-04")

    assert [column["name"] for column in body["columns"]] == ["timestamp", "price", "market_cap", "volume"]
    assert body["points"] == [
        ["2019-12-30T00:00:00Z", 100.0, 1e9, 7.0],
        ["2019-12-31T00:00:00Z", 101.0, 2e9, None],
        ["2020-01-03T00:00:00Z", 103.0, None, None],
    ]


def test_points_can_be_objects(client: Client, bitcoin: Asset) -> None:
    body = history(client, shape="objects", limit=1)

    assert body["points"] == [{"timestamp": "2020-01-05T00:00:00Z", "price": 105.0, "market_cap": None, "volume": None}]


def test_gaps_are_named_and_not_filled(client: Client, bitcoin: Asset) -> None:
    meta = history(client)["meta"]

    assert meta["gaps"] == [["2020-01-01T00:00:00Z", "2020-01-03T00:00:00Z"]]
    assert (meta["gap_points"], meta["fill"]) == (2, "none")


def test_meta_tells_sources_quality_and_age(client: Client, bitcoin: Asset) -> None:
    meta = history(client)["meta"]

    assert meta["source"] == ["observer", "other"]
    assert meta["quality"] == {"market_cap_estimated": 3}
    assert (meta["as_of"], meta["stale"]) == ("2020-01-06T00:00:00Z", True)
    assert (meta["interval"], meta["interval_seconds"]) == ("1d", 86_400)


def test_without_a_start_the_newest_points_come(client: Client, bitcoin: Asset) -> None:
    body = history(client, limit=2)

    assert [point[1] for point in body["points"]] == [104.0, 105.0]
    assert body["meta"]["next_start"] is None


def test_with_a_start_the_first_points_come_and_where_to_go_on(client: Client, bitcoin: Asset) -> None:
    body = history(client, start="2019-12-31", limit=2)

    assert [point[1] for point in body["points"]] == [101.0, 103.0]
    assert body["meta"]["next_start"] == "2020-01-04T00:00:00Z"
    following = history(client, start=body["meta"]["next_start"], limit=2)
    assert [point[1] for point in following["points"]] == [104.0, 105.0]


@pytest.fixture
def years(db: None) -> list[date]:
    """Days with a bar, priced by their number: a whole leap year, nothing, and the first half of a year."""
    asset = AssetFactory.create(slug="bitcoin", symbol="BTC")
    days: list[date] = []
    for first, count in ((date(2020, 1, 1), 366), (date(2022, 1, 1), 181)):
        store_daily_bars(asset, first, [float(number + 1) for number in range(len(days), len(days) + count)])
        days += [first + timedelta(days=number) for number in range(count)]
    return days


@pytest.mark.parametrize("limit", [1, 180, 181, 182, 366, 367, 546, 547, 600])
@pytest.mark.parametrize("start", [None, "2019-06-01", "2020-01-01", "2020-12-31", "2021-07-01", "2022-06-30"])
def test_no_point_is_missed_however_few_years_are_read(
    client: Client, years: list[date], start: str | None, limit: int
) -> None:
    body = history(client, limit=limit, **({} if start is None else {"start": start}))

    numbers = [number + 1 for number, day in enumerate(years) if start is None or day.isoformat() >= start]
    wanted, rest = (numbers[-limit:], []) if start is None else (numbers[:limit], numbers[limit:])
    assert [point[1] for point in body["points"]] == wanted
    assert body["meta"]["next_start"] == (f"{years[rest[0] - 1]}T00:00:00Z" if rest else None)


@pytest.mark.parametrize(
    ("start", "end", "prices"),
    [
        ("2019-12-30T00:00:01Z", "2019-12-31T00:00:01Z", [101.0]),
        ("2019-12-30T23:00:00-01:00", "2020-01-03T00:00:00Z", [101.0]),
        ("2021-01-01", "2022-01-01", []),
        ("1990-01-01", "1990-01-02", []),
    ],
)
def test_start_is_inclusive_and_end_exclusive(
    client: Client, bitcoin: Asset, start: str, end: str, prices: list[float]
) -> None:
    assert [point[1] for point in history(client, start=start, end=end)["points"]] == prices


def test_an_asset_without_history_has_no_points(client: Client) -> None:
    AssetFactory.create(symbol="BTC")

    body = history(client)

    assert (body["points"], body["meta"]["as_of"], body["meta"]["stale"]) == ([], None, True)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": 5_001}, "limit"),
        ({"limit": 0}, "limit"),
        ({"interval": "2d"}, "interval"),
        ({"shape": "cube"}, "shape"),
        ({"start": "yesterday"}, "start"),
        ({"start": "2020-01-02", "end": "2020-01-02"}, "start"),
        ({"start": "2020-02-30"}, "start"),
    ],
)
def test_bad_parameters_are_refused_by_name(client: Client, bitcoin: Asset, query: dict[str, Any], field: str) -> None:
    answer = client.get("/api/v1/cryptocurrencies/BTC/history", query)

    assert (answer.status_code, list(answer.json()["error"]["details"]["fields"])) == (400, [field])


def test_an_ambiguous_symbol_is_said_and_strictly_refused(client: Client, bitcoin: Asset) -> None:
    AssetFactory.create(slug="batcat", symbol="BTC")

    assert history(client)["meta"]["match"]["ambiguous"] is True
    assert history(client, strict="true")["error"]["code"] == "ambiguous_symbol"


@pytest.fixture
def minutes(db: None) -> Asset:
    """Snapshots at 12:01, 12:04, 12:11 and 13:30 of one day."""
    asset = AssetFactory.create(slug="bitcoin", symbol="BTC")
    noon = datetime(2026, 3, 12, 12, tzinfo=UTC)
    for minute, price in ((1, 10.0), (4, 11.0), (11, 12.0), (90, 13.0)):
        SnapshotFactory.create(asset=asset, at=noon + timedelta(minutes=minute), price=price, volume=minute)
    return asset


def test_five_minutes_end_with_their_last_snapshot(client: Client, minutes: Asset) -> None:
    body = history(client, interval="5m")

    assert [point[:2] for point in body["points"]] == [
        ["2026-03-12T12:00:00Z", 11.0],
        ["2026-03-12T12:10:00Z", 12.0],
        ["2026-03-12T13:30:00Z", 13.0],
    ]
    assert body["meta"]["gap_points"] == 1 + 15


def test_hours_end_with_their_last_snapshot(client: Client, minutes: Asset) -> None:
    assert [point[:2] for point in history(client, interval="1h")["points"]] == [
        ["2026-03-12T12:00:00Z", 12.0],
        ["2026-03-12T13:00:00Z", 13.0],
    ]


def test_intraday_limits_work_from_either_end(client: Client, minutes: Asset) -> None:
    newest = history(client, interval="5m", limit=1)
    first = history(client, interval="5m", limit=1, start="2026-03-12", end="2026-03-12T13:00:00Z")

    assert [point[1] for point in newest["points"]] == [13.0]
    assert [point[1] for point in first["points"]] == [11.0]
    assert first["meta"]["next_start"] == "2026-03-12T12:10:00Z"


@pytest.mark.parametrize(
    ("start", "end", "interval"),
    [
        ("2026-03-12T12:01:00Z", "2026-03-13T12:01:00Z", "5m"),
        ("2026-03-12T12:01:00Z", "2026-03-20T00:00:00Z", "1h"),
        ("2026-03-12T12:01:00Z", "2026-05-01T00:00:00Z", "1d"),
        ("2026-03-12T12:00:00Z", "2026-03-12T14:00:00Z", "1d"),
    ],
)
def test_auto_takes_the_finest_that_is_short_and_kept(
    client: Client, minutes: Asset, start: str, end: str, interval: str
) -> None:
    assert history(client, start=start, end=end)["meta"]["interval"] == interval


def test_auto_without_a_start_is_daily(client: Client, minutes: Asset) -> None:
    assert history(client)["meta"]["interval"] == "1d"


def test_the_catalogue_tells_what_there_is_from_when(client: Client, bitcoin: Asset) -> None:
    SnapshotFactory.create(asset=bitcoin)
    AssetFactory.create(slug="empty")

    body = client.get("/api/v1/catalogue", {"limit": 1}).json()

    assert body["simulated"] is False
    assert body["intervals"][0] == {
        "interval": "1d",
        "from": "2019-12-30",
        "to": "2020-01-05",
        "retention_days": None,
    }
    assert body["intervals"][1]["from"] == "2026-03-12T12:00:00Z"
    assert body["count"] == 2
    assert body["results"] == [
        {
            "symbol": "BTC",
            "slug": "bitcoin",
            "name": "Bitcoin",
            "daily_from": "2019-12-30",
            "daily_to": "2020-01-05",
        }
    ]
    rest = client.get("/api/v1/catalogue", {"after": body["next_after"]}).json()
    assert ([row["slug"] for row in rest["results"]], rest["next_after"]) == (["empty"], None)


def test_a_bar_of_yesterday_is_not_stale(client: Client) -> None:
    asset = AssetFactory.create(symbol="BTC")
    store_daily_bars(asset, clock.now().date() - timedelta(days=1), [5.0])

    assert history(client)["meta"]["stale"] is False


@pytest.mark.parametrize("interval", ["auto", "1d", "1h", "5m"])
@pytest.mark.parametrize(
    ("window", "points"),
    [
        ({"end": "0001-01-01"}, 0),
        ({"start": "0001-01-01", "end": "0001-01-02"}, 0),
        ({"start": "0001-01-01", "end": "9999-12-31T23:59:59Z"}, 5),
        ({"end": "9999-12-31T23:59:59Z"}, 5),
        ({"start": "9999-12-31T23:59:59Z"}, 0),
    ],
)
def test_windows_at_the_ends_of_the_calendar(
    client: Client, bitcoin: Asset, window: dict[str, str], interval: str, points: int
) -> None:
    body = history(client, interval=interval, **window)

    assert len(body["points"]) == (points if body["meta"]["interval"] == "1d" else 0)


def test_auto_is_daily_for_an_asset_whose_own_snapshots_begin_later(client: Client, bitcoin: Asset) -> None:
    SnapshotFactory.create(asset=AssetFactory.create(), at=datetime(2020, 1, 1, tzinfo=UTC))
    SnapshotFactory.create(asset=bitcoin, at=datetime(2020, 1, 6, tzinfo=UTC))

    assert history(client, start="2020-01-03", end="2020-01-07")["meta"]["interval"] == "1d"
    assert history(client, start="2020-01-06", end="2020-01-07")["meta"]["interval"] == "5m"
