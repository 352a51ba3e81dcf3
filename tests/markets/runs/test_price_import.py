from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from markets.models import Asset, DailyBar, Quote, Source
from markets.providers import file
from markets.runs import price_import
from markets.runs.price_import import Parameters
from tests.markets.factories import NOON, AssetFactory, QuoteFactory
from tests.markets.runs.price_files import (
    HEADER,
    ROWS,
    FormatWriter,
    everything,
    perform,
    write_csv,
    write_gz,
    write_parquet,
    write_xz,
)
from tests.support.statements import statements

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


@pytest.mark.parametrize("write", [write_csv, write_gz, write_xz, write_parquet])
def test_file_of_each_format_becomes_bars_assets_and_quotes(tmp_path: Path, write: FormatWriter):
    report = perform(write(tmp_path, "\n".join([HEADER, *ROWS]) + "\n"))

    assert (report.rows, report.assets, report.bad, report.quoted, report.is_stored) == (3, 2, 0, 2, True)
    assert report.stored.inserted == 3
    numbers = ("open", "high", "low", "close", "volume", "market_cap")
    stored = DailyBar.objects.order_by("asset__slug", "day")
    assert list(stored.values_list(*numbers)) == [
        (7290.5, 7320.0, 7145.0, 7193.599121, 21167946112.0, 130446112598.0),
        (7194.9, 7254.0, 7174.0, 7200.174316, 18565664997.0, 130580829150.0),
        (None, 132.1, None, 130.802002, None, None),  # an open of 0 and an empty low are missing
    ]
    assert list(stored.values_list("asset__slug", "asset__symbol", "day", "source__name", "quality")) == [
        ("bitcoin", "BTC", date(2019, 12, 31), "file:yahoo", 0),
        ("bitcoin", "BTC", date(2020, 1, 1), "file:yahoo", DailyBar.Quality.MARKET_CAP_ESTIMATED),
        ("ethereum", "ETH", date(2020, 1, 1), "file:binance1h", DailyBar.Quality.RANGE_FROM_HOURLY_CLOSES),
    ]
    assert dict(Quote.objects.values_list("asset__slug", "price")) == {"bitcoin": 7200.174316, "ethereum": 130.802002}
    assert set(Quote.objects.values_list("as_of", flat=True)) == {datetime(2020, 1, 1, 23, 59, 59, tzinfo=UTC)}
    assert not Source.objects.filter(is_simulated=True).exists()


def test_repeated_import_changes_nothing(prices):
    path = prices(*ROWS)
    perform(path)
    before = everything()

    report = price_import.perform(Parameters(path), at=NOON + timedelta(days=1))

    assert (report.stored.unchanged, report.stored.inserted, report.stored.updated, report.quoted) == (3, 0, 0, 0)
    assert everything() == before


def test_order_of_the_rows_does_not_matter(prices):
    perform(prices(*ROWS))
    before = everything()

    report = perform(prices(*reversed(ROWS)))

    assert (report.stored.unchanged, everything() == before) == (3, True)


def test_corrected_file_corrects_and_adds_and_removes_nothing(prices):
    perform(prices(*ROWS))

    corrected = ROWS[0].replace("7145", "7146")
    report = perform(prices(corrected, "BTC,Bitcoin,2020-01-02,,,,6985.470215,,,yahoo,"))

    assert (report.stored.updated, report.stored.inserted, report.stored.unchanged) == (1, 1, 0)
    assert DailyBar.objects.count() == 4
    assert DailyBar.objects.get(asset__symbol="BTC", day=date(2019, 12, 31)).low == 7146.0
    assert Quote.objects.get(asset__symbol="BTC").price == 6985.470215


def test_longest_texts_are_kept_whole(prices):
    symbol, name, origin = "\N{LATIN SMALL LETTER SHARP S}" * 50, "N" * 200, "y" * 50

    assert perform(prices(f"{symbol},{name},2020-02-01,,,,1,,,{origin},")).stored.inserted == 1

    # In upper case the symbol is twice as long.
    assert Asset.objects.values_list("symbol", "name").get() == ("S" * 50, name)
    assert DailyBar.objects.get().source.name == f"file:{origin}"


def test_coins_without_a_symbol_are_known_by_their_id(prices):
    name = "a-very-long-identity-" * 5

    perform(prices(f"{name},2020-02-01,5", header="id,date,price"))

    assert Asset.objects.values_list("slug", "symbol").get() == (name.strip("-")[:100], name.upper()[:50])


def test_close_that_is_dated_by_the_midnight_after_it_belongs_to_the_day_before(prices):
    perform(prices("BTC,2020-01-01,7193.6", "BTC,2020-03-01,8599.5", header="symbol,date,price"), day_shift=-1)

    assert list(DailyBar.objects.order_by("day").values_list("day", "close")) == [
        (date(2019, 12, 31), 7193.6),
        (date(2020, 2, 29), 8599.5),
    ]


def test_symbols_that_differ_only_by_case_are_two_coins_and_stay_so(prices):
    path = prices("ONE,2020-01-01,1", "one,2020-01-01,2", "One,2020-01-02,3", header="symbol,date,close")

    perform(path)
    again = perform(path)

    found = DailyBar.objects.order_by("close").values_list("asset__slug", "asset__symbol", "close")
    assert list(found) == [("one", "ONE", 1.0), ("one-one", "ONE", 2.0), ("one-one-2", "ONE", 3.0)]
    assert again.stored.unchanged == 3


def test_asset_that_is_known_already_gets_the_bars(prices):
    bitcoin = AssetFactory.create(slug="bitcoin", symbol="BTC", name="Bitcoin")
    QuoteFactory.create(asset=bitcoin, price=70_000.0)

    report = perform(prices(*ROWS[:2]))

    assert set(DailyBar.objects.values_list("asset_id", flat=True)) == {bitcoin.pk}
    assert (report.quoted, Quote.objects.get().price) == (0, 70_000.0)


def test_rows_of_many_batches_are_stored_like_those_of_one(prices, monkeypatch):
    rows = [
        f"C{coin},Coin {coin},{date(2019, 12, 1) + timedelta(days=day)},,,,{1 + coin + day / 7!r},,,,"
        for day in range(60)
        for coin in range(5)
    ]
    heard: dict[str, list[int]] = {"read": [], "stored": []}
    monkeypatch.setattr(file, "BATCH_BYTES", 1_000)
    monkeypatch.setattr(price_import, "_ROWS_AT_ONCE", 70)

    report = price_import.perform(
        Parameters(prices(*rows)), at=NOON, on_read=heard["read"].append, on_stored=heard["stored"].append
    )

    assert len(heard["read"]) > 4
    assert [sum(told) for told in heard.values()] == [300, 300]
    assert (report.stored.inserted, report.assets, report.quoted) == (300, 5, 5)
    assert dict(DailyBar.objects.filter(asset__symbol="C3").values_list("day", "close")) == {
        date(2019, 12, 1) + timedelta(days=day): 4 + day / 7 for day in range(60)
    }


def test_number_of_statements_does_not_grow_with_the_rows_of_a_batch(prices):
    sizes = []
    for coin, days in (("A", 2), ("B", 200)):
        rows = [f"{coin},{date(2020, 1, 1) + timedelta(days=day)},1" for day in range(days)]
        path = prices(*rows, header="symbol,date,close")
        with statements() as said:
            perform(path)
        sizes.append(len(said))

    assert sizes[0] >= sizes[1]
