import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from accounts.roles import Role
from config.management.commands import demo as command
from markets.models import Asset, DailyBar, Market

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.DEMO = True
    monkeypatch.setattr(command, "ASSETS", 3)
    monkeypatch.setattr(command, "DAYS", 10)


def demo(**options: object) -> str:
    out = StringIO()
    call_command("demo", stdout=out, **options)
    return out.getvalue()


def test_an_empty_product_gets_a_market_and_a_login_per_role() -> None:
    made = json.loads(demo(json=True))

    assert list(made["logins"]) == [role.value for role in Role]
    assert made["bars"] == DailyBar.objects.count() > 0
    assert Market.objects.get().is_simulated
    admin = User.objects.get(username="demo_admin")
    assert admin.check_password(made["logins"]["admin"]["password"])


def test_what_is_there_stays_as_it_is() -> None:
    demo()
    before = (Asset.objects.count(), DailyBar.objects.count(), list(User.objects.values_list("password", flat=True)))

    assert json.loads(demo(json=True)) == {"bars": 0, "logins": {}}
    assert "The market has assets already." in demo()
    assert before == (
        Asset.objects.count(),
        DailyBar.objects.count(),
        list(User.objects.values_list("password", flat=True)),
    )


def test_a_person_reads_the_logins_as_a_table() -> None:
    assert "operator   demo_operator" in demo()


@pytest.mark.parametrize(("is_on", "environment"), [(False, "development"), (True, "production")])
def test_it_is_refused_where_it_is_off_and_in_production(settings: Any, is_on: bool, environment: str) -> None:
    settings.DEMO, settings.ENVIRONMENT = is_on, environment

    with pytest.raises(CommandError, match="The demo is off"):
        demo()
    assert not User.objects.exists()
    assert not Asset.objects.exists()


def test_a_dry_run_makes_nothing() -> None:
    assert demo(dry_run=True).startswith("Would make 3 simulated assets")
    assert not User.objects.exists()
    assert not Asset.objects.exists()
