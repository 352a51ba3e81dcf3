"""Rows as text: what `Listings.text` keeps, `Listings.from_text` reads again."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from markets.providers.listings import INSTANTS, MISSING_INSTANT, NUMBERS, TEXTS, Listings
from markets.providers.rejects import RAW_LIMIT

numbers = st.none() | st.floats(allow_nan=False, allow_infinity=False)
words = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
instants = st.just(MISSING_INSTANT) | st.integers(-62_000_000_000_000_000, 250_000_000_000_000_000)


def row(**columns: Any) -> Listings:
    given = dict.fromkeys(TEXTS, "") | dict.fromkeys(NUMBERS) | dict.fromkeys(INSTANTS, MISSING_INSTANT)
    given |= {"categories": ()} | columns
    values: dict[str, Any] = {name: [given[name]] for name in (*TEXTS, "categories")}
    values |= {name: np.array([given[name]], dtype=np.float64) for name in NUMBERS}
    values |= {name: np.array([given[name]], dtype=np.int64) for name in INSTANTS}
    return Listings(**values)


@given(
    st.fixed_dictionaries(
        {
            **dict.fromkeys(TEXTS, words),
            **dict.fromkeys(NUMBERS, numbers),
            **dict.fromkeys(INSTANTS, instants),
            "categories": st.lists(words, max_size=3).map(tuple),
        }
    )
)
def test_every_column_of_a_row_survives_being_text(columns: dict[str, Any]) -> None:
    kept = Listings.from_text(row(**columns).text(0).encode())

    assert kept is not None
    assert (len(kept), kept.rejects) == (1, [])
    assert kept.row(0) == row(**columns).row(0)


def test_the_right_row_of_several_is_kept() -> None:
    page = Listings.concat([row(external_id="first", price=1.0), row(external_id="second", price=2.0)])

    assert [json.loads(page.text(index))["price"] for index in (0, 1)] == [1.0, 2.0]


def test_a_long_row_is_kept_without_what_only_a_new_coin_needs() -> None:
    long = row(external_id="long", name="n" * 200, image="https://x", price=1.0, categories=("tag" * 100,) * 50)

    text = long.text(0)

    assert len(text) <= RAW_LIMIT
    kept = Listings.from_text(text.encode())
    assert kept is not None
    assert (kept.name, kept.price[0], kept.image, kept.categories) == (["n" * 200], 1.0, [""], [()])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"id":"bitcoin","symbol":"btc","name":"Bitcoin","current_price":1.0}',
        row().text(0).replace('"price":null', '"price":"1"').encode(),
        row().text(0).replace('"price":null', '"price":null,"more":1').encode(),
        row().text(0).replace('"as_of":null', '"as_of":"2026-03-12T12:00:00"').encode(),
        row().text(0).encode()[:-1],
        b"[" * 4096,
    ],
)
def test_nothing_else_is_taken_for_a_kept_row(body: bytes) -> None:
    assert Listings.from_text(body) is None
