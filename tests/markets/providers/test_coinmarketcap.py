import json
from datetime import UTC, date, datetime
from typing import Any

import httpx
import numpy as np
import pytest

from markets.providers.breaker import Breaker
from markets.providers.budget import Budget, Quota
from markets.providers.client import Client
from markets.providers.coinmarketcap import CoinMarketCap
from markets.providers.normalise import microseconds
from markets.providers.store import MemoryStore

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
OK = {"error_code": 0, "error_message": None}


def _provider(reply: Any, asked: list[httpx.URL]) -> CoinMarketCap:
    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url)
        return httpx.Response(200, json=reply(request))

    store = MemoryStore()
    client = Client(
        "coinmarketcap",
        "https://cap.example",
        budget=Budget("c", [Quota(3000, 60)], store),
        breaker=Breaker("c", store),
        transport=httpx.MockTransport(answer),
    )
    return CoinMarketCap(client)


@pytest.fixture
def parse():
    provider = _provider(lambda _: {}, [])
    return lambda data: provider.parse_listings(json.dumps({"status": OK, "data": data}).encode(), AT)


def test_a_row_becomes_a_row_of_columns(parse, market_cap_coin) -> None:
    page = parse([market_cap_coin()])

    assert page.row(0) == (
        "1", "BTC", "Bitcoin", "bitcoin", "https://s2.coinmarketcap.com/static/img/coins/64x64/1.png",
        ("mineable", "pow"),
        50_000.5, 1_000_010_000_000.0, 30_000_000_000.0, 1.0, 0.1, -1.5, 4.0, None, None, None, None,
        20_000_000.0, 20_000_000.0, 21_000_000.0,
        microseconds(datetime(2026, 3, 1, 11, 58, tzinfo=UTC)), -(2**63), -(2**63),
    )  # fmt: skip


def test_quotes_come_by_id_or_as_a_list_per_symbol(parse, market_cap_coin) -> None:
    assert parse({"1": market_cap_coin(1), "2": market_cap_coin(2)}).external_id == ["1", "2"]
    assert parse({"BTC": [market_cap_coin(1), market_cap_coin(7)], "X": []}).external_id == ["1", "7"]


def test_rows_of_the_map_have_a_rank_and_no_numbers(parse) -> None:
    page = parse([{"id": 3, "rank": 9, "name": "Terracoin", "symbol": "TRC", "slug": "terracoin", "platform": None}])

    assert (page.external_id, page.rank.tolist(), page.price_missing.tolist()) == (["3"], [9.0], [True])


def test_a_lone_row_is_a_page_of_one(market_cap_coin) -> None:
    page = _provider(None, []).parse_listings(json.dumps(market_cap_coin()).encode(), AT)

    assert page.external_id == ["1"]


def test_tags_may_be_objects(parse, market_cap_coin) -> None:
    page = parse([market_cap_coin(tags=[{"slug": "defi", "name": "DeFi"}, "pow"]), market_cap_coin(2, tags=None)])

    assert page.categories == [("defi", "pow"), ()]


@pytest.mark.parametrize("spoken", ["NaN", "nan", "inf", "-Infinity"])
def test_a_spoken_number_that_is_none_is_refused_not_missing(parse, market_cap_coin, spoken: str) -> None:
    bad = market_cap_coin(2, quote={"USD": {"price": spoken}})
    page = parse([market_cap_coin(1), bad, market_cap_coin(3, quote={"USD": {"price": None}})])

    assert page.external_id == ["1", "3"]
    assert [(reject.external_id, reject.reason) for reject in page.rejects] == [("2", "not_finite")]


def test_a_quote_in_other_currencies_alone_is_no_price(parse, market_cap_coin) -> None:
    page = parse([market_cap_coin(quote={"BTC": {"price": 1}}), market_cap_coin(2, quote=None)])

    assert page.price_missing.tolist() == [True, True]
    assert page.as_of.tolist() == [microseconds(datetime(2026, 3, 1, 11, 59, tzinfo=UTC))] * 2


def test_a_bad_row_among_good_ones_is_refused_alone(parse, market_cap_coin) -> None:
    page = parse([market_cap_coin(1), {"id": "x", "name": "N", "symbol": "S"}, {"name": "no id"}, 5])

    assert page.external_id == ["1"]
    assert [reject.reason for reject in page.rejects] == ["bad_type", "missing_field", "bad_type"]
    assert page.rejects[2].raw == "5"


def test_an_answer_without_data_is_one_reject() -> None:
    page = _provider(None, []).parse_listings(b'{"status":{"error_code":400}}', AT)

    assert [reject.reason for reject in page.rejects] == ["not_a_list"]


def test_listings_are_asked_for_in_pages_of_five_thousand(market_cap_coin) -> None:
    asked: list[httpx.URL] = []

    def page(request: httpx.Request) -> dict[str, Any]:
        start, limit = int(request.url.params["start"]), int(request.url.params["limit"])
        return {
            "status": OK,
            "data": [market_cap_coin(number) for number in range(start, start + min(limit, 5200 - start))],
        }

    pages = list(_provider(page, asked).listings(18_000, AT))

    assert [(url.params["start"], url.params["limit"]) for url in asked] == [("1", "5000"), ("5001", "5000")]
    assert [len(listing) for _, listing in pages] == [5000, 199]


def test_quotes_of_some_coins_are_asked_for_by_id(market_cap_coin) -> None:
    asked: list[httpx.URL] = []
    provider = _provider(lambda _: {"status": OK, "data": {"1": market_cap_coin()}}, asked)

    _, page = provider.quotes(["1", "1027"], AT)

    assert page.external_id == ["1"]
    assert (asked[0].path, asked[0].params["id"]) == ("/v2/cryptocurrency/quotes/latest", "1,1027")


