"""The picture of daily closes, read back as XML."""

import re
from datetime import date
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from markets.admin.chart import HEIGHT, WIDTH, price_chart

pytestmark = pytest.mark.unit

SVG = "{http://www.w3.org/2000/svg}"
START = date(2026, 1, 1)
NAN = float("nan")


def drawn(closes: list[float], start: date = START, title: str = "Bitcoin") -> ElementTree.Element:
    picture = price_chart(np.array(closes), start, title=title)
    assert picture is not None
    return ElementTree.fromstring(picture)  # noqa: S314  # our own words


def strokes(picture: ElementTree.Element) -> list[list[tuple[float, float]]]:
    """The points of each uninterrupted stroke."""
    path = picture.find(f"{SVG}path[@class='line']")
    assert path is not None
    return [
        [(float(x), float(y)) for x, y in re.findall(r"([\d.]+) ([\d.]+)", stroke)]
        for stroke in path.attrib["d"].split("M")[1:]
    ]


def labels(picture: ElementTree.Element, anchor: str) -> list[str]:
    found = picture.findall(f"{SVG}g[@class='labels']/{SVG}text[@text-anchor='{anchor}']")
    return [text.text or "" for text in found]


def prices(picture: ElementTree.Element) -> list[str]:
    return labels(picture, "end")


def days(picture: ElementTree.Element) -> list[str]:
    return labels(picture, "middle")


def described(picture: ElementTree.Element) -> str:
    return picture.findtext(f"{SVG}desc") or ""


@pytest.mark.parametrize("closes", [[], [NAN], [NAN] * 30])
def test_nothing_is_drawn_of_nothing(closes: list[float]) -> None:
    assert price_chart(np.array(closes), START, title="Bitcoin") is None


def test_line_has_a_point_for_each_day_higher_where_the_price_is_higher() -> None:
    (stroke,) = strokes(drawn([10.0, 30.0, 20.0, 20.0]))

    xs, ys = zip(*stroke, strict=True)
    assert len(stroke) == 4
    assert np.allclose(np.diff(xs), (xs[3] - xs[0]) / 3, atol=0.1)
    assert ys[1] < ys[2] == ys[3] < ys[0]


def test_gaps_are_gaps() -> None:
    picture = drawn([1.0, 2.0, NAN, NAN, 3.0, NAN, 2.0, 1.0, NAN])

    assert [len(stroke) for stroke in strokes(picture)] == [2, 1, 2]
    assert "Days between them without a price: 3." in described(picture)


def test_lone_day_is_a_dot() -> None:
    path = drawn([NAN, 5.0, NAN]).find(f"{SVG}path[@class='line']")

    assert path is not None
    assert path.attrib["d"].endswith("h0")
    assert path.attrib["stroke-linecap"] == "round"


def test_equal_factors_look_equal_once_prices_span_a_factor_of_ten() -> None:
    linear, log = drawn([1.0, 2.0, 4.0]), drawn([1.0, 4.0, 16.0])

    (_, a), (_, b), (_, c) = strokes(log)[0]
    assert a - b == pytest.approx(b - c, abs=0.2)
    (_, a), (_, b), (_, c) = strokes(linear)[0]
    assert 2 * (a - b) == pytest.approx(b - c, abs=0.2)
    assert ("Logarithmic" in described(log), "Logarithmic" in described(linear)) == (True, False)


@pytest.mark.parametrize(
    ("closes", "shown"),
    [
        ([11.0, 100.0], ["20", "40", "60", "80", "100"]),
        ([4_000.0, 20_000.0], ["5,000", "10,000", "15,000", "20,000"]),
        ([0.9985, 1.0016], ["0.999", "1.000", "1.001"]),
        ([0.1, 2.0], ["0.1", "0.2", "0.5", "1", "2"]),
        ([0.001, 900_000.0], ["0.01", "1", "100", "10,000", "1,000,000"]),
        ([5.0, 5.0], ["4.8", "4.9", "5.0", "5.1", "5.2"]),
    ],
)
def test_prices_beside_the_axis_are_round_and_distinct(closes: list[float], shown: list[str]) -> None:
    assert prices(drawn(closes)) == shown


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (1, ["1 Jan"]),
        (7, ["1 Jan", "2 Jan", "3 Jan", "4 Jan", "5 Jan", "6 Jan", "7 Jan"]),
        (30, ["1 Jan", "5 Jan", "9 Jan", "13 Jan", "17 Jan", "21 Jan", "25 Jan", "29 Jan"]),
        (90, ["Jan 2026", "Feb 2026", "Mar 2026"]),
        (400, [f"{month} 2026" for month in ("Jan", "Mar", "May", "Jul", "Sep", "Nov")] + ["Jan 2027"]),
        (1_200, ["Jan 2026", "Jul 2026", "Jan 2027", "Jul 2027", "Jan 2028", "Jul 2028", "Jan 2029"]),
        (365 * 10, [str(year) for year in range(2026, 2036)]),
        (365 * 15, [str(year) for year in range(2026, 2041, 2)]),
    ],
)
def test_dates_below_the_axis_fit(count: int, shown: list[str]) -> None:
    assert days(drawn([1.0] * count)) == shown


def test_window_need_not_begin_with_a_month() -> None:
    assert days(drawn([1.0] * 100, date(2025, 12, 15)))[0] == "Jan 2026"


def test_picture_says_in_words_what_it_shows() -> None:
    picture = drawn([3.0, 1.0, NAN, 2.0], title="Bitcoin (BTC), daily close in USD")

    assert picture.attrib["role"] == "img"
    ids = picture.attrib["aria-labelledby"].split()
    assert [element.attrib["id"] for element in picture.findall("*")[:2]] == ids
    assert picture.findtext(f"{SVG}title") == "Bitcoin (BTC), daily close in USD"
    assert described(picture) == (
        "3 daily closes, the last 2.00 USD on 2026-01-04;"
        " lowest 1.00 USD on 2026-01-02, highest 3.00 USD on 2026-01-01. Days between them without a price: 1."
    )


def test_name_of_a_coin_stays_text() -> None:
    name = "<script>alert('x')</script>\" onload=\"x"

    picture = price_chart(np.array([1.0]), START, title=name)

    assert picture is not None
    assert "<script" not in picture
    assert ElementTree.fromstring(picture).findtext(f"{SVG}title") == name  # noqa: S314  # our own words


closes = st.floats(1e-18, 1e12) | st.just(NAN)


@given(st.lists(closes, min_size=1, max_size=60), st.dates(date(2009, 1, 3), date(2100, 1, 1)))
def test_everything_stays_within_the_frame(values: list[float], start: date) -> None:
    picture = price_chart(np.array(values), start, title="Any")

    if np.isnan(values).all():
        assert picture is None
        return
    assert picture is not None
    root = ElementTree.fromstring(picture)  # noqa: S314  # our own words
    points = [point for stroke in strokes(root) for point in stroke]
    assert len(points) == np.isfinite(values).sum()
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in points)
    assert "nan" not in picture
    assert "inf" not in picture
    assert len(prices(root)) <= 16
