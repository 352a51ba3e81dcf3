from datetime import timedelta
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client
from django_redis import get_redis_connection
from pytest_django import DjangoAssertNumQueries

from config.kernel import clock
from config.kernel.pages import encode_cursor
from markets.actions import market
from markets.api.answers import ANSWERS
from markets.api.cryptocurrencies import ListCryptocurrencies
from markets.versions import WATCH
from tests.markets.factories import AssetFactory, CategoryFactory, QuoteFactory, SourceFactory

pytestmark = pytest.mark.django_db

LIST = "/api/v1/cryptocurrencies/"


@pytest.fixture
def three(db: None) -> None:
    """Three coins by size: BTC, ETH and one that nobody has priced."""
    now = clock.now()
    for slug, symbol, cap, change, volume in (
        ("bitcoin", "BTC", 2e12, 1.0, 5e10),
        ("ethereum", "ETH", 3e11, -2.0, 2e10),
        ("ghost", "GHO", None, None, None),
    ):
        asset = AssetFactory.create(slug=slug, symbol=symbol)
        QuoteFactory.create(
            asset=asset,
            market_cap=cap,
            change_24h=change,
            volume_24h=volume,
            price=cap and cap / 2e7,
            as_of=now,
            rank=1,
        )
    market.touch(at=now)


def symbols(body: dict[str, Any]) -> list[str]:
    return [row["symbol"] for row in body["results"]]


def test_the_largest_market_comes_first_and_a_missing_one_last(client: Client, three: None) -> None:
    body = client.get(LIST).json()

    assert symbols(body) == ["BTC", "ETH", "GHO"]
    assert (body["count"], body["next"], body["previous"]) == (3, None, None)


def test_a_row_says_where_its_numbers_come_from(client: Client, three: None) -> None:
    first = client.get(LIST, {"limit": 1}).json()["results"][0]

    assert first["provider"] == "observer"
    assert first["quality"] == "observed"
    assert first["stale"] is False
    assert first["as_of"].endswith("Z")
    assert first["missing_reason"] is None


def test_a_price_that_nobody_reported_is_null_with_a_reason(client: Client, three: None) -> None:
    ghost = client.get(LIST).json()["results"][2]

    assert (ghost["price"], ghost["missing_reason"]) == (None, "not_reported")


def test_an_asset_without_a_quote_says_so(client: Client) -> None:
    AssetFactory.create(slug="newcomer")

    row = client.get(LIST).json()["results"][0]

    assert (row["price"], row["missing_reason"], row["provider"], row["stale"]) == (None, "no_quote", None, True)


def test_simulated_prices_are_labelled(client: Client) -> None:
    SourceFactory.create(name="simulated", is_simulated=True)
    QuoteFactory.create(source__name="simulated")

    row = client.get(LIST).json()["results"][0]

    assert (row["quality"], row["provider"]) == ("simulated", "simulated")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"sort_by": "market_cap", "order": "asc"}, ["ETH", "BTC", "GHO"]),
        ({"ordering": "market_cap"}, ["ETH", "BTC", "GHO"]),
        ({"ordering": "-change_24h"}, ["BTC", "ETH", "GHO"]),
        ({"sort_by": "name"}, ["BTC", "ETH", "GHO"]),
        ({"sort_by": "symbol", "order": "desc"}, ["GHO", "ETH", "BTC"]),
        ({"symbol_filter": "t"}, ["BTC", "ETH"]),
        ({"symbols": "eth,gho"}, ["ETH", "GHO"]),
        ({"search": "COIN"}, ["BTC"]),
        ({"min_market_cap": "1e12"}, ["BTC"]),
        ({"max_market_cap": "1e12"}, ["ETH"]),
        ({"min_volume": "1", "max_volume": "3e10"}, ["ETH"]),
    ],
)
def test_filters_and_orders(client: Client, three: None, query: dict[str, str], expected: list[str]) -> None:
    assert symbols(client.get(LIST, query).json()) == expected


