from datetime import date, timedelta

import numpy as np
import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from markets import frames
from markets.blocks import VECTORS
from markets.models import DailyBar
from markets.providers.bars import Bars, day_number
from tests.markets.factories import AssetFactory, store_daily_bars
from tests.support.statements import statements

with_database = pytest.mark.django_db

FIRST, DAYS = date(2019, 11, 1), 800


@pytest.fixture
def market() -> list[int]:
    """Three assets over three calendar years, one of them a leap year, full of holes; and one without a bar."""
    random = np.random.default_rng(7)
    assets = AssetFactory.create_batch(4)
    for asset in assets[:3]:
        columns = random.lognormal(size=(3, DAYS))
        columns[random.random(columns.shape) < 0.3] = np.nan
        close, volume, cap = columns.tolist()
        store_daily_bars(asset, FIRST, close, volume=volume, market_cap=cap)
    return [asset.pk for asset in assets]


def from_rows(asset_ids: list[int], start: date, end: date, vector: str) -> list[list[float | None]]:
    """The same matrix by SQL, a cell a row of the table."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT asset_id, day, close, volume, market_cap FROM markets_dailybar WHERE day >= %s AND day < %s",
            [start, end],
        )
        cells = {(row[0], row[1]): row[2 + VECTORS.index(vector)] for row in cursor.fetchall()}
    days = [start + timedelta(days=n) for n in range((end - start).days)]
    return [[cells.get((asset_id, day)) for day in days] for asset_id in asset_ids]


@with_database
def test_frame_says_what_the_rows_say_for_any_window(market):
    @given(st.data())
    def check(data):
        start = data.draw(st.dates(FIRST - timedelta(days=400), FIRST + timedelta(days=DAYS + 400)), "start")
        end = start + timedelta(days=data.draw(st.integers(1, 1_000), "days"))
        asset_ids = data.draw(st.lists(st.sampled_from([*market, 999_999]), max_size=5, unique=True), "assets")
        vector = data.draw(st.sampled_from(VECTORS), "vector")

        frame = frames.price_frame(asset_ids, start=start, end=end, vector=vector)

        assert frame.start == start
        assert frame.asset_ids.tolist() == asset_ids
        assert frame.values.shape == (len(asset_ids), (end - start).days)
        found = [[None if np.isnan(value) else value for value in row] for row in frame.values.tolist()]
        assert found == from_rows(asset_ids, start, end, vector)

    check()


@with_database
def test_frame_of_all_values_is_that_of_each_and_says_who_said_it(market):
    @given(st.data())
    def check(data):
        start = data.draw(st.dates(FIRST - timedelta(days=400), FIRST + timedelta(days=DAYS + 400)), "start")
        end = start + timedelta(days=data.draw(st.integers(1, 1_000), "days"))
        asset_ids = data.draw(st.lists(st.sampled_from([*market, 999_999]), max_size=5, unique=True), "assets")

        found = frames.bar_frame(asset_ids, start=start, end=end)

        for vector in VECTORS:
            alone = frames.price_frame(asset_ids, start=start, end=end, vector=vector).values
            np.testing.assert_array_equal(getattr(found, vector), alone)
        by_row = np.zeros(found.sources.shape, dtype=np.int16)
        for bar in DailyBar.objects.filter(asset_id__in=asset_ids, day__gte=start, day__lt=end):
            by_row[asset_ids.index(bar.asset_id), (bar.day - start).days] = bar.source_id
        np.testing.assert_array_equal(found.sources, by_row)

    check()


@with_database
def test_missing_day_is_missing_and_never_filled(market):
    coin = AssetFactory.create()
    store_daily_bars(coin, date(2020, 2, 28), [1.0, None, 3.0])

    frame = frames.price_frame([coin.pk], start=date(2020, 2, 27), end=date(2020, 3, 3))

    np.testing.assert_array_equal(frame.values, [[np.nan, 1.0, np.nan, 3.0, np.nan]])


@pytest.mark.parametrize("end", [date(2020, 1, 1), date(2019, 12, 31)])
def test_window_without_a_day_is_refused(end):
    for read in (frames.price_frame, frames.bar_frame):
        with pytest.raises(ValueError, match="empty window"):
            read([1], start=date(2020, 1, 1), end=end)


@with_database
def test_any_number_of_assets_takes_one_query(market):
    for read in (frames.price_frame, frames.bar_frame):
        for asset_ids in (market[:1], market):
            with statements() as said:
                read(asset_ids, start=FIRST, end=FIRST + timedelta(days=DAYS))

            assert len(said) == 1


def provider_bars(rows: list[tuple[str, date, float]], *, source: str = "file", estimated: bool = False) -> Bars:
    """Bars of a provider in the order given."""
    keys = list(dict.fromkeys(key for key, _, _ in rows))
    empty = np.full(len(rows), np.nan)
    return Bars(
        keys=keys,
        symbols=keys,
        names=keys,
        code=np.array([keys.index(key) for key, _, _ in rows], np.int32),
        day=np.array([day_number(day) for _, day, _ in rows], np.int32),
        open=empty,
        high=empty,
        low=empty,
        close=np.array([close for _, _, close in rows]),
        volume=np.arange(len(rows), dtype=np.float64),
        market_cap=empty,
        sources=[source],
        source_code=np.zeros(len(rows), np.int32),
        estimated=np.full(len(rows), estimated),
    )


def test_bars_of_a_provider_are_sorted_by_our_assets_and_by_day():
    rows = [("b", date(2020, 1, 2), 1.0), ("a", date(2020, 1, 2), 2.0), ("b", date(2020, 1, 1), 3.0)]

    table = frames.bar_table(
        provider_bars(rows), asset_ids=np.array([5, 7], np.int32), source_ids=np.array([4], np.int16)
    )

    first = day_number(date(2020, 1, 1))
    assert table.asset_id.tolist() == [5, 5, 7]
    assert table.day.tolist() == [first, first + 1, first + 1]
    assert table.values[:, 3:5].tolist() == [[3.0, 2.0], [1.0, 0.0], [2.0, 1.0]]
    assert table.source_id.tolist() == [4, 4, 4]


def test_of_two_keys_that_mean_one_asset_the_later_row_counts():
    rows = [("BTC", date(2020, 1, 1), 1.0), ("btc", date(2020, 1, 1), 2.0), ("btc", date(2020, 1, 2), 3.0)]

    table = frames.bar_table(
        provider_bars(rows), asset_ids=np.array([5, 5], np.int32), source_ids=np.array([4], np.int16)
    )

    assert table.values[:, 3].tolist() == [2.0, 3.0]


def test_no_bar_at_all_makes_an_empty_table():
    table = frames.bar_table(Bars.empty(), asset_ids=np.empty(0, np.int32), source_ids=np.zeros(1, np.int16))

    assert (len(table), table.values.shape) == (0, (0, 6))


@pytest.mark.parametrize(
    ("source", "estimated", "quality"),
    [
        ("file", False, 0),
        ("file", True, DailyBar.Quality.MARKET_CAP_ESTIMATED),
        ("binance1h", False, DailyBar.Quality.RANGE_FROM_HOURLY_CLOSES),
        ("binance1h", True, DailyBar.Quality.RANGE_FROM_HOURLY_CLOSES | DailyBar.Quality.MARKET_CAP_ESTIMATED),
    ],
)
def test_what_is_known_to_be_less_than_observed_is_marked(source, estimated, quality):
    bars = provider_bars([("a", date(2020, 1, 1), 1.0)], source=source, estimated=estimated)

    table = frames.bar_table(bars, asset_ids=np.array([5], np.int32), source_ids=np.array([4], np.int16))

    assert table.quality.tolist() == [quality]