def _candle(opens: str, closes: str, **prices: Any) -> dict[str, Any]:
    quote = {"open": 2, "high": 4, "low": 1, "close": 3, "volume": 9, "market_cap": 50, **prices}
    return {"time_open": opens, "time_close": closes, "quote": {"USD": quote}}


def _history(*candles: Any) -> bytes:
    return json.dumps({"status": OK, "data": {"id": 1, "name": "Bitcoin", "symbol": "BTC", "quotes": candles}}).encode()


def test_daily_candles_become_bars() -> None:
    body = _history(
        _candle("2026-02-02T00:00:00.000Z", "2026-02-02T23:59:59.999Z", close="3.5E0"),
        _candle("2026-02-01T00:00:00.000Z", "2026-02-01T23:59:59.999Z", open=0, market_cap=0),
        _candle("2026-02-03T00:00:00.000Z", "2026-02-03T11:59:59.999Z"),
    )
    bars = _provider(None, []).parse_history(body, "1", AT)

    assert [str(day) for day in bars.dates] == ["2026-02-01", "2026-02-02"]
    assert bars.close.tolist() == [3.0, 3.5]
    assert np.isnan(bars.open).tolist() == [True, False]
    assert np.isnan(bars.market_cap).tolist() == [True, False]
    assert (bars.high.tolist(), bars.low.tolist(), bars.volume.tolist()) == ([4.0, 4.0], [1.0, 1.0], [9.0, 9.0])
    assert (bars.keys, bars.symbols, bars.names, bars.rows_in) == (["1"], ["BTC"], ["Bitcoin"], 3)


def test_hourly_candles_of_a_whole_day_are_folded_and_a_day_begun_late_has_its_close_alone() -> None:
    def hour(day: int, number: int, **prices: Any) -> dict[str, Any]:
        moment = f"2026-02-{day:02d}T{number:02d}"
        quote = {"open": 2, "high": 4, "low": 1, "close": 3, "volume": 9, "marketCap": 50, **prices}
        return {"timeOpen": f"{moment}:00:00.000Z", "timeClose": f"{moment}:59:59.999Z", "quote": quote}

    hours = [hour(2, number) for number in range(24)]
    hours[0]["quote"]["open"], hours[7]["quote"]["high"] = 1.5, 8
    hours[9]["quote"]["low"], hours[23]["quote"]["close"] = 0.5, 2.5
    bars = _provider(None, []).parse_history(_history(*[hour(1, 23), *hours, hour(3, 0)]), "1", AT)

    assert [str(day) for day in bars.dates] == ["2026-02-01", "2026-02-02"]
    assert bars.close.tolist() == [3.0, 2.5]
    assert np.isnan(bars.high).tolist() == [True, False]
    assert (bars.open[1], bars.high[1], bars.low[1], bars.market_cap[1]) == (1.5, 8.0, 0.5, 50.0)
    assert np.isnan(bars.volume).all()
    assert bars.rows_in == 26


def test_candles_that_cannot_be_right_are_refused_one_by_one() -> None:
    day = ("2026-02-01T00:00:00Z", "2026-02-01T23:59:59Z")
    body = _history(
        _candle(*day, close=-1),
        _candle(*day, close=0),
        _candle(*day, close=None),
        _candle(*day, high=1, low=2),
        _candle(*day, volume="inf"),
        _candle("2026-02-01T00:00:00Z", "2026-01-31T00:00:00Z"),
        _candle("whenever", day[1]),
        _candle("1970-01-01T00:00:00Z", "1970-01-01T23:59:59Z"),
        _candle("2027-01-01T00:00:00Z", "2027-01-01T23:59:59Z"),
        _candle(*day, open=[]),
        _candle(*day),
    )
    bars = _provider(None, []).parse_history(body, "1", AT)

    assert bars.close.tolist() == [3.0]
    assert sorted(reject.reason for reject in bars.rejects) == sorted([
        "negative", "zero_price", "missing_field", "high_below_low", "not_finite", "bad_type", "bad_type",
        "ancient_timestamp", "future_timestamp", "bad_type",
    ])  # fmt: skip
    assert bars.rows_in == 11


@pytest.mark.parametrize(("body", "reason"), [(b"{", "malformed_json"), (b'{"data":{}}', "bad_type")])
def test_an_answer_without_candles_is_one_reject(body: bytes, reason: str) -> None:
    bars = _provider(None, []).parse_history(body, "1", AT)

    assert [reject.reason for reject in bars.rejects] == [reason]


@pytest.mark.parametrize("quotes", [[], [{"quote": {"close": -1}}], [7]])
def test_an_answer_without_good_candles_has_no_bars(quotes: list[Any]) -> None:
    assert len(_provider(None, []).parse_history(_history(*quotes), "1", AT)) == 0


def test_history_asks_for_the_days_and_keeps_to_them() -> None:
    asked: list[httpx.URL] = []
    candles = [_candle(f"2026-02-{d:02d}T00:00:00Z", f"2026-02-{d:02d}T23:59:59Z", close=d) for d in range(1, 9)]
    provider = _provider(lambda _: json.loads(_history(*candles)), asked)

    answer, bars = provider.daily_history("1", date(2026, 2, 3), date(2026, 2, 5), AT)
    nothing = provider.daily_history("1", date(2026, 2, 5), date(2026, 2, 5), AT)

    assert answer is not None
    assert [str(day) for day in bars.dates] == ["2026-02-03", "2026-02-04"]
    assert nothing[0] is None
    assert len(asked) == 1
    assert asked[0].params["time_start"] == str(int(datetime(2026, 2, 3, tzinfo=UTC).timestamp()) - 1)