def test_pages_lead_forwards_and_back(client: Client, three: None) -> None:
    first = client.get(LIST, {"limit": 2})
    second = client.get(first.json()["next"])
    back = client.get(second.json()["previous"])

    assert symbols(second.json()) == ["GHO"]
    assert symbols(back.json()) == ["BTC", "ETH"]
    assert f'<{first.json()["next"]}>; rel="next"' in first["Link"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "1000000000"}, "limit"),
        ({"limit": "ten"}, "limit"),
        ({"sort_by": "colour"}, "sort_by"),
        ({"order": "sideways"}, "order"),
        ({"ordering": "market_cap", "order": "asc"}, "ordering"),
        ({"min_market_cap": "nan"}, "min_market_cap"),
        ({"min_market_cap": "1e400"}, "min_market_cap"),
        ({"min_market_cap": "-1"}, "min_market_cap"),
        ({"min_market_cap": "2", "max_market_cap": "1"}, "min_market_cap"),
        ({"min_volume": "2", "max_volume": "1"}, "min_volume"),
        ({"search": "a\x01b"}, "search"),
        ({"cursor": "nonsense"}, "cursor"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_bad_parameters_are_refused_by_name(client: Client, query: dict[str, str], field: str) -> None:
    answer = client.get(LIST, query)

    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "validation_error"
    assert list(answer.json()["error"]["details"]["fields"]) == [field]


def test_a_nul_is_refused_before_anything_reads_it(client: Client) -> None:
    answer = client.get(LIST, {"search": "a\0b"})

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request")


def test_an_unknown_parameter_is_answered_with_the_known_ones(client: Client) -> None:
    known = client.get(LIST, {"colour": "red"}).json()["error"]["details"]["known"]

    assert {"limit", "symbol_filter", "sort_by", "order", "symbols"} <= set(known)


@pytest.mark.parametrize(
    "position",
    [
        {},
        {"s": ["price", True], "v": 1.0, "i": 1, "b": False},
        {"s": ["market_cap", True], "v": "1", "i": 1, "b": False},
        {"s": ["market_cap", True], "v": True, "i": 1, "b": False},
        {"s": ["market_cap", True], "v": 1.0, "i": 2**31, "b": False},
        {"s": ["market_cap", True], "v": 1.0, "i": 1, "b": 0},
        {"s": ["market_cap", True], "v": 1.0, "i": 1, "b": False, "x": 1},
    ],
)
def test_a_cursor_of_another_list_is_refused(client: Client, position: dict[str, object]) -> None:
    answer = client.get(LIST, {"cursor": encode_cursor(position)})

    assert (answer.status_code, list(answer.json()["error"]["details"]["fields"])) == (400, ["cursor"])


def test_a_change_of_the_data_is_seen_after_its_version_moved(client: Client, three: None) -> None:
    assert symbols(client.get(LIST).json()) == ["BTC", "ETH", "GHO"]

    QuoteFactory.create(asset__symbol="NEW", market_cap=9e12)
    market.touch(at=clock.now())
    WATCH.forget()

    assert symbols(client.get(LIST).json())[0] == "NEW"


def test_the_same_question_is_answered_without_the_database(
    client: Client, three: None, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    first = client.get(LIST)

    with django_assert_num_queries(0):
        second = client.get(LIST)

    assert second.content == first.content


def test_without_the_board_the_bytes_are_the_same(client: Client, three: None, settings: Any) -> None:
    with_board = client.get(LIST, {"limit": 2}).content
    ANSWERS.clear()
    get_redis_connection("default").flushdb()
    settings.MARKET_SNAPSHOT = False

    assert client.get(LIST, {"limit": 2}).content == with_board


def test_a_client_that_holds_the_answer_gets_304_free_of_charge(client: Client, three: None) -> None:
    first = client.get(LIST)
    second = client.get(LIST, headers={"If-None-Match": first["ETag"]})

    assert (second.status_code, second.content) == (304, b"")
    assert second["X-RateLimit-Remaining"] == first["X-RateLimit-Remaining"]


def test_anonymous_answers_may_be_shared_for_a_minute(client: Client, three: None) -> None:
    assert client.get(LIST)["Cache-Control"] == "public, max-age=60"


def test_market_data_can_be_closed(client: Client, three: None, settings: Any) -> None:
    settings.PUBLIC_MARKET_DATA = False

    assert client.get(LIST).status_code == 401


def test_an_answer_does_not_outlive_the_freshness_of_its_rows(client: Client) -> None:
    QuoteFactory.create(as_of=clock.now() - timedelta(minutes=10) + timedelta(milliseconds=300), rank=1)
    view = ListCryptocurrencies()
    now = clock.now()
    answer = view.answer(view.parameters.read(QueryDict("")), version=1, at=now)

    assert answer.expires_at - now < timedelta(milliseconds=301)


@pytest.mark.parametrize("name", ["BTC", "btc", "bitcoin", "BITCOIN"])
def test_an_asset_is_found_by_symbol_or_slug_in_any_case(client: Client, three: None, name: str) -> None:
    body = client.get(f"{LIST}{name}").json()

    assert body["slug"] == "bitcoin"
    assert body["match"]["ambiguous"] is False
    assert body["age_seconds"] >= 0


def test_of_several_assets_with_a_symbol_the_largest_is_shown_and_the_others_named(client: Client, three: None) -> None:
    QuoteFactory.create(asset__slug="batcat", asset__symbol="BTC", market_cap=5.0)

    body = client.get(f"{LIST}BTC").json()

    assert body["slug"] == "bitcoin"
    assert body["match"]["ambiguous"] is True
    assert [candidate["slug"] for candidate in body["match"]["candidates"]] == ["bitcoin", "batcat"]


def test_strict_refuses_to_choose(client: Client, three: None) -> None:
    QuoteFactory.create(asset__slug="batcat", asset__symbol="BTC", market_cap=5.0)

    answer = client.get(f"{LIST}BTC", {"strict": "true"})

    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "ambiguous_symbol")
    assert len(answer.json()["error"]["details"]["candidates"]) == 2


def test_a_slug_that_is_anothers_symbol_can_be_asked_for(client: Client, three: None) -> None:
    QuoteFactory.create(asset__slug="btc", asset__symbol="FAKE", market_cap=5.0)

    assert client.get(f"{LIST}btc").json()["slug"] == "bitcoin"
    assert client.get(f"{LIST}btc", {"by": "slug"}).json()["slug"] == "btc"
    assert client.get(f"{LIST}btc", {"by": "symbol"}).json()["slug"] == "bitcoin"


@pytest.mark.parametrize("name", ["nothing", "$", "x" * 300, "中本"])
def test_an_unknown_asset_is_not_found(client: Client, three: None, name: str) -> None:
    answer = client.get(f"{LIST}{name}")

    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


def test_a_detail_is_not_sent_twice(client: Client, three: None) -> None:
    first = client.get(f"{LIST}BTC")
    second = client.get(f"{LIST}BTC", headers={"If-None-Match": first["ETag"]})

    assert second.status_code == 304


@pytest.mark.parametrize(
    ("category", "expected"),
    [
        ("market_cap", ["BTC", "ETH", "GHO"]),
        ("volume", ["BTC", "ETH", "GHO"]),
        ("gainers", ["BTC", "ETH"]),
        ("losers", ["ETH", "BTC"]),
    ],
)
def test_rankings(client: Client, three: None, category: str, expected: list[str]) -> None:
    assert symbols(client.get(f"{LIST}top/{category}").json()) == expected


def test_thin_markets_do_not_win_unless_asked_for(client: Client, three: None) -> None:
    QuoteFactory.create(asset__symbol="THIN", change_24h=9_000.0, volume_24h=12.0)

    assert symbols(client.get(f"{LIST}top/gainers").json())[0] == "BTC"
    assert symbols(client.get(f"{LIST}top/gainers", {"min_volume": 0}).json())[0] == "THIN"


def test_a_category_of_the_providers_is_a_ranking_too(client: Client, three: None) -> None:
    asset = AssetFactory.create(slug="solana", symbol="SOL")
    asset.categories.add(CategoryFactory.create(slug="layer-1"))

    assert symbols(client.get(f"{LIST}top/layer-1").json()) == ["SOL"]


def test_an_unknown_category_is_answered_with_the_known_ones(client: Client) -> None:
    AssetFactory.create().categories.add(CategoryFactory.create(slug="layer-1"))

    answer = client.get(f"{LIST}top/nonsense")

    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "unknown_category")
    assert answer.json()["error"]["details"]["categories"] == [
        "market_cap",
        "volume",
        "gainers",
        "losers",
        "risk",
        "layer-1",
    ]


