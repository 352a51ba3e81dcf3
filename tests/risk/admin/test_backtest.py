import pytest
from django.test import Client

from accounts.roles import Role
from risk.backtest_table import COLUMNS, NOTES
from tests.markets.admin.conftest import Enter
from tests.risk.factories import BacktestFactory

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


def test_page_of_a_backtest_shows_every_figure_of_every_method(client: Client, enter: Enter) -> None:
    enter(Role.MODERATOR)
    backtest = BacktestFactory.create()

    page = client.get(f"/admin/risk/backtest/{backtest.pk}/change/").content.decode()

    for column in COLUMNS:
        assert f'<th scope="col">{column.title}</th>' in page
        assert f">{column.said(backtest.results[0])}<" in page
    assert NOTES[1].replace("'", "&#x27;") in page


def test_page_of_what_an_earlier_release_stored_shows_what_there_is(client: Client, enter: Enter) -> None:
    enter(Role.MODERATOR)
    backtest = BacktestFactory.create(results=[{"method": "combined", "level": 0.975, "rate": 0.0262}])

    page = client.get(f"/admin/risk/backtest/{backtest.pk}/change/").content.decode()

    assert "<td>2.62</td>" in page
