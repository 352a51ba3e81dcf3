import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from markets.providers.breaker import Breaker
from markets.providers.budget import Budget, Quota
from markets.providers.client import Client
from markets.providers.coingecko import CoinGecko
from markets.providers.errors import BadRequest, Malformed
from markets.providers.listings import MISSING_INSTANT, Listings
from markets.providers.normalise import microseconds
from markets.providers.store import MemoryStore

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Server:
    """Stands in for the provider: answers each request by `reply`, and keeps what was asked."""

    def __init__(self, reply: Callable[[httpx.Request], Any]) -> None:
        self.asked: list[httpx.URL] = []
        self._reply = reply

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url)
        return httpx.Response(200, json=self._reply(request))

    def gecko(self, *, free_plan: bool = True) -> CoinGecko:
        store = MemoryStore()
        budget, breaker = Budget("coingecko", [Quota(3000, 60)], store), Breaker("coingecko", store)
        url = "https://gecko.example/api/v3"
        client = Client("coingecko", url, budget=budget, breaker=breaker, transport=httpx.MockTransport(self))
        return CoinGecko(client, free_plan=free_plan)


@pytest.fixture
def gecko() -> CoinGecko:
    return Server(lambda _: []).gecko()


def _body(*rows: object) -> bytes:
    return json.dumps(rows).encode()


def test_a_row_becomes_a_row_of_columns(gecko, gecko_coin) -> None:
    page = gecko.parse_listings(_body(gecko_coin(price_change_percentage_7d_in_currency=3)), AT)

    assert page.row(0) == (
        "bitcoin", "BTC", "Bitcoin", "bitcoin", "https://coins.example/1.png", (),
        50_000.5, 1_000_010_000_000.0, 30_000_000_000.0, 1.0, None, -1.5, 3.0, 51_000.0, 49_000.25, 69_000.0, 67.81,
        20_000_000.0, 20_000_000.0, None,
        microseconds(datetime(2026, 3, 1, 11, 59, 30, 123_000, tzinfo=UTC)),
        microseconds(datetime(2021, 11, 10, 14, 24, 11, 849_000, tzinfo=UTC)),
        microseconds(datetime(2013, 7, 6, tzinfo=UTC)),
    )  # fmt: skip
    assert (len(page), page.rejects, page.repeats) == (1, [], 0)


def test_the_change_in_the_asked_currency_goes_before_the_general_one(gecko, gecko_coin) -> None:
    page = gecko.parse_listings(_body(gecko_coin(price_change_percentage_24h_in_currency=-2.5)), AT)

    assert page.change_24h.tolist() == [-2.5]


def test_a_row_without_numbers_is_kept_with_everything_missing(gecko) -> None:
    page = gecko.parse_listings(_body({"id": "zoc", "symbol": "zoc", "name": "01coin"}), AT)

    assert page.external_id == ["zoc"]
    assert page.price_missing.tolist() == [True]
    assert np.isnan(page.market_cap).all()
    assert page.as_of.tolist() == [MISSING_INSTANT]


def test_a_single_row_is_a_page_of_one(gecko, gecko_coin) -> None:
    assert gecko.parse_listings(json.dumps(gecko_coin()).encode(), AT).external_id == ["bitcoin"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"current_price": "50000"}, "bad_type"),
        ({"current_price": True}, "bad_type"),
        ({"name": 7}, "bad_type"),
        ({"last_updated": 1_700_000_000}, "bad_type"),
        ({"last_updated": "yesterday"}, "bad_type"),
        ({"id": " bitcoin"}, "bad_type"),
        ({"id": "bit\x00coin"}, "bad_type"),
        ({"name": None}, "missing_field"),
        ({"symbol": "  "}, "missing_field"),
        ({"name": "\x00"}, "missing_field"),
        ({"name": "x" * 201}, "text_too_long"),
        ({"symbol": "x" * 51}, "text_too_long"),
        ({"current_price": 0}, "zero_price"),
        ({"current_price": -1}, "negative"),
        ({"market_cap": -1}, "negative"),
        ({"total_volume": -0.1}, "negative"),
        ({"circulating_supply": -5}, "negative"),
        ({"current_price": 50_000_500}, "price_cap_mismatch"),
        ({"market_cap": 1}, "price_cap_mismatch"),
        ({"last_updated": "2026-03-01T12:05:01Z"}, "future_timestamp"),
        ({"last_updated": "1970-01-01T00:00:00Z"}, "ancient_timestamp"),
    ],
)
def test_a_row_that_cannot_be_right_is_refused_and_its_neighbours_are_kept(
    gecko, gecko_coin, changes: dict[str, Any], reason: str
) -> None:
    bad = gecko_coin("bad", **changes)
    page = gecko.parse_listings(_body(gecko_coin("before"), bad, gecko_coin("after")), AT)

    assert page.external_id == ["before", "after"]
    assert [reject.reason for reject in page.rejects] == [reason]
    assert json.loads(page.rejects[0].raw) == bad


