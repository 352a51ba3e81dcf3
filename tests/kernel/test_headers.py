import pytest
from django.http import HttpResponse

from config.kernel.headers import put, vary


def test_a_header_that_was_put_is_there_whatever_its_case():
    response = HttpResponse(headers={"x-shop": "old"})

    put(response, {"X-Shop": "new", "X-Till": "7"})

    assert response["x-sHOP"] == "new"
    assert sorted(response.items()) == [("Content-Type", response["Content-Type"]), ("X-Shop", "new"), ("X-Till", "7")]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, "Authorization, Accept"),
        ("Accept", "Accept, Authorization"),
        ("origin,  ACCEPT", "origin, ACCEPT, Authorization"),
        ("Authorization, Accept", "Authorization, Accept"),
    ],
)
def test_what_an_answer_varies_with_is_named_once(before, after):
    response = HttpResponse(headers={} if before is None else {"Vary": before})

    vary(response, "Authorization", "Accept")

    assert response["Vary"] == after