def test_the_real_quota_is_sixty_a_minute(client: Client, three: None) -> None:
    answers = [client.get(LIST).status_code for _ in range(61)]

    assert answers == [200] * 60 + [429]


def test_match_says_by_what_it_was_asked_to_look(client: Client) -> None:
    AssetFactory.create(slug="foo", symbol="FOO")

    assert client.get(f"{LIST}foo", {"by": "slug"}).json()["match"]["by"] == "slug"
    assert client.get(f"{LIST}foo", {"by": "symbol"}).json()["match"]["by"] == "symbol"
    assert client.get(f"{LIST}foo").json()["match"]["by"] == "symbol"


def test_pages_lead_on_behind_the_longest_name(client: Client) -> None:
    for name in ("\N{GRINNING FACE}" * 200, "\N{GREEK SMALL LETTER IOTA WITH DIALYTIKA AND TONOS}" * 200):
        AssetFactory.create(name=name)

    first = client.get(LIST, {"sort_by": "name", "limit": "1"}).json()
    second = client.get(first["next"]).json()

    assert (len(first["results"]), len(second["results"])) == (1, 1)
    assert client.get(second["previous"]).json()["results"] == first["results"]


@pytest.fixture
def without_board(settings: Any) -> None:
    """Every answer comes from the database."""
    settings.MARKET_SNAPSHOT = False


