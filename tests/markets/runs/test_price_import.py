import gzip
import lzma
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow.csv
import pyarrow.parquet
import pytest
from django.apps import apps
from django.db import connection

from markets.actions import market
from markets.errors import MarketIsSimulated
from markets.models import Asset, DailyBar, Market, PriceBlock, Quote, Source
from markets.providers import file
from markets.providers.errors import Malformed, ProviderError, TooLarge
from markets.runs import price_import, simulation
from markets.runs.price_import import Parameters
from tests.markets.factories import NOON, AssetFactory, QuoteFactory
from tests.support.statements import statements

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

HEADER = "symbol,name,date,open,high,low,close,volume,market_cap,source,mcap_source"
ROWS = [
    "BTC,Bitcoin,2019-12-31,7290.5,7320,7145,7193.599121,21167946112,130446112598,yahoo,coingecko",
    "BTC,Bitcoin,2020-01-01,7194.9,7254,7174,7200.174316,18565664997,130580829150,yahoo,supply_interp",
    "ETH,Ethereum,2020-01-01,0,132.1,,130.802002,,,binance1h,",
]
FormatWriter = Callable[[Path, str], Path]


def write_csv(folder: Path, text: str) -> Path:
    (path := folder / "prices.csv").write_text(text)
    return path


def write_gz(folder: Path, text: str) -> Path:
    (path := folder / "prices.csv.gz").write_bytes(gzip.compress(text.encode()))
    return path


def write_xz(folder: Path, text: str) -> Path:
    (path := folder / "prices.csv.xz").write_bytes(lzma.compress(text.encode()))
    return path


def write_parquet(folder: Path, text: str) -> Path:
    pyarrow.parquet.write_table(pyarrow.csv.read_csv(write_csv(folder, text)), path := folder / "prices.parquet")
    return path


@pytest.fixture
def prices(tmp_path: Path) -> Callable[..., Path]:
    """A CSV file of these rows."""
    return lambda *rows, header=HEADER: write_csv(tmp_path, "\n".join([header, *rows]) + "\n")


def counts() -> dict[str, int]:
    """How many rows each table of markets has."""
    found = {}
    with connection.cursor() as cursor:
        for model in apps.get_app_config("markets").get_models(include_auto_created=True):
            table = model._meta.db_table
            cursor.execute("".join(["SELECT count(*) FROM ", connection.ops.quote_name(table)]))
            found[table] = int(cursor.fetchone()[0])
    return found


def everything() -> list[object]:
    """All that an import may change."""
    return [
        list(model.objects.order_by("pk").values()) for model in (Market, Source, Asset, DailyBar, PriceBlock, Quote)
    ]


def perform(path: Path, **options: bool | int) -> price_import.Report:
    return price_import.perform(Parameters(path, **options), at=NOON)  # type: ignore[arg-type]  # passed through


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


BAD = {
    "BTC,Bitcoin,2020-13-01,,,,1,,,,": "bad_type",
    "BTC,Bitcoin,,,,,1,,,,": "bad_type",
    "BTC,Bitcoin,2020-02-01,,,,one,,,,": "bad_type",
    "BTC,Bitcoin,2020-02-01,,,,1": "bad_type",
    "BTC,Bitcoin,2020-02-01,,,,,,,,": "missing_field",
    ",Bitcoin,2020-02-01,,,,1,,,,": "missing_field",
    "BTC,Bitcoin,2020-02-01,,,,nan,,,,": "missing_field",
    "BTC,Bitcoin,2020-02-01,,,,0,,,,": "zero_price",
    "BTC,Bitcoin,2020-02-01,,,,-1,,,,": "negative",
    "BTC,Bitcoin,2020-02-01,,,,1,-5,,,": "negative",
    "BTC,Bitcoin,2020-02-01,,,,1e400,,,,": "not_finite",
    "BTC,Bitcoin,2020-02-01,,,,1,,inf,,": "not_finite",
    "BTC,Bitcoin,2020-02-01,1,1,2,1,,,,": "high_below_low",
    "BTC,Bitcoin,2026-03-13,,,,1,,,,": "future_timestamp",
    "BTC,Bitcoin,2009-01-02,,,,1,,,,": "ancient_timestamp",
    "BTC,Bitcoin,2020-01-01,,,,1,,,,": "duplicate",
    f"{'B' * 51},Bitcoin,2020-02-01,,,,1,,,,": "text_too_long",
    f"BTC,{'B' * 201},2020-02-01,,,,1,,,,": "text_too_long",
    f"BTC,Bitcoin,2020-02-01,,,,1,,,{'y' * 51},": "text_too_long",
}


@pytest.mark.parametrize(("row", "reason"), BAD.items())
def test_bad_row_names_its_line_and_reason_and_stops_everything(prices, row, reason):
    before = (counts(), everything())

    report = perform(prices(*ROWS, row))

    assert [(reject.line, reject.reason) for reject in report.rejects] == [(5, reason)]
    assert (report.rows, report.bad, report.is_stored) == (4, 1, False)
    assert (counts(), everything()) == before


@pytest.mark.parametrize("row", BAD)
def test_good_rows_are_stored_beside_bad_ones_when_asked_for(prices, row):
    report = perform(prices(row, *ROWS) if BAD[row] != "duplicate" else prices(*ROWS, row), skip_bad=True)

    assert (report.bad, report.stored.inserted, report.is_stored) == (1, 3, True)
    assert set(DailyBar.objects.values_list("close", flat=True)) == {7193.599121, 7200.174316, 130.802002}


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


