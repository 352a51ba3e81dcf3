from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from markets.actions import raw_answers
from markets.models import RawAnswer
from markets.providers import provider
from tests.markets.factories import NOON

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


def answer(body: bytes, **changes) -> provider.RawAnswer:
    said: dict[str, Any] = {
        "provider": "observer",
        "endpoint": "/listings?page=1",
        "status": 200,
        "content_type": "application/json",
        "received_at": NOON,
    }
    return provider.RawAnswer(body=body, **(said | changes))


@given(st.binary(max_size=2_000))
def test_answer_comes_back_as_it_came(body):
    raw_answers.keep(answer(body))

    kept = RawAnswer.objects.order_by("pk").latest("pk")
    assert raw_answers.body(kept) == body
    assert (kept.provider, kept.endpoint, kept.received_at, kept.size) == (
        "observer",
        "/listings?page=1",
        NOON,
        len(body),
    )
    RawAnswer.objects.all().delete()


def test_same_content_is_kept_once_as_it_came_first():
    raw_answers.keep(answer(b"[1]"))
    raw_answers.keep(answer(b"[1]", received_at=NOON + timedelta(hours=1)))
    raw_answers.keep(answer(b"[2]"))

    found = RawAnswer.objects.order_by("pk")
    assert [(raw_answers.body(kept), kept.received_at) for kept in found] == [(b"[1]", NOON), (b"[2]", NOON)]


def test_long_question_is_cut_and_the_answer_kept():
    raw_answers.keep(answer(b"[1]", endpoint="/listings?ids=" + "x" * 5_000))

    assert RawAnswer.objects.get().endpoint == ("/listings?ids=" + "x" * 5_000)[:200]


def test_answers_are_dropped_when_they_are_over_a_week_old():
    ages = [timedelta(days=7, microseconds=1), timedelta(days=7), timedelta(0)]
    for number, age in enumerate(ages):
        raw_answers.keep(answer(str(number).encode(), received_at=NOON - age))

    assert raw_answers.drop_old(at=NOON) == 1

    assert [raw_answers.body(kept) for kept in RawAnswer.objects.order_by("received_at")] == [b"1", b"2"]


def test_answer_is_shown_by_whom_and_when_it_was_given():
    raw_answers.keep(answer(b"[]"))

    assert str(RawAnswer.objects.get()) == "observer /listings?page=1 2026-03-12 12:00:00"
