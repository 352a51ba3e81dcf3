"""Every recorded answer of our providers, exactly: nothing raises on data, and every error is told from data."""

import csv
import gzip
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from markets.providers.answers import refuse_errors
from markets.providers.coingecko import CoinGecko
from markets.providers.coinmarketcap import CoinMarketCap
from markets.providers.errors import (
    BadRequest,
    Malformed,
    NotFound,
    ProviderError,
    RateLimited,
    Unauthorized,
)
from markets.providers.normalise import microseconds

pytestmark = pytest.mark.real_data

AT = datetime(2026, 11, 1, tzinfo=UTC)
FOLDER = os.environ.get("REAL_DATA_DIR")
PROVIDERS: dict[str, Any] = {"coingecko": CoinGecko(None), "coinmarketcap": CoinMarketCap(None)}  # type: ignore[arg-type]
OTHERS = {"alternativeme", "binance", "cryptocompare"}  # not asked for quotes

# Rows of the files that are pages of listings, and bars of those that are history; all others are neither.
LISTINGS = {
    "cgruby2021__coins_list__4d7571__200.json.gz": 7248,
    "cgruby2021__coins_list__cb5b52__200.json.gz": 7281,
    "cgruby2021__coins_markets__c0ed44__200.json": 1,
    "cgruby2021__coins_markets__cc4892__200.json": 2,
    "exolinodev__coins_markets_2026_pct_in_currency__200.json": 4,
    "ganciaux__coins_markets_50__200.json": 57,
    "oas2026__dem_coins_list__200.json": 2,
    "oas2026__pro_coins_list_new__200.json": 2,
    "cmcdocs__v1_cryptocurrency_listings_latest__200.json": 2,
    "cmcdocs__v1_cryptocurrency_map__200.json": 3,
    "cmcdocs__v2_cryptocurrency_quotes_latest__200.json": 1,
    "cryptoxpress__v1_map_full__200.json.gz": 9016,
    "minicryptocap__v1_listings_latest_100__200.json": 100,
    "trustwallet__v1_listings_latest__200.json": 20,
    "xchange__currency_info__200.json": 1,
    "xchange__ticker__200.json": 1,
    "zabron__v1_listings_latest_2019__200.json": 3,
}
HISTORY = {
    "cgruby2021__coins_bitcoin_market_chart__7bb3ed__200.json": 30,
    "cgruby2021__coins_bitcoin_market_chart__c166ef__200.json": 1,
    "cgruby2021__coins_bitcoin_market_chart__fff953__200.json": 90,
    "crypto2__web_d9e713__200.json": 16,
}
DETAILS = {
    "cgruby2021__coins_bitcoin__1d8d71__200.json": "bitcoin",
    "cgruby2021__coins_ethereum_contract_0xdAC17F958D2ee523a2206206994597C13D__0dfae2__200.json": "tether",
    "oas2026__dem_coins_id__200.json": "bitcoin",
    "rotki__coins_bitcoin__a9d587__200.json": "bitcoin",
}
ERRORS: dict[str, tuple[type[ProviderError], str]] = {
    "cgruby2021__coins_bitcoin_history__e6c1ec__422.json": (BadRequest, "Missing parameter date"),
    "cgruby2021__coins_bitcoin_market_chart__36621a__422.json": (BadRequest, "Missing parameter vs_currency"),
    "cgruby2021__coins_markets__439668__422.json": (BadRequest, "Missing parameter vs_currency"),
    "cgruby2021__coins_markets__4c071c__422.json": (BadRequest, "Missing parameter vs_currency"),
    "cgruby2021__simple_price__d1e3fd__422.json": (BadRequest, "Missing parameter ids"),
    "cmcdocs__v1_cryptocurrency_listings_latest__400.json": (BadRequest, 'Invalid value for \\"id\\"'),
    "cmcdocs__v1_cryptocurrency_listings_latest__429.json": (
        RateLimited,
        "You've exceeded your API Key's HTTP request rate limit. Rate limits reset every minute.",
    ),
    "louis__v1_quotes_latest_by_id__200.js": (Malformed, "the body is not JSON"),
}


def _index() -> list[dict[str, str]]:
    if not FOLDER:
        return []
    with (Path(FOLDER) / "api" / "INDEX.csv").open(newline="") as file:
        return list(csv.DictReader(file))


INDEX = _index()


def _body(real_data: Path, name: str) -> bytes:
    path = next((real_data / "api").glob(f"*/{name}"))
    content = path.read_bytes()
    return gzip.decompress(content) if path.suffix == ".gz" else content


def test_no_recorded_answer_is_forgotten(real_data: Path) -> None:
    assert {row["provider"] for row in INDEX} == {*PROVIDERS, *OTHERS}
    names = {Path(row["file"]).name for row in INDEX}
    assert {*LISTINGS, *HISTORY, *DETAILS, *ERRORS} <= names
    for provider in PROVIDERS:
        on_disk = {path.name for path in (real_data / "api" / provider).iterdir()}
        assert on_disk == {Path(row["file"]).name for row in INDEX if row["provider"] == provider}


