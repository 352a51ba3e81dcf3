"""Files that are not stored, or not whole, and what then stays as it was."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from markets.actions import market
from markets.errors import MarketIsSimulated
from markets.models import Asset, DailyBar, PriceBlock, Source
from markets.providers.errors import Malformed, ProviderError, TooLarge
from markets.runs import price_import, simulation
from markets.runs.price_import import Parameters
from tests.markets.factories import NOON
from tests.markets.runs.price_files import (
    HEADER,
    ROWS,
    counts,
    everything,
    perform,
    write_csv,
    write_gz,
    write_parquet,
)

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

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


def test_every_bad_row_is_counted_and_the_first_thousand_are_named(prices):
    report = perform(prices(*["BTC,Bitcoin,2020-02-01,,,,0,,,,"] * 1_100))

    assert (report.bad, len(report.rejects), report.rejects[-1].line) == (1_100, 1_000, 1_001)


@pytest.mark.parametrize("rows", [ROWS, [*ROWS, *BAD]])
def test_dry_run_tells_what_there_is_and_stores_nothing(prices, rows):
    before = (counts(), everything())

    report = perform(prices(*rows), dry_run=True, skip_bad=True)

    assert (report.rows, report.bad, report.is_stored) == (len(rows), len(rows) - 3, False)
    assert (counts(), everything()) == before


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
