from datetime import timedelta
from pathlib import Path

import pytest

from config.kernel import clock
from markets.actions import market
from markets.models import Asset, DailyBar
from markets.runs import simulation

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

GOOD = ["BTC,2020-03-11,7911.43", "BTC,2020-03-12,4970.79", "ETH,2020-03-12,112.35"]
ZERO = "ETH,2020-03-13,0"


@pytest.fixture
def prices(tmp_path: Path):
    def write(*rows: str, header: str = "symbol,date,close") -> Path:
        (path := tmp_path / "prices.csv").write_text("\n".join([header, *rows]) + "\n")
        return path

    return write


def test_says_what_became_of_the_file_and_the_second_time_that_nothing_changed(manage, prices):
    path = prices(*GOOD)

    first, second = manage("import_prices", path), manage("import_prices", path)

    assert first.out == ["prices.csv: 3 rows of 2 assets: 3 inserted, 0 updated, 0 unchanged, 0 bad; 2 quotes set."]
    assert second.out == ["prices.csv: 3 rows of 2 assets: 0 inserted, 0 updated, 3 unchanged, 0 bad; 0 quotes set."]
    assert (first.err, first.failure, second.err, second.failure) == ([], None, [], None)


def test_bad_row_is_named_by_line_and_reason_and_nothing_is_stored(manage, prices):
    outcome = manage("import_prices", prices(*GOOD, ZERO, "DOGE,2020-03-12", "DOGE,someday,1"))

    assert outcome.err == [
        'line 5: zero_price: {"symbol": "ETH", "date": "2020-03-13", "close": "0"}',
        "line 6: bad_type: 2 values for 3 columns",
        'line 7: bad_type: {"symbol": "DOGE", "date": "someday", "close": "1"}',
    ]
    assert outcome.out == []
    assert outcome.failure == (
        "3 of 6 rows are bad, so nothing was imported. Correct the file, or store the good rows with --skip-bad."
    )
    assert not Asset.objects.exists()


def test_only_the_first_bad_rows_are_shown(manage, prices):
    outcome = manage("import_prices", prices(*[ZERO] * 25))

    assert len(outcome.err) == 21
    assert outcome.err[-1] == "... and 5 more bad rows."


def test_long_row_is_shown_in_part(manage, prices):
    outcome = manage("import_prices", prices(f"{'X' * 3_000},2020-03-12,1"))

    assert len(outcome.err[0]) == len("line 2: text_too_long: ") + 300


def test_good_rows_are_stored_when_bad_ones_may_be_skipped(manage, prices):
    outcome = manage("import_prices", prices(*GOOD, ZERO), "--skip-bad")

    assert outcome.failure is None
    assert outcome.out == ["prices.csv: 4 rows of 2 assets: 3 inserted, 0 updated, 0 unchanged, 1 bad; 2 quotes set."]
    assert DailyBar.objects.count() == 3


@pytest.mark.parametrize(("rows", "bad"), [(GOOD, 0), ([*GOOD, ZERO], 1)])
def test_dry_run_says_what_there_is_and_stores_nothing(manage, prices, rows, bad):
    outcome = manage("import_prices", prices(*rows), "--dry-run")

    assert outcome.failure is None
    assert outcome.out == [f"prices.csv: {len(rows)} rows of 2 assets, {bad} bad. Nothing was stored (dry run)."]
    assert not Asset.objects.exists()


@pytest.mark.parametrize("shift", [0, -1])
def test_day_shift_moves_every_bar(manage, prices, shift):
    manage("import_prices", prices(GOOD[1]), f"--day-shift={shift}")

    assert DailyBar.objects.get().day.isoformat() == {0: "2020-03-12", -1: "2020-03-11"}[shift]


@pytest.mark.parametrize("shift", ["1", "-2", "x"])
def test_other_shifts_are_refused(manage, prices, shift):
    outcome = manage("import_prices", prices(*GOOD), f"--day-shift={shift}")

    assert outcome.failure is not None
    assert "--day-shift" in outcome.failure
    assert not Asset.objects.exists()


def test_bar_of_tomorrow_is_refused(manage, prices):
    tomorrow = clock.now().date() + timedelta(days=1)

    assert manage("import_prices", prices(f"BTC,{tomorrow},1")).err[0].startswith("line 2: future_timestamp: ")


def test_simulated_market_is_replaced_only_on_request(manage, prices):
    simulation.perform(simulation.Parameters(assets=2, days=5, seed=1), at=clock.now())

    refused = manage("import_prices", prices(*GOOD))
    assert refused.failure == (
        "This market holds simulated prices, which are never mixed with real ones."
        " Replace it first: import_prices FILE --replace-demo."
    )
    assert market.simulation() is not None

    assert manage("import_prices", prices(*GOOD), "--replace-demo").failure is None
    assert market.simulation() is None
    assert DailyBar.objects.count() == 3


def test_file_that_is_not_there_is_named(manage, tmp_path):
    path = tmp_path / "nowhere.csv"

    assert manage("import_prices", path).failure == f"{path} cannot be read: No such file or directory."


def test_directory_is_no_file(manage, tmp_path):
    assert manage("import_prices", tmp_path).failure == f"{tmp_path} cannot be read: Is a directory."


def test_missing_columns_are_named(manage, prices):
    path = prices("1,2", header="day,price")

    assert manage("import_prices", path).failure == f"{path}: no column symbol, date among day, price"


def test_file_that_breaks_off_is_said_to_be_broken(manage, tmp_path):
    (path := tmp_path / "prices.csv.gz").write_bytes(b"\x1f\x8b\x08\x00")

    assert manage("import_prices", path).failure == (
        f"{path}: Compressed file ended before the end-of-stream marker was reached"
    )
