import pytest
from django.test import Client

from accounts.models import User
from config.kernel import clock
from tests.markets.factories import QuoteFactory, SourceFactory

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

LIST = "/admin/markets/quote/"


def ask(client: Client, *pks: int) -> tuple[int, str]:
    answer = client.post(LIST, {"action": "set_price_by_hand", "_selected_action": pks})
    return answer.status_code, answer.headers.get("Location", "")


def test_list_shows_where_each_price_comes_from(client: Client, moderator: User) -> None:
    QuoteFactory.create(rank=2, price=4_970.788, market_cap=98e9, source=SourceFactory.create(name="coingecko"))
    QuoteFactory.create(rank=1, as_of=clock.now(), source=SourceFactory.create(name="manual"))
    QuoteFactory.create(rank=None)

    page = client.get(LIST)

    assert [quote.rank for quote in page.context["cl"].result_list] == [1, 2, None]
    first, second, *_ = page.content.decode().split("<tbody>")[1].split("</tr>")
    for shown in ("coingecko", "4,970.79", "98,000,000,000", "badge-stale"):
        assert shown in second
    assert ("badge-manual" in first, "badge-stale" in first) == (True, False)


def test_list_is_filtered_by_the_sources_of_quotes(client: Client, moderator: User) -> None:
    quote = QuoteFactory.create(source=SourceFactory.create(name="coingecko"))
    QuoteFactory.create()
    SourceFactory.create(name="only bars")

    page = client.get(LIST, {"source": "coingecko"})

    assert list(page.context["cl"].result_list) == [quote]
    assert "only bars" not in page.content.decode()


def test_price_of_one_selected_quote_is_set_by_hand(client: Client, operator: User) -> None:
    quote = QuoteFactory.create()

    assert ask(client, quote.pk) == (302, f"/admin/markets/priceoverride/add/?asset={quote.pk}")


def test_one_price_at_a_time(client: Client, operator: User) -> None:
    quotes = QuoteFactory.create_batch(2)

    assert ask(client, *(quote.pk for quote in quotes)) == (302, LIST)
    assert [str(message) for message in client.get(LIST).context["messages"]] == ["Select one quote."]


def test_moderator_is_not_led_to_the_form(client: Client, moderator: User) -> None:
    assert "priceoverride/add" not in ask(client, QuoteFactory.create().pk)[1]
