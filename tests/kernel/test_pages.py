from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.kernel.errors import ValidationFailed
from config.kernel.pages import decode_cursor, encode_cursor, link_header, page

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
)


def test_a_page_has_the_four_keys_of_every_list():
    assert page([1], count=None) == {"count": None, "next": None, "previous": None, "results": [1]}
    assert page([1], count=7, next="n", previous="p") == {"count": 7, "next": "n", "previous": "p", "results": [1]}


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=10), SCALARS, max_size=4
    )
)
def test_a_cursor_gives_back_its_position(position):
    cursor = encode_cursor(position)

    assert decode_cursor(cursor) == position
    assert cursor.isascii()
    assert not set(cursor) & set("+/=&? ")


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda raw: raw.decode("latin-1")))
def test_no_text_does_anything_but_decode_or_complain(text):
    try:
        position = decode_cursor(text)
    except ValidationFailed:
        return
    assert isinstance(position, dict)


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "bnVsbA",
        "WzFd",
        "e30==",
        "e3 0",
        "e30\n",
        "\u0661",
        "e30" * 10_000,
        "eyJhIjoiXHUwMDAwIn0",
        "eyJhIjoxLH0",
        "4pyT",
    ],
)
def test_what_this_api_has_not_issued_is_refused(cursor):
    with pytest.raises(ValidationFailed) as refused:
        decode_cursor(cursor)

    assert refused.value.details == {"fields": {"cursor": ["This is not a cursor that this API has issued."]}}


def test_the_link_header_names_both_directions():
    assert link_header(next="https://x/2", previous="https://x/1") == {
        "Link": '<https://x/2>; rel="next", <https://x/1>; rel="prev"'
    }
    assert link_header(next="https://x/2") == {"Link": '<https://x/2>; rel="next"'}
    assert link_header() == {}


def test_a_position_may_hold_an_instant():
    assert decode_cursor(encode_cursor({"at": datetime(2024, 3, 1, tzinfo=UTC)})) == {"at": "2024-03-01T00:00:00Z"}