@pytest.mark.parametrize(
    "row", [row for row in INDEX if row["provider"] in PROVIDERS], ids=lambda row: Path(row["file"]).name
)
def test_a_recorded_answer_is_what_it_is(real_data: Path, row: dict[str, str]) -> None:
    name, provider = Path(row["file"]).name, PROVIDERS[row["provider"]]
    body = _body(real_data, name)
    refusal: ProviderError | None = None
    try:
        refuse_errors(row["provider"], int(row["status"]), body)
    except ProviderError as error:
        refusal = error

    listing = provider.parse_listings(body, AT)
    bars = provider.parse_history(body, "x", AT)

    assert (refusal and (type(refusal), refusal.detail)) == ERRORS.get(name)
    assert len(listing) == LISTINGS.get(name, 0)
    assert len(bars) == HISTORY.get(name, 0)
    if name in LISTINGS:
        assert (listing.rejects, listing.repeats) == ([], 0)
    else:
        assert listing.rejects
    if name in HISTORY:
        assert bars.rejects == []
    if name in DETAILS:
        assert provider.parse_details(body).external_id == DETAILS[name]


@pytest.mark.parametrize(
    ("name", "status", "error"),
    [
        ("cg_429.json", 429, RateLimited),
        ("cg_429.json", 200, RateLimited),
        ("cg_429.json", 403, RateLimited),
        ("cg_10002.json", 401, Unauthorized),
        ("cg_10010_toplevel.json", 400, Unauthorized),
        ("cg_10012_nested.json", 401, BadRequest),
        ("cg_10012_nested.json", 200, BadRequest),
        ("cg_401_daily_paid.json", 401, Unauthorized),
        ("cg_403_ua.json", 403, Unauthorized),
        ("cg_404.json", 404, NotFound),
        ("cg_404.json", 200, NotFound),
        ("cmc_1001.json", 401, Unauthorized),
    ],
)
def test_a_quoted_error_is_named(real_data: Path, name: str, status: int, error: type[ProviderError]) -> None:
    with pytest.raises(ProviderError) as refusal:
        refuse_errors("p", status, _body(real_data, name))

    assert type(refusal.value) is error


def test_coingecko_listing_of_2026_to_the_digit(real_data: Path) -> None:
    page = PROVIDERS["coingecko"].parse_listings(
        _body(real_data, "exolinodev__coins_markets_2026_pct_in_currency__200.json"), AT
    )

    assert page.symbol == ["ETH", "BNB", "XRP", "DOGE"]
    assert page.price.tolist() == [2525.34, 730.7, 1.37, 0.084976]
    assert page.market_cap.tolist() == [308201876780.0, 97301825220.0, 85950336628.0, 13246698502.0]
    assert page.change_1h.tolist() == [-0.1, -0.4, -0.2, -0.1]
    assert page.change_7d.tolist() == [2.9, -4.9, -3.0, -2.9]
    assert page.atl.tolist() == [0.432979, 0.0398177, 0.00268621, 8.69e-05]
    assert np.isnan(page.max_supply).tolist() == [True, False, False, True]
    assert page.as_of.tolist() == [microseconds(datetime(2026, 9, 12, 17, 56, 10, tzinfo=UTC))] * 4


def test_coins_without_a_cap_are_kept_without_one(real_data: Path) -> None:
    page = PROVIDERS["coingecko"].parse_listings(_body(real_data, "ganciaux__coins_markets_50__200.json"), AT)
    lacking = np.isnan(page.market_cap)

    assert [page.external_id[i] for i in np.flatnonzero(lacking)] == ["poken", "the-winkyverse"]
    assert page.price[lacking].tolist() == [0.04838178, 0.01815129]
    assert np.isnan(page.rank[lacking]).all()


def test_numbers_as_text_and_their_exponents_are_read(real_data: Path) -> None:
    page = PROVIDERS["coinmarketcap"].parse_listings(
        _body(real_data, "cmcdocs__v2_cryptocurrency_quotes_latest__200.json"), AT
    )

    assert (page.price[0], page.volume[0], page.market_cap[0]) == (
        6602.60701122,
        4.3144446875194e9,
        8.521646592502758e11,
    )
    assert page.categories == [("mineable",)]


def test_a_recorded_chart_dates_closes_by_the_day_that_ended(real_data: Path) -> None:
    bars = PROVIDERS["coingecko"].parse_history(
        _body(real_data, "cgruby2021__coins_bitcoin_market_chart__fff953__200.json"), "bitcoin", AT
    )

    assert (str(bars.dates[0]), bars.close[0]) == ("2021-02-14", 48607.8745224845)
    assert str(bars.dates[-1]) == "2021-05-14"


def test_recorded_hourly_candles_close_a_day_with_its_last_hour(real_data: Path) -> None:
    bars = PROVIDERS["coinmarketcap"].parse_history(_body(real_data, "crypto2__web_d9e713__200.json"), "1", AT)

    assert [str(day) for day in bars.dates[[0, -1]]] == ["2019-12-17", "2020-01-01"]
    assert np.isnan(bars.high[0])  # recorded from 07:00 on
    assert not np.isnan(bars.high[1:]).any()