@pytest.mark.parametrize("literal", ["NaN", "Infinity", "-Infinity", "1e400", "-1e400"])
def test_a_number_that_is_none_costs_its_row_alone(gecko, gecko_coin, literal: str) -> None:
    rows = _body(
        gecko_coin("before"), gecko_coin("bad", current_price="@", name='a "NaN" \\ Infinity'), gecko_coin("after")
    )
    body = rows.replace(b'"@"', literal.encode())

    page = gecko.parse_listings(body, AT)

    assert page.external_id == ["before", "after"]
    assert [(reject.external_id, reject.reason) for reject in page.rejects] == [("bad", "not_finite")]
    assert f'"current_price": {literal},' in page.rejects[0].raw


def test_each_refused_row_is_given_its_own_text(gecko, gecko_coin) -> None:
    rows = _body(gecko_coin("a", current_price="N"), gecko_coin("a", current_price="@"))

    rejects = gecko.parse_listings(rows.replace(b'"@"', b"NaN"), AT).rejects

    assert [reject.reason for reject in rejects] == ["bad_type", "not_finite"]
    assert ['"current_price": "N"' in reject.raw for reject in rejects] == [True, False]


def test_words_like_nan_in_names_are_names(gecko, gecko_coin) -> None:
    body = _body(gecko_coin("a", name="NaN of Infinity"), gecko_coin("b", current_price="@")).replace(b'"@"', b"NaN")

    assert gecko.parse_listings(body, AT).name == ["NaN of Infinity"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "malformed_json"),
        (b'[{"id": "bitcoin", "symbol": "b', "malformed_json"),
        (b"[" * 10_000 + b"]" * 10_000, "malformed_json"),
        (b'[{"id":"a","x":' + b"[" * 10_000 + b"]" * 10_000 + b"}]", "malformed_json"),
        (b'{"error":"coin not found"}', "not_a_list"),
        (b'"bitcoin"', "not_a_list"),
        (b"[1] trailing", "malformed_json"),
        (b"\xff\xfe\x00", "malformed_json"),
    ],
)
def test_a_page_that_cannot_be_split_is_one_reject(gecko, body: bytes, reason: str) -> None:
    page = gecko.parse_listings(body, AT)

    assert (len(page), page.rows_in) == (0, 1)
    assert [reject.reason for reject in page.rejects] == [reason]


def test_rows_of_bytes_that_are_no_text_are_refused_alone(gecko, gecko_coin) -> None:
    body = _body(gecko_coin("a"), gecko_coin("b", name="@@")).replace(b"@@", b"\xff\xfe")

    page = gecko.parse_listings(body, AT)

    assert page.external_id == ["a"]
    assert [reject.reason for reject in page.rejects] == ["malformed_json"]


def test_the_raw_text_of_a_refused_row_is_cut_to_four_kilobytes(gecko, gecko_coin) -> None:
    page = gecko.parse_listings(_body(gecko_coin(current_price=0, roi="y" * 9000)), AT)

    assert len(page.rejects[0].raw) == 4096


def test_the_raw_text_of_a_refused_page_holds_nothing_that_a_database_refuses(gecko) -> None:
    page = gecko.parse_listings(b'[{"id": "\x00\xff', AT)

    assert page.rejects[0].raw == '[{"id": "\ufffd\ufffd'


def test_zero_means_unknown_for_caps_supplies_and_extremes(gecko, gecko_coin) -> None:
    zeros = dict.fromkeys(
        ("market_cap", "market_cap_rank", "circulating_supply", "total_supply", "high_24h", "low_24h", "ath", "atl"), 0
    )
    page = gecko.parse_listings(_body(gecko_coin(**zeros, total_volume=0)), AT)

    assert page.row(0)[6:20] == (
        50_000.5, None, 0.0, None, None, -1.5, None, None, None, None, None, None, None, None,
    )  # fmt: skip