def test_every_bad_row_is_counted_and_the_first_thousand_are_named(prices):
    report = perform(prices(*["BTC,Bitcoin,2020-02-01,,,,0,,,,"] * 1_100))

    assert (report.bad, len(report.rejects), report.rejects[-1].line) == (1_100, 1_000, 1_001)


@pytest.mark.parametrize("rows", [ROWS, [*ROWS, *BAD]])
def test_dry_run_tells_what_there_is_and_stores_nothing(prices, rows):
    before = (counts(), everything())

    report = perform(prices(*rows), dry_run=True, skip_bad=True)

    assert (report.rows, report.bad, report.is_stored) == (len(rows), len(rows) - 3, False)
    assert (counts(), everything()) == before


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


def missing(folder: Path) -> Path:
    return folder / "nowhere.csv"


def directory(folder: Path) -> Path:
    return folder


def empty(folder: Path) -> Path:
    return write_csv(folder, "")


def without_close(folder: Path) -> Path:
    return write_csv(folder, "symbol,date,open\nBTC,2020-01-01,1\n")


def without_coin(folder: Path) -> Path:
    return write_csv(folder, "date,close\n2020-01-01,1\n")


def not_a_text(folder: Path) -> Path:
    (path := folder / "prices.csv").write_bytes(bytes(range(256)))
    return path


def cut_short(folder: Path) -> Path:
    path = write_gz(folder, "\n".join([HEADER, *ROWS * 1_000]))
    path.write_bytes(path.read_bytes()[:-20])
    return path


def not_compressed(folder: Path) -> Path:
    return write_csv(folder, HEADER).rename(folder / "prices.csv.xz")


def cut_parquet(folder: Path) -> Path:
    path = write_parquet(folder, "\n".join([HEADER, *ROWS]))
    path.write_bytes(path.read_bytes()[:-20])
    return path


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (missing, FileNotFoundError),
        (directory, IsADirectoryError),
        (empty, Malformed),
        (without_close, Malformed),
        (without_coin, Malformed),
        (not_a_text, Malformed),
        (cut_short, Malformed),
        (not_compressed, Malformed),
        (cut_parquet, Malformed),
    ],
)
def test_file_that_cannot_be_read_is_named_and_leaves_nothing(tmp_path, make, error):
    before = (counts(), everything())

    with pytest.raises((OSError, ProviderError)) as raised:
        perform(make(tmp_path), skip_bad=True)

    assert raised.type is error
    assert (counts(), everything()) == before


def test_file_of_endless_sources_is_too_large(prices):
    rows = [f"BTC,{date(2020, 1, 1) + timedelta(days=n)},1,s{n}" for n in range(1_001)]
    before = (counts(), everything())

    with pytest.raises(TooLarge, match="sources"):
        perform(prices(*rows, header="symbol,date,close,source"))

    assert (counts(), everything()) == before


class Interrupted(BaseException):
    """As by control-C."""


def interrupt(rows: int) -> None:
    raise Interrupted


def test_import_that_is_interrupted_leaves_nothing(prices):
    before = (counts(), everything())

    with pytest.raises(Interrupted):
        price_import.perform(Parameters(prices(*ROWS)), at=NOON, on_stored=interrupt)

    assert (counts(), everything()) == before


@pytest.fixture
def demo() -> None:
    simulation.perform(simulation.Parameters(assets=3, days=20, seed=1), at=NOON)


@pytest.mark.usefixtures("demo")
def test_a_file_may_be_looked_at_beside_a_simulated_market(prices):
    before = (counts(), everything())

    assert perform(prices(*ROWS), dry_run=True).rows == len(ROWS)
    assert (counts(), everything()) == before


@pytest.mark.usefixtures("demo")
def test_simulated_market_is_not_mixed_with_real_prices(prices):
    before = (counts(), everything())

    with pytest.raises(MarketIsSimulated):
        perform(prices(*ROWS))

    assert (counts(), everything()) == before


@pytest.mark.usefixtures("demo")
def test_simulated_market_is_gone_when_it_was_to_be_replaced(prices):
    perform(prices(*ROWS), replace_demo=True)

    assert market.simulation() is None
    assert set(Asset.objects.values_list("slug", flat=True)) == {"bitcoin", "ethereum"}
    assert set(Source.objects.values_list("name", "is_simulated")) == {
        ("file", False),
        ("file:yahoo", False),
        ("file:binance1h", False),
    }
    found = counts()
    assert (found["markets_dailybar"], found["markets_snapshot"], found["markets_quote"]) == (3, 0, 2)
    assert set(PriceBlock.objects.values_list("asset__symbol", "year")) == {("BTC", 2019), ("BTC", 2020), ("ETH", 2020)}


@pytest.mark.usefixtures("demo")
@pytest.mark.parametrize(
    ("rows", "options"), [([*ROWS, next(iter(BAD))], {}), (ROWS, {"dry_run": True}), (ROWS, {"interrupted": True})]
)
def test_simulated_market_stays_when_nothing_takes_its_place(prices, rows, options):
    before = (counts(), everything())
    on_stored = interrupt if options.pop("interrupted", False) else lambda rows: None

    try:
        parameters = Parameters(prices(*rows), replace_demo=True, **options)
        report = price_import.perform(parameters, at=NOON, on_stored=on_stored)
    except Interrupted:
        pass
    else:
        assert not report.is_stored

    assert (counts(), everything()) == before


def test_real_market_is_never_removed(prices):
    perform(prices(*ROWS))

    perform(prices("DOGE,Dogecoin,2020-01-01,,,,0.002,,,,"), replace_demo=True)

    assert set(Asset.objects.values_list("symbol", flat=True)) == {"BTC", "ETH", "DOGE"}