@pytest.mark.usefixtures("without_board")
def test_without_the_board_assets_are_found_as_well(client: Client, three: None) -> None:
    QuoteFactory.create(asset__slug="btc", asset__symbol="FAKE", market_cap=5.0)

    body = client.get(f"{LIST}btc").json()

    assert [candidate["slug"] for candidate in body["match"]["candidates"]] == ["bitcoin", "btc"]
    assert client.get(f"{LIST}nothing").status_code == 404


@pytest.mark.usefixtures("without_board")
def test_without_the_board_categories_are_known_as_well(client: Client, three: None) -> None:
    AssetFactory.create(symbol="SOL").categories.add(CategoryFactory.create(slug="layer-1"))
    AssetFactory.create(is_active=False).categories.add(CategoryFactory.create(slug="gone"))

    assert symbols(client.get(f"{LIST}top/layer-1").json()) == ["SOL"]
    assert client.get(f"{LIST}top/gone").json()["error"]["details"]["categories"][-1] == "layer-1"


@pytest.mark.usefixtures("without_board")
@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("sort_by", ["market_cap", "name"])
def test_without_the_board_pages_lead_forwards_and_back(client: Client, three: None, sort_by: str, order: str) -> None:
    query: dict[str, str] = {"limit": "1", "sort_by": sort_by, "order": order}
    pages = [client.get(LIST, query).json()]
    while pages[-1]["next"]:
        pages.append(client.get(pages[-1]["next"]).json())
    back = client.get(client.get(pages[-1]["previous"]).json()["previous"]).json()

    assert len({symbols(page)[0] for page in pages}) == 3
    assert symbols(back) == symbols(pages[0])