def test_extremes_of_an_impossible_date_lose_the_date_only(gecko, gecko_coin) -> None:
    page = gecko.parse_listings(
        _body(gecko_coin(ath_date="1970-01-01T00:00:00.000Z", atl_date="2999-01-01T00:00:00Z")), AT
    )

    assert (page.ath_at[0], page.atl_at[0]) == (MISSING_INSTANT, MISSING_INSTANT)
    assert page.ath.tolist() == [69_000.0]


def test_names_are_composed_and_stripped_of_what_does_not_show(gecko, gecko_coin) -> None:
    page = gecko.parse_listings(
        _body(gecko_coin(name=" Cafe\u0301\u200b \x07Coin\u202e ", image="javascript:alert(1)")), AT
    )

    assert page.name == ["Caf\u00e9 Coin"]
    assert page.image == [""]


def test_of_two_rows_with_one_id_the_first_stays_and_only_a_different_one_is_refused(gecko, gecko_coin) -> None:
    page = gecko.parse_listings(
        _body(gecko_coin("a"), gecko_coin("b"), gecko_coin("a"), gecko_coin("a", current_price=49_000)), AT
    )

    assert page.external_id == ["a", "b"]
    assert page.price.tolist() == [50_000.5, 50_000.5]
    assert page.repeats == 1
    assert [(reject.external_id, reject.reason) for reject in page.rejects] == [("a", "duplicate")]
    assert json.loads(page.rejects[0].raw)["current_price"] == 49_000


def test_a_good_row_may_follow_a_refused_one_of_its_id(gecko, gecko_coin) -> None:
    page = gecko.parse_listings(_body(gecko_coin("a", current_price=-1), gecko_coin("a")), AT)

    assert page.price.tolist() == [50_000.5]
    assert [reject.reason for reject in page.rejects] == ["negative"]


_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.floats(),
    st.text(max_size=20),
    st.just("2026-03-01T11:59:30Z"),
    st.lists(st.integers(), max_size=2),
)


@given(data=st.data(), rows=st.integers(0, 6))
def test_whatever_the_rows_hold_their_counts_add_up_and_what_is_kept_is_sane(data, rows: int) -> None:
    gecko = CoinGecko(None)  # type: ignore[arg-type]  # parsing needs no client
    template = {
        "id": "a", "symbol": "a", "name": "A", "current_price": 1.0, "market_cap": 100.0, "total_volume": 1.0,
        "circulating_supply": 100.0, "last_updated": "2026-03-01T11:00:00Z", "ath_date": None,
    }  # fmt: skip
    page = []
    for _ in range(rows):
        row = {**template, "id": f"coin-{data.draw(st.integers(0, 3))}"}
        changed = data.draw(st.dictionaries(st.sampled_from([*template, "extra"]), _VALUES, max_size=3))
        page.append(changed if data.draw(st.integers(0, 9)) == 0 else {**row, **changed})
    body = json.dumps(page).encode()

    parsed = gecko.parse_listings(body, AT)

    assert parsed.rows_in == rows
    assert len(set(parsed.external_id)) == len(parsed)
    assert np.all((parsed.price > 0) | np.isnan(parsed.price))
    assert not np.isinf(parsed.price).any()
    assert np.all((parsed.market_cap > 0) | np.isnan(parsed.market_cap))
    assert np.all((parsed.volume >= 0) | np.isnan(parsed.volume))
    assert all("\x00" not in text for text in [*parsed.name, *parsed.symbol, *(r.raw for r in parsed.rejects)])
    assert gecko.parse_listings(body, AT).rejects == parsed.rejects


