"""Small files of prices in every format, and what an import may change."""

import gzip
import lzma
from collections.abc import Callable
from pathlib import Path

import pyarrow.csv
import pyarrow.parquet
from django.apps import apps
from django.db import connection

from markets.models import Asset, DailyBar, Market, PriceBlock, Quote, Source
from markets.runs import price_import
from markets.runs.price_import import Parameters
from tests.markets.factories import NOON

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
