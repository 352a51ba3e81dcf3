from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from config.kernel.errors import ValidationFailed
from config.kernel.parameters import (
    Boolean,
    Choice,
    Identifier,
    Instant,
    Integer,
    Number,
    Parameters,
    Text,
    TextList,
)

LIST = Parameters(
    limit=Integer(default=100, minimum=1, maximum=250),
    offset=Integer(minimum=0),
    sort_by=Choice(("market_cap", "volume"), default="market_cap"),
    symbols=TextList(max_items=3, max_length=5),
    min_volume=Number(minimum=0),
    change=Number(),
    search=Text(max_length=10),
    strict=Boolean(default=False),
    start=Instant(),
    id=Identifier(),
)


def read(query):
    return LIST.read(QueryDict(query))


def complaints(query):
    with pytest.raises(ValidationFailed) as refused:
        read(query)
    return refused.value.details


def test_absent_parameters_have_their_defaults():
    assert read("") == {
        "limit": 100,
        "offset": None,
        "sort_by": "market_cap",
        "symbols": None,
        "min_volume": None,
        "change": None,
        "search": None,
        "strict": False,
        "start": None,
        "id": None,
    }


def test_values_arrive_typed():
    values = read(
        "limit=250&offset=0&sort_by=volume&symbols=BTC,%20ETH,BTC&min_volume=1e9&change=-0.5&search=%20bit%20"
        "&strict=true&start=2024-03-01T12:00:00%2B02:00&id=0b5e6a5e-54ab-4f0c-8f39-0c1c5a7e8f11"
    )

    assert values == {
        "limit": 250,
        "offset": 0,
        "sort_by": "volume",
        "symbols": ("BTC", "ETH"),
        "min_volume": 1e9,
        "change": -0.5,
        "search": "bit",
        "strict": True,
        "start": datetime(2024, 3, 1, 10, tzinfo=UTC),
        "id": UUID("0b5e6a5e-54ab-4f0c-8f39-0c1c5a7e8f11"),
    }


def test_reading_leaves_the_defaults_alone():
    read("limit=5")["limit"] = 7

    assert read("")["limit"] == 100


def test_everything_wrong_is_reported_at_once():
    details = complaints("limit=0&colour=red&sort_by=name&strict=yes&start=1&start=2")

    assert details == {
        "fields": {
            "limit": ["Must be a whole number from 1 to 250."],
            "colour": ["There is no such parameter."],
            "sort_by": ["Must be one of: market_cap, volume."],
            "strict": ["Must be true or false."],
            "start": ["Must be given once."],
        },
        "known": sorted(
            ["limit", "offset", "sort_by", "symbols", "min_volume", "change", "search", "strict", "start", "id"]
        ),
    }


def test_known_names_are_listed_only_when_one_was_unknown():
    assert complaints("limit=x") == {"fields": {"limit": ["Must be a whole number from 1 to 250."]}}


@pytest.mark.parametrize(
    "text",
    [
        "0",
        "251",
        "1000000000",
        "1e3",
        "+5",
        "%205",
        "5%20",
        "5%0A",
        "1_0",
        "0x5",
        "5.0",
        "",
        "-1",
        "%EF%BC%91",
        "%D9%A1",
        "9" * 5_000,
    ],
)
def test_what_is_no_whole_number_in_range_is_refused(text):
    assert complaints(f"limit={text}")["fields"] == {"limit": ["Must be a whole number from 1 to 250."]}


@pytest.mark.parametrize(
    "text",
    ["nan", "NaN", "inf", "-inf", "Infinity", "1e400", "-1", "+1", "1,5", "%201", "1e", ".", "", "0x1p3", "%D9%A1"],
)
def test_what_is_no_number_in_range_is_refused(text):
    assert complaints(f"min_volume={text}")["fields"] == {"min_volume": ["Must be a number, at least 0."]}