def test_pages_that_come_late_twice_or_in_another_order_say_the_same(gecko, gecko_coin) -> None:
    older, newer = "2026-03-01T11:00:00Z", "2026-03-01T11:30:00Z"
    first = gecko.parse_listings(_body(gecko_coin("a"), gecko_coin("moved", last_updated=older)), AT)
    second = gecko.parse_listings(
        _body(gecko_coin("moved", last_updated=newer, current_price=50_001), gecko_coin("c")), AT
    )
    tied = gecko.parse_listings(_body(gecko_coin("c", current_price=50_002)), AT)

    def told(pages: list[Listings]) -> list[tuple[object, ...]]:
        joined = Listings.concat(pages)
        return sorted(joined.row(i) for i in range(len(joined)))

    expected = told([first, second, tied])
    assert [row[0] for row in expected] == ["a", "c", "moved"]
    assert expected[2][6] == 50_001.0
    assert told([tied, second, first]) == expected
    assert told([second, first, second, tied, first]) == expected
    replayed = Listings.concat([first, first])
    assert (len(replayed), replayed.repeats, replayed.rejects) == (2, 2, [])


def test_listings_are_asked_for_in_pages_of_one_size_and_cut_to_the_limit(gecko_coin) -> None:
    def page(request: httpx.Request) -> list[dict[str, Any]]:
        number, size = int(request.url.params["page"]), int(request.url.params["per_page"])
        return [gecko_coin(f"coin-{number}-{place}") for place in range(size)]

    server = Server(page)

    pages = list(server.gecko().listings(300, AT))

    assert [len(listing) for _, listing in pages] == [250, 50]
    assert [(url.params["page"], url.params["per_page"]) for url in server.asked] == [("1", "250"), ("2", "250")]
    assert server.asked[0].params["price_change_percentage"] == "1h,24h,7d"
    answer = pages[0][0]
    assert (answer.provider, answer.status, answer.content_type) == ("coingecko", 200, "application/json")
    assert answer.endpoint.startswith("/api/v3/coins/markets?vs_currency=usd")
    assert [row["id"] for row in json.loads(answer.body)][:2] == ["coin-1-0", "coin-1-1"]


def test_a_small_limit_asks_for_a_small_page(gecko_coin) -> None:
    server = Server(lambda _: [gecko_coin()])

    assert [len(listing) for _, listing in server.gecko().listings(50, AT)] == [1]
    assert [url.params["per_page"] for url in server.asked] == ["50"]


def test_a_short_page_is_the_last_and_an_unreadable_one_is_not(gecko_coin) -> None:
    replies = iter([{"id": 5}, [gecko_coin()]])
    server = Server(lambda _: next(replies))

    pages = list(server.gecko().listings(1000, AT))

    assert [(len(listing), len(listing.rejects)) for _, listing in pages] == [(0, 1), (1, 0)]


def _chart(*points: tuple[datetime, Any]) -> dict[str, Any]:
    moments = [(moment.timestamp() * 1000, value) for moment, value in points]
    return {
        "prices": moments,
        "market_caps": [(moment, 100) for moment, _ in moments],
        "total_volumes": [(moment, 7) for moment, _ in moments],
    }


def _day(number: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2026, 2, number, hour, minute, tzinfo=UTC)


def test_a_daily_point_closes_the_day_before_and_the_last_point_is_now(gecko) -> None:
    body = json.dumps(_chart((_day(2), 10), (_day(3), 11), (_day(3, 9, 30), 12))).encode()

    bars = gecko.parse_history(body, "bitcoin", AT)

    assert [str(day) for day in bars.dates] == ["2026-02-01", "2026-02-02"]
    assert bars.close.tolist() == [10.0, 11.0]
    assert bars.market_cap.tolist() == [100.0, 100.0]
    assert bars.volume.tolist() == [7.0, 7.0]
    assert np.isnan([bars.open, bars.high, bars.low]).all()
    assert (bars.keys, bars.sources, bars.rows_in) == (["bitcoin"], ["coingecko"], 3)


def test_hourly_points_close_the_day_with_its_last_one_in_any_order(gecko) -> None:
    chart = _chart((_day(3, 1), 14), (_day(2, 23, 55), 13), (_day(2, 1), 12), (_day(1, 23, 59), 11))
    bars = gecko.parse_history(json.dumps(chart).encode(), "bitcoin", AT)

    assert [str(day) for day in bars.dates] == ["2026-02-01", "2026-02-02"]
    assert bars.close.tolist() == [11.0, 13.0]


