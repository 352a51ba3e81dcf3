"""What providers say about the market as a whole, in bodies of our own after their documents."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from markets.providers.alternative_me import AlternativeMe
from markets.providers.breaker import Breaker
from markets.providers.budget import Budget, Quota
from markets.providers.client import Client
from markets.providers.coingecko import CoinGecko
from markets.providers.coinmarketcap import CoinMarketCap
from markets.providers.errors import Unavailable
from markets.providers.indicators import INDICATORS, Observations, Observer
from markets.providers.registry import ProviderConfig, alternative_me, provider
from markets.providers.simulated import Simulated
from markets.providers.simulation import SimulatedMarket
from markets.providers.store import MemoryStore

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOON = 1_772_366_400  # AT in seconds since 1970


def observer(kind: Any, body: bytes = b"", asked: list[httpx.URL] | None = None) -> Any:
    """A provider that always answers with `body`."""

    def reply(request: httpx.Request) -> httpx.Response:
        if asked is not None:
            asked.append(request.url)
        headers = {"Content-Type": "application/json"}
        return httpx.Response(200, headers=headers, stream=httpx.ByteStream(body))

    client = Client(
        kind.name,
        "https://api.example/v3",
        budget=Budget(kind.name, (Quota(60, 60),), MemoryStore()),
        breaker=Breaker(kind.name, MemoryStore()),
        attempts=1,
        transport=httpx.MockTransport(reply),
    )
    return kind(client)


def gecko(**changes: Any) -> dict[str, Any]:
    return {
        "data": {
            "total_market_cap": {"btc": 3.4e7, "usd": 2.5e12},
            "total_volume": {"usd": 9.5e10},
            "market_cap_percentage": {"btc": 57.5, "eth": 9.5, "usdt": 7.0},
            "updated_at": NOON - 60,
            **changes,
        }
    }


def market_cap(**changes: Any) -> dict[str, Any]:
    return {
        "status": {"error_code": 0, "error_message": None},
        "data": {
            "btc_dominance": 57.5,
            "eth_dominance": 9.5,
            "quote": {"USD": {"total_market_cap": "2.5E12", "total_volume_24h": 9.5e10}},
            "last_updated": "2026-03-01T11:59:00.000Z",
            **changes,
        },
    }


def values(read: Observations) -> dict[str, float]:
    return {row.indicator: row.value for row in read.rows}


ALL = {"total_market_cap": 2.5e12, "total_volume": 9.5e10, "btc_dominance": 57.5, "eth_dominance": 9.5}


@pytest.mark.parametrize(
    ("kind", "body", "path"),
    [
        (CoinGecko, gecko(), "/v3/global"),
        (CoinMarketCap, market_cap(), "/v3/v1/global-metrics/quotes/latest"),
        (
            CoinMarketCap,
            market_cap(quote={"2781": {"total_market_cap": 2.5e12, "total_volume_24h": 9.5e10}}),
            "/v3/v1/global-metrics/quotes/latest",
        ),
    ],
)
def test_providers_of_prices_know_the_market_as_a_whole(kind: Any, body: dict[str, Any], path: str) -> None:
    asked: list[httpx.URL] = []
    known = observer(kind, msgspec.json.encode(body), asked)
    assert isinstance(known, Observer)

    answer, read = known.indicators(AT)

    assert (values(read), read.rejects) == (ALL, [])
    assert {row.at for row in read.rows} == {AT - timedelta(minutes=1)}
    assert (answer.provider, asked[0].path) == (kind.name, path)


@pytest.mark.parametrize(
    ("changes", "reason", "lost"),
    [
        ({"total_market_cap": {"usd": -1.0}}, "negative", ["total_market_cap"]),
        ({"total_market_cap": {"usd": 0.0}}, "out_of_range", ["total_market_cap"]),
        ({"total_market_cap": {"usd": 1e18}}, "out_of_range", ["total_market_cap"]),
        ({"total_market_cap": {"eur": 1e12}}, "missing_field", ["total_market_cap"]),
        ({"market_cap_percentage": {"btc": 101.0, "eth": 9.5}}, "out_of_range", ["btc_dominance"]),
        ({"updated_at": NOON + 301}, "future_timestamp", list(ALL)),
        ({"updated_at": 1}, "ancient_timestamp", list(ALL)),
        ({"updated_at": None}, "missing_field", list(ALL)),
        ({"updated_at": 1e300}, "missing_field", list(ALL)),
    ],
)
def test_a_number_that_cannot_be_is_refused_and_the_others_are_not(
    changes: dict[str, Any], reason: str, lost: list[str]
) -> None:
    read = observer(CoinGecko).parse_indicators(msgspec.json.encode(gecko(**changes)), AT)

    assert set(values(read)) == set(ALL) - set(lost)
    assert [(reject.external_id.split()[0], reject.reason) for reject in read.rejects] == [
        (name, reason) for name in lost
    ]


@pytest.mark.parametrize("kind", [CoinGecko, CoinMarketCap, AlternativeMe])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b"<html>",
        b'{"data":null}',
        b'{"data":7}',
        b'{"data":[7]}',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"data":{"updated_at":NaN}}',
        b'{"data":{"btc_dominance":Infinity,"updated_at":"x"}}',
    ],
)
def test_an_answer_that_makes_no_sense_is_all_rejects(kind: Any, body: bytes) -> None:
    read = observer(kind).parse_indicators(body, AT)

    assert read.rows == []
    assert read.rejects


def days(*rows: dict[str, str]) -> bytes:
    return msgspec.json.encode({"name": "Fear and Greed Index", "data": rows, "metadata": {"error": None}})


def day(value: str, timestamp: int = NOON - 43_200) -> dict[str, str]:
    return {"value": value, "value_classification": "Fear", "timestamp": str(timestamp)}


def test_fear_and_greed_comes_with_its_history_in_one_call() -> None:
    asked: list[httpx.URL] = []

    _, read = observer(AlternativeMe, days(day("47"), day("0", NOON - 129_600)), asked).indicators(AT)

    midnight = datetime(2026, 3, 1, tzinfo=UTC)
    assert [(row.at, row.value) for row in read.rows] == [(midnight, 47.0), (midnight - timedelta(days=1), 0.0)]
    assert asked[0].params["limit"] == "0"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (day("101"), "out_of_range"),
        (day("-1"), "negative"),
        (day("nan"), "not_finite"),
        (day("much"), "bad_type"),
        (day("50", NOON + 86_400), "future_timestamp"),
        ({"value": "50"}, "missing_field"),
    ],
)
def test_a_bad_day_is_refused_alone(row: dict[str, str], reason: str) -> None:
    read = observer(AlternativeMe).parse_indicators(days(row, day("30", NOON - 129_600)), AT)

    assert ([value.value for value in read.rows], [reject.reason for reject in read.rejects]) == ([30.0], [reason])


def test_of_two_values_of_one_day_the_first_stays() -> None:
    read = observer(AlternativeMe).parse_indicators(days(day("47"), day("48")), AT)

    assert ([row.value for row in read.rows], [reject.reason for reject in read.rejects]) == ([47.0], ["duplicate"])


def test_an_error_within_a_good_answer_is_an_error() -> None:
    with pytest.raises(Unavailable, match="try later"):
        observer(AlternativeMe, b'{"data":[],"metadata":{"error":"try later"}}').indicators(AT)


def test_the_simulated_market_sums_itself_up() -> None:
    market = Simulated(SimulatedMarket(1, 50, 30, AT.date()))

    _, read = market.indicators(AT)
    caps = [page.market_cap for _, page in market.listings(50, AT)]

    assert isinstance(market, Observer)
    assert values(read)["total_market_cap"] == pytest.approx(sum(cap.sum() for cap in caps))
    assert 0 < values(read)["btc_dominance"] < 100
    assert "fear_and_greed" not in values(read)
    assert market.parse_indicators(b"{}", AT).rows == []


def test_the_registry_makes_every_observer() -> None:
    assert alternative_me(ProviderConfig()).name == "alternativeme"
    assert all(isinstance(provider(name, ProviderConfig()), Observer) for name in ("coingecko", "coinmarketcap"))


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("kind", "file", "known"),
    [
        (CoinGecko, "coingecko/cgruby2021__global__c69327__200.json", {"total_market_cap": 2142953338976.9612}),
        (CoinGecko, "coingecko/oas2026__dem_global__200.json", {"btc_dominance": 57.9539332566265}),
        (CoinMarketCap, "coinmarketcap/jcryptolib__global-metrics_0__200.json", {"total_volume": 152203785139.07}),
    ],
)
def test_recorded_answers_are_read_whole(real_data: Path, kind: Any, file: str, known: dict[str, float]) -> None:
    read = observer(kind).parse_indicators((real_data / "api" / file).read_bytes(), datetime(2026, 11, 1, tzinfo=UTC))

    assert read.rejects == []
    assert len(read.rows) == 4
    assert values(read).items() >= known.items()


@pytest.mark.real_data
def test_an_example_put_together_from_fields_is_not_guessed_at(real_data: Path) -> None:
    file = real_data / "api/coinmarketcap/cmcdocs__v1_global-metrics_quotes_latest__200.json"

    read = observer(CoinMarketCap).parse_indicators(file.read_bytes(), AT)

    assert sorted(values(read)) == ["btc_dominance", "eth_dominance"]
    assert [reject.reason for reject in read.rejects] == ["missing_field"] * 2


@pytest.mark.real_data
def test_a_recorded_year_of_fear_and_greed_is_read_whole(real_data: Path) -> None:
    file = real_data / "api/alternativeme/paleaura__fng_limit366__200.json"

    read = observer(AlternativeMe).parse_indicators(file.read_bytes(), AT)

    assert (len(read.rows), read.rejects) == (365, [])
    assert (read.rows[0].value, read.rows[0].at) == (47.0, datetime(2025, 4, 22, tzinfo=UTC))


def test_every_indicator_names_its_unit_and_a_range() -> None:
    assert all(each.unit and each.lowest < each.highest for each in INDICATORS.values())
