from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import AuditEntry, User
from accounts.roles import Role
from config.kernel import clock
from markets.models import Asset, PriceOverride, Quote
from tests.markets.admin.conftest import Enter
from tests.markets.factories import AssetFactory, PriceOverrideFactory, QuoteFactory

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

LIST, ADD = "/admin/markets/priceoverride/", "/admin/markets/priceoverride/add/"


@pytest.fixture
def bitcoin() -> Asset:
    return QuoteFactory.create(asset__slug="bitcoin", asset__symbol="BTC", price=100.0).asset


def form(bitcoin: Asset, **changes: Any) -> dict[str, Any]:
    return {
        "asset": bitcoin.pk,
        "price": "50.5",
        "ends_at_0": (clock.now() + timedelta(days=1)).date().isoformat(),
        "ends_at_1": "12:00:00",
        "reason": "The provider counts cents.",
    } | changes


def test_form_knows_the_asset_and_proposes_a_day(client: Client, operator: User, bitcoin: Asset) -> None:
    page = client.get(ADD, {"asset": bitcoin.pk})

    assert page.context["title"] == "Set price by hand"
    initial = page.context["adminform"].form.initial
    assert initial["asset"] == str(bitcoin.pk)
    assert timedelta(hours=23) < initial["ends_at"] - clock.now() <= timedelta(days=1)


def test_operator_sets_a_price_by_hand(client: Client, operator: User, bitcoin: Asset) -> None:
    answer = client.post(ADD, form(bitcoin))

    assert (answer.status_code, answer.headers["Location"]) == (302, LIST)
    override = PriceOverride.objects.get()
    assert (override.asset, override.price, override.created_by) == (bitcoin, 50.5, operator)
    quote = Quote.objects.select_related("source").get()
    assert (quote.price, quote.source.name) == (50.5, "manual")
    assert AuditEntry.objects.about(override).verbs() == ["markets.price_override.set"]
    page = client.get(LIST).content.decode()
    assert "in force" in page
    assert "BTC (bitcoin): 50.5 USD until" in page  # the message


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"price": "0"}, "price"),
        ({"price": "nan"}, "price"),
        ({"price": "inf"}, "price"),
        ({"price": "1e10"}, "price"),
        ({"reason": " "}, "reason"),
        ({"ends_at_0": "2020-01-01"}, "ends_at"),
        ({"asset": "0"}, "asset"),
    ],
)
def test_refused_price_changes_nothing(
    client: Client, operator: User, bitcoin: Asset, changes: dict[str, str], field: str
) -> None:
    answer = client.post(ADD, form(bitcoin, **changes))

    assert answer.status_code == 200
    assert list(answer.context["adminform"].form.errors) == [field]
    assert Quote.objects.get().price == 100.0
    assert not PriceOverride.objects.exists()


def test_moderator_sets_no_price(client: Client, moderator: User, bitcoin: Asset) -> None:
    assert client.get(ADD).status_code == 403
    assert client.post(ADD, form(bitcoin)).status_code == 403

    assert Quote.objects.get().price == 100.0


def test_assets_are_found_by_typing(client: Client, operator: User, bitcoin: Asset) -> None:
    AssetFactory.create(slug="other")
    question = {"app_label": "markets", "model_name": "priceoverride", "field_name": "asset", "term": "btc"}

    found = client.get("/admin/autocomplete/", question).json()["results"]

    assert found == [{"id": str(bitcoin.pk), "text": "BTC (bitcoin)"}]


def test_price_is_withdrawn_with_a_reason(client: Client, operator: User) -> None:
    now = clock.now()
    override = PriceOverrideFactory.create(starts_at=now, ends_at=now + timedelta(days=1))
    asked = {"action": "withdraw", "_selected_action": [override.pk]}
    assert client.post(LIST, asked).status_code == 200
    assert client.post(LIST, {**asked, "reason": " "}).status_code == 200
    override.refresh_from_db()
    assert override.withdrawn_at is None

    answer = client.post(LIST, {**asked, "reason": "Repaired."})

    assert answer.status_code == 302
    assert PriceOverride.objects.filter(withdrawn_at__isnull=False).count() == 1
    assert AuditEntry.objects.about(override).get().reason == "Repaired."
    assert "withdrawn" in client.get(LIST).content.decode()


def test_moderator_withdraws_no_price(client: Client, moderator: User) -> None:
    now = clock.now()
    override = PriceOverrideFactory.create(starts_at=now, ends_at=now + timedelta(days=1))

    client.post(LIST, {"action": "withdraw", "_selected_action": [override.pk], "reason": "Let me."})

    override.refresh_from_db()
    assert override.withdrawn_at is None


@pytest.mark.parametrize(("state", "found"), [("in-force", ["now"]), ("over", ["long ago", "given up"]), ("", None)])
def test_list_tells_prices_in_force_from_those_that_are_over(
    client: Client, enter: Enter, state: str, found: list[str] | None
) -> None:
    enter(Role.MODERATOR)
    now = clock.now()
    PriceOverrideFactory.create(reason="long ago")
    PriceOverrideFactory.create(reason="now", starts_at=now, ends_at=now + timedelta(days=1))
    PriceOverrideFactory.create(reason="given up", starts_at=now, ends_at=now + timedelta(days=1), withdrawn_at=now)

    page = client.get(LIST, {"state": state} if state else {})

    assert {row.reason for row in page.context["cl"].result_list} == set(found or ["long ago", "now", "given up"])
    if not state:
        text = page.content.decode()
        assert all(f'field-state">{word}<' in text for word in ("ended", "in force", "withdrawn"))