def test_points_that_cannot_be_right_are_refused_one_by_one(gecko) -> None:
    chart = _chart((_day(2), 0), (_day(3), -1), (_day(4), 12), (_day(5), None), (AT + timedelta(days=9), 1))
    chart["prices"] += [["x", 1], [0, 5]]
    body = json.dumps(chart).encode().replace(b", null]", b", NaN]")

    bars = gecko.parse_history(body, "bitcoin", AT)

    assert bars.close.tolist() == [12.0]
    assert sorted(reject.reason for reject in bars.rejects) == [
        "ancient_timestamp", "bad_type", "bad_type", "future_timestamp", "negative", "zero_price",
    ]  # fmt: skip
    assert bars.rows_in == 7


def test_an_infinite_or_missing_price_is_no_close(gecko) -> None:
    body = (
        b'{"prices":[[1769990400000,1e999],[1770076800000,null],[1770163200000,5]],"market_caps":[[1770163200000,0]]}'
    )
    bars = gecko.parse_history(body, "bitcoin", AT)

    assert bars.close.tolist() == [5.0]
    assert np.isnan(bars.market_cap).all()
    assert np.isnan(bars.volume).all()


@pytest.mark.parametrize(("body", "reason"), [(b"{", "malformed_json"), (b'{"x":1}', "bad_type"), (b"[]", "bad_type")])
def test_an_answer_without_a_chart_is_one_reject(gecko, body: bytes, reason: str) -> None:
    bars = gecko.parse_history(body, "bitcoin", AT)

    assert (len(bars), [reject.reason for reject in bars.rejects]) == (0, [reason])


@pytest.mark.parametrize("body", [b'{"prices":[]}', b'{"prices":[[1770163200000,null]]}'])
def test_a_chart_without_prices_has_no_bars(gecko, body: bytes) -> None:
    assert len(gecko.parse_history(body, "bitcoin", AT)) == 0


def test_history_asks_for_the_midnight_after_the_last_day_and_keeps_to_the_days_asked_for() -> None:
    server = Server(lambda _: _chart(*((_day(number), number) for number in range(1, 12))))

    answer, bars = server.gecko().daily_history("bit/coin", date(2026, 2, 3), date(2026, 2, 5), AT)

    assert bars.close.tolist() == [4.0, 5.0]
    assert [str(day) for day in bars.dates] == ["2026-02-03", "2026-02-04"]
    assert answer is not None
    assert server.asked[0].raw_path.startswith(b"/api/v3/coins/bit%2Fcoin/market_chart/range?")
    assert server.asked[0].params["from"] == str(int(_day(3).timestamp()))
    assert server.asked[0].params["to"] == str(int(_day(5, 1).timestamp()))


def test_a_free_plan_asks_for_a_year_at_most_and_not_at_all_beyond() -> None:
    server = Server(lambda _: {"prices": []})

    server.gecko().daily_history("bitcoin", date(2020, 1, 1), date(2026, 2, 5), AT)
    nothing = server.gecko().daily_history("bitcoin", date(2020, 1, 1), date(2021, 1, 1), AT)
    server.gecko(free_plan=False).daily_history("bitcoin", date(2020, 1, 1), date(2026, 2, 5), AT)

    assert [url.params["from"] for url in server.asked] == [
        str(int(datetime(2025, 3, 2, tzinfo=UTC).timestamp())),
        str(int(datetime(2020, 1, 1, tzinfo=UTC).timestamp())),
    ]
    assert (nothing[0], len(nothing[1])) == (None, 0)


@pytest.mark.parametrize("external_id", ["", ".", ".."])
def test_an_id_that_would_change_the_path_is_not_sent(external_id: str) -> None:
    server = Server(lambda _: {})

    with pytest.raises(BadRequest):
        server.gecko().details(external_id)

    assert server.asked == []


def test_details_are_read_as_far_as_they_are_there() -> None:
    server = Server(
        lambda _: {
            "id": "bitcoin", "symbol": "btc", "name": "Bitcoin", "categories": ["Layer 1 (L1)", None],
            "description": {"en": "First."}, "links": {"homepage": ["", "https://bitcoin.example"]},
            "image": {"large": "https://coins.example/l.png"},
        }
    )  # fmt: skip

    _, details = server.gecko().details("bitcoin")

    assert details.categories == ("Layer 1 (L1)",)
    assert (details.description, details.website, details.image) == (
        "First.", "https://bitcoin.example", "https://coins.example/l.png",
    )  # fmt: skip


def test_details_of_something_else_are_malformed(gecko) -> None:
    with pytest.raises(Malformed):
        gecko.parse_details(b'{"prices":[]}')
