"""Real files, imported whole and compared with themselves as pandas reads them."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from django.db import connection

from markets import frames
from markets.models import Asset, DailyBar, ExternalId, Market
from markets.runs import price_import
from markets.runs.price_import import Parameters
from tests.markets.factories import NOON
from tests.support.cluster import Cluster
from tests.support.default_connection import default_connection

pytestmark = [pytest.mark.integration, pytest.mark.real_data, pytest.mark.slow]

Panel = tuple[price_import.Report, Parameters, pd.DataFrame]


@pytest.fixture(scope="module")
def panel(real_data: Path, cluster: Cluster, template_database: str, django_db_blocker: Any) -> Iterator[Panel]:
    """A database of this module's own with the whole panel in it; the report, and the file by pandas."""
    path = real_data / "daily" / "prices.parquet"
    login = cluster.login(cluster.clone(template_database), "app")
    parameters = Parameters(path)
    with django_db_blocker.unblock(), default_connection(login):
        yield price_import.perform(parameters, at=NOON), parameters, pd.read_parquet(path)
    cluster.drop(login.database)


def ids() -> dict[str, int]:
    """Our id of each symbol of the file."""
    return dict(ExternalId.objects.values_list("external_id", "asset_id"))


def test_every_row_of_the_panel_is_stored(panel: Panel):
    report, _, _ = panel

    assert (report.rows, report.bad, report.assets, report.is_stored) == (741_457, 0, 589, True)
    assert (report.stored.inserted, report.quoted) == (741_457, 589)
    assert (DailyBar.objects.count(), Asset.objects.count()) == (741_457, 589)


def test_bitcoin_closed_at_4970_79_on_the_day_of_the_crash(panel: Panel):
    bitcoin, crash = ids()["BTC"], date(2020, 3, 12)

    frame = frames.price_frame([bitcoin], start=crash, end=date(2020, 3, 13))

    assert frame.values.round(2).tolist() == [[4970.79]]
    assert round(DailyBar.objects.get(asset=bitcoin, day=crash).close, 2) == 4970.79
    assert frame.values[0, 0] == DailyBar.objects.get(asset=bitcoin, day=crash).close


def test_frame_of_all_closes_is_the_file_as_pandas_pivots_it(panel: Panel):
    _, _, file = panel
    expected = file.assign(symbol=file["symbol"].astype(str)).pivot(index="symbol", columns="date", values="close")
    first, last = expected.columns.min(), expected.columns.max()
    expected = expected.reindex(columns=pd.date_range(first, last))
    known = ids()

    frame = frames.price_frame(
        [known[symbol] for symbol in expected.index], start=first.date(), end=last.date() + pd.Timedelta(days=1)
    )

    np.testing.assert_array_equal(frame.values, expected.to_numpy())


@pytest.mark.parametrize("field", ["volume", "market_cap"])
def test_frame_of_the_other_vectors_adds_up_to_the_file(panel: Panel, field: str):
    _, _, file = panel
    values = file[field].astype(np.float64)
    expected = values[values.notna() & ((values > 0) | (field == "volume"))]
    first, last = file["date"].min().date(), file["date"].max().date()

    frame = frames.price_frame(list(ids().values()), start=first, end=last + pd.Timedelta(days=1), vector=field)

    found = frame.values[~np.isnan(frame.values)]
    np.testing.assert_array_equal(np.sort(found), np.sort(expected.to_numpy()))


def test_rows_add_up_to_the_file(panel: Panel):
    _, _, file = panel
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT external_id, count(*), min(day), max(day), sum(close::numeric) FROM markets_dailybar"
            " JOIN markets_externalid USING (asset_id) GROUP BY 1"
        )
        found = {symbol: tuple(rest) for symbol, *rest in cursor.fetchall()}
    closes = file.assign(symbol=file["symbol"].astype(str)).groupby("symbol")
    expected = closes.agg(rows=("close", "size"), first=("date", "min"), last=("date", "max"), total=("close", "sum"))

    assert set(found) == set(expected.index)
    for symbol, rows, first, last, total in expected.itertuples():
        assert found[symbol][:3] == (rows, first.date(), last.date())
        assert float(found[symbol][3]) == pytest.approx(total, rel=1e-12)


@pytest.mark.parametrize("field", ["open", "high", "low"])
def test_prices_that_are_not_positive_are_missing_and_no_others(panel: Panel, field: str):
    _, _, file = panel
    expected = file[field][file[field] > 0]

    stored = np.fromiter(DailyBar.objects.filter(**{f"{field}__isnull": False}).values_list(field, flat=True), float)

    np.testing.assert_array_equal(np.sort(stored), np.sort(expected.to_numpy()))


def test_import_of_the_whole_panel_again_changes_nothing(panel: Panel):
    _, parameters, _ = panel
    before = Market.objects.values().get()

    again = price_import.perform(parameters, at=NOON)

    assert (again.stored.unchanged, again.stored.inserted, again.stored.updated, again.quoted) == (741_457, 0, 0, 0)
    assert Market.objects.values().get() == before


@pytest.mark.django_db
def test_first_open_of_a_coin_that_nobody_saw_is_missing_and_not_zero(real_data: Path):
    path = real_data / "daily" / "starter_36coins_2019-06_2025-06.csv.gz"

    report = price_import.perform(Parameters(path), at=NOON)

    file = pd.read_csv(path)
    assert (report.rows, report.bad, report.assets) == (len(file), 0, 36)
    assert file[file["symbol"] == "AAVE"].iloc[0][["open", "low"]].tolist() == [0.0, 0.0]
    first = DailyBar.objects.filter(asset__symbol="AAVE").earliest("day")
    assert (first.day, first.open, first.low, first.close) == (date(2020, 10, 2), None, None, 0.516571)
    assert not DailyBar.objects.filter(open=0).exists()
    assert DailyBar.objects.filter(open__isnull=False).count() == int((file["open"] > 0).sum())


@pytest.mark.django_db
def test_file_that_dates_a_close_by_the_midnight_after_it_is_shifted_to_its_day(real_data: Path):
    path = real_data / "daily" / "coingecko_2021_1150coins.parquet"

    report = price_import.perform(Parameters(path, day_shift=-1, skip_bad=True), at=NOON)

    file = pd.read_parquet(path)
    bitcoin = file[file["id"] == "bitcoin"].set_index("date")["price"]
    assert (report.rows, report.assets) == (len(file), file["id"].nunique())
    assert report.stored.inserted == len(file) - report.bad
    stored = dict(DailyBar.objects.filter(asset_id=ids()["bitcoin"]).values_list("day", "close"))
    assert stored == {(day - pd.Timedelta(days=1)).date(): price for day, price in bitcoin.items()}
