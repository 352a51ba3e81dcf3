import enum
import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import numpy as np
import pytest
from django.utils.functional import lazystr
from django.utils.safestring import mark_safe

from config.kernel.rendering import OrjsonRenderer, dumps, json_response


class Side(enum.StrEnum):
    BUY = "buy"


@dataclass
class Quote:
    price: float | None


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (Decimal("0.100"), b'"0.100"'),
        (Decimal("1E+3"), b'"1000"'),
        (Decimal("1E-18"), b'"0.000000000000000001"'),
        (datetime(2024, 3, 1, 12, tzinfo=UTC), b'"2024-03-01T12:00:00Z"'),
        (datetime(2024, 3, 1, 12, 0, 0, 5, tzinfo=UTC), b'"2024-03-01T12:00:00.000005Z"'),
        (datetime(2024, 3, 1, 12, tzinfo=timezone(timedelta(hours=2))), b'"2024-03-01T10:00:00Z"'),
        (date(2024, 3, 1), b'"2024-03-01"'),
        (UUID(int=7), b'"00000000-0000-0000-0000-000000000007"'),
        (Side.BUY, b'"buy"'),
        (lazystr("later"), b'"later"'),
        (mark_safe("<b>"), b'"<b>"'),
        (b"raw", b'"raw"'),
        ({"b", "a"}, b'["a","b"]'),
        (np.array([1.5, 2.0]), b"[1.5,2.0]"),
        (np.arange(4).reshape(2, 2).T, b"[[0,2],[1,3]]"),
        (np.float64(0.1), b"0.1"),
        (Quote(None), b'{"price":null}'),
        (None, b"null"),
        ("nullify", b'"nullify"'),
        ([None, 1.5], b"[null,1.5]"),
    ],
)
def test_values_have_one_spelling(value, written):
    assert dumps(value) == written


@pytest.mark.parametrize("infinite", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize(
    "shape",
    [
        lambda x: x,
        lambda x: {"a": [{"b": x}]},
        lambda x: (None, x),
        np.float64,
        lambda x: np.array([1.0, x]),
        lambda x: [np.array([1.0, x])],
        Quote,
        lambda x: Decimal(str(x)),
    ],
)
def test_numbers_that_json_does_not_have_are_refused(infinite, shape):
    with pytest.raises(ValueError, match="no place in JSON"):
        dumps(shape(infinite))


@pytest.mark.parametrize("value", [datetime(2024, 3, 1, tzinfo=UTC).replace(tzinfo=None), object(), {1: 2}, 1j])
def test_values_without_one_meaning_are_refused(value):
    with pytest.raises(TypeError):
        dumps(value)


def test_a_response_carries_status_and_headers():
    response = json_response({"a": 1}, 202, {"Location": "/x"})

    assert response.status_code == 202
    assert response["Location"] == "/x"
    assert response["Content-Type"] == "application/json"
    assert json.loads(response.content) == {"a": 1}


def test_the_renderer_writes_nothing_for_no_content():
    assert OrjsonRenderer().render(None) == b""
    assert OrjsonRenderer().render({"a": None}) == b'{"a":null}'