@pytest.mark.parametrize(
    "text",
    [
        "yesterday",
        "2024-13-01",
        "2024-02-30",
        "20240301",
        "2024-W09-5",
        "2024-03-01T25:00:00Z",
        "2024-03-01T12:00:00+02:00",  # + is a space in a query
        "1709294400",
        "0001-01-01T00:00:00%2B23:59",
        "2024-03-01T12:00:00%2B99:00",
        "2024-03-01%0A",
        "%D9%A2024-03-01",
        "",
    ],
)
def test_what_is_no_instant_is_refused(text):
    assert list(complaints(f"start={text}")["fields"]) == ["start"]


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2024-03-01", datetime(2024, 3, 1, tzinfo=UTC)),
        ("2024-03-01T12:30Z", datetime(2024, 3, 1, 12, 30, tzinfo=UTC)),
        ("2024-03-01T12:30:15.25Z", datetime(2024, 3, 1, 12, 30, 15, 250_000, tzinfo=UTC)),
        ("2024-03-01T12:30:15", datetime(2024, 3, 1, 12, 30, 15, tzinfo=UTC)),
        ("2024-03-01T00:30:00-01:00", datetime(2024, 3, 1, 1, 30, tzinfo=UTC)),
    ],
)
def test_instants_are_utc(text, instant):
    value = read(f"start={text}")["start"]

    assert value == instant
    assert value.utcoffset() == timedelta(0)


@pytest.mark.parametrize("text", ["a,b,c,d", "", ",", "a,,b", "toolong", "a%00b", "," * 1_000_000])
def test_what_is_no_short_list_is_refused(text):
    assert list(complaints(f"symbols={text}")["fields"]) == ["symbols"]


@pytest.mark.parametrize("text", ["", "%20", "x" * 11, "a%00b", "a%0Ab", "a%7Fb"])
def test_what_is_no_line_of_text_is_refused(text):
    assert list(complaints(f"search={text}")["fields"]) == ["search"]


@pytest.mark.parametrize(
    "text", ["", "1", "0b5e6a5e54ab4f0c8f390c1c5a7e8f11", "urn:uuid:0b5e6a5e-54ab-4f0c-8f39-0c1c5a7e8f11"]
)
def test_what_is_no_uuid_is_refused(text):
    assert complaints(f"id={text}")["fields"] == {"id": ["Must be a UUID."]}


def test_a_required_parameter_must_be_there():
    required = Parameters(start=Instant(required=True))

    with pytest.raises(ValidationFailed) as refused:
        required.read(QueryDict(""))

    assert refused.value.details == {"fields": {"start": ["Is required."]}}


def test_extended_parameters_know_both():
    more = LIST.extended(page=Integer(default=1), limit=Integer(default=5))

    assert more.read(QueryDict("page=2"))["page"] == 2
    assert more.read(QueryDict(""))["limit"] == 5
    assert "page" in complaints("page=2")["fields"]


def test_the_documentation_says_what_the_reader_does():
    documented = {parameter.name: parameter for parameter in LIST.openapi()}

    assert documented["limit"].type == {"type": "integer", "minimum": 1, "maximum": 250, "default": 100}
    assert documented["offset"].type == {"type": "integer", "minimum": 0}
    assert documented["sort_by"].type == {"type": "string", "enum": ["market_cap", "volume"], "default": "market_cap"}
    assert documented["symbols"].type == {
        "type": "array",
        "items": {"type": "string", "minLength": 1, "maxLength": 5},
        "minItems": 1,
        "maxItems": 3,
    }
    assert documented["symbols"].explode is False
    assert documented["start"].type == {"type": "string", "format": "date-time"}
    assert documented["strict"].type == {"type": "boolean", "default": False}
    assert documented["id"].type == {"type": "string", "format": "uuid"}
    assert documented["search"].type == {"type": "string", "minLength": 1, "maxLength": 10}


@given(st.integers(1, 250))
def test_every_number_in_range_is_itself(number):
    assert read(f"limit={number}")["limit"] == number


@given(st.floats(min_value=0, max_value=1e300))
def test_every_finite_number_survives_its_own_spelling(number):
    assert read(f"min_volume={number!r}".replace("+", "%2B"))["min_volume"] == number


OFFSETS = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.integers(0, 4 * 10**15), OFFSETS)
def test_every_instant_survives_its_own_spelling(microseconds, zone):
    instant = (datetime(1900, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)).astimezone(zone)

    assert read(f"start={instant.isoformat()}".replace("+", "%2B"))["start"] == instant


@given(st.dictionaries(st.sampled_from(["limit", "symbols", "change", "start", "id", "x"]), st.text()))
def test_no_query_does_anything_but_give_values_or_complain(pairs):
    query = QueryDict(mutable=True)
    query.update(pairs)

    try:
        values = LIST.read(query)
    except ValidationFailed:
        return
    assert set(pairs) <= set(values)
