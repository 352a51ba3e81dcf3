import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from tests.markets.factories import RawAnswerFactory

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


def test_answers_are_told_about_and_not_read(client: Client, moderator: User) -> None:
    answer = RawAnswerFactory.create(sha256=b"\xab" * 32, endpoint="/coins/markets?page=1")
    addresses = [
        reverse("admin:markets_rawanswer_changelist"),
        reverse("admin:markets_rawanswer_change", args=[answer.pk]),
    ]

    with CaptureQueriesContext(
        connection,
    ) as queries:
        pages = [client.get(address).content.decode() for address in addresses]

    assert all("/coins/markets?page=1" in page for page in pages)
    assert "ab" * 32 in pages[1]
    assert not any("body_zstd" in query["sql"] for query in queries)
