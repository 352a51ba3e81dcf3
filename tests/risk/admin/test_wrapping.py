import pytest
from django.test import Client

from accounts.models import AuditEntry, User
from accounts.roles import Role
from risk.models import Wrapping
from tests.markets.admin.conftest import Enter
from tests.markets.factories import AssetFactory
from tests.risk.factories import WrappingFactory

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

WRAPPINGS = "/admin/risk/wrapping/"


def told() -> set[tuple[str, str]]:
    return set(Wrapping.objects.values_list("asset__slug", "underlying__slug"))


@pytest.fixture
def row() -> Wrapping:
    return WrappingFactory.create(asset__slug="weth", underlying__slug="eth")


def test_operator_declares_a_wrapping_and_says_why(client: Client, operator: User) -> None:
    one, other = AssetFactory.create(slug="wbtc"), AssetFactory.create(slug="bitcoin")

    said = {"asset": one.pk, "underlying": other.pk, "reason": "It is redeemed for it."}
    assert client.post(f"{WRAPPINGS}add/", said).status_code == 302

    entry = AuditEntry.objects.about(Wrapping.objects.get()).get()
    assert (entry.verb, entry.actor, entry.reason) == ("risk.wrapping.declared", operator, "It is redeemed for it.")
    assert told() == {("wbtc", "bitcoin")}


def test_operator_changes_what_an_asset_stands_for_but_not_the_asset(
    client: Client, operator: User, row: Wrapping
) -> None:
    other = AssetFactory.create(slug="steth")

    said = {"asset": other.pk, "underlying": other.pk, "reason": "A slip."}
    assert client.post(f"{WRAPPINGS}{row.pk}/change/", said).status_code == 302

    assert told() == {("weth", "steth")}
    assert AuditEntry.objects.about(row).verbs() == ["risk.wrapping.changed"]


def test_operator_withdraws_a_wrapping_and_says_why(client: Client, operator: User, row: Wrapping) -> None:
    client.post(WRAPPINGS, {"action": "withdraw", "_selected_action": [row.pk], "reason": "It was closed."})

    assert told() == set()
    entry = AuditEntry.objects.about(row).get()
    assert (entry.verb, entry.actor, entry.reason) == ("risk.wrapping.withdrawn", operator, "It was closed.")


@pytest.mark.parametrize(
    ("asset", "underlying", "reason", "complaint"),
    [
        ("eth", "eth", "Why not.", "does not stand for itself"),
        ("eth", "weth", "Why not.", "withdraw that row if it is the other way round"),
        ("sol", "weth", "Why not.", "It stands for ETH (eth) itself: choose that one."),
        ("weth", "sol", "Why not.", "already"),
        ("sol", "gone", "Why not.", "is not listed"),
        ("sol", "eth", " ", "This field is required."),
    ],
)
def test_what_cannot_be_is_refused_at_its_field(
    client: Client, operator: User, row: Wrapping, asset: str, underlying: str, reason: str, complaint: str
) -> None:
    assets = {
        "weth": row.asset,
        "eth": row.underlying,
        "sol": AssetFactory.create(slug="sol"),
        "gone": AssetFactory.create(slug="gone", is_active=False),
    }

    said = {"asset": assets[asset].pk, "underlying": assets[underlying].pk, "reason": reason}
    answer = client.post(f"{WRAPPINGS}add/", said)

    assert answer.status_code == 200
    assert complaint in answer.content.decode()
    assert told() == {("weth", "eth")}
    assert not AuditEntry.objects.exists()


def test_a_change_that_cannot_be_is_refused(client: Client, operator: User, row: Wrapping) -> None:
    said = {"underlying": row.asset_id, "reason": "Why not."}
    answer = client.post(f"{WRAPPINGS}{row.pk}/change/", said)

    assert "does not stand for itself" in answer.content.decode()
    assert told() == {("weth", "eth")}


def test_moderator_only_looks(client: Client, moderator: User, row: Wrapping) -> None:
    said = {"asset": row.underlying_id, "underlying": row.asset_id, "reason": "Why not."}

    assert "reason" not in client.get(f"{WRAPPINGS}{row.pk}/change/").content.decode()
    assert client.post(f"{WRAPPINGS}add/", said).status_code == 403
    assert client.post(f"{WRAPPINGS}{row.pk}/change/", said).status_code == 403
    client.post(WRAPPINGS, {"action": "withdraw", "_selected_action": [row.pk], "reason": "Why not."})
    assert told() == {("weth", "eth")}
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.ADMIN])
def test_nobody_deletes_a_row_past_the_deed(client: Client, enter: Enter, role: Role, row: Wrapping) -> None:
    enter(role)

    assert client.post(f"{WRAPPINGS}{row.pk}/delete/", {"post": "yes"}).status_code == 403
    assert told() == {("weth", "eth")}


def test_the_list_says_which_rows_have_no_effect(client: Client, moderator: User, row: Wrapping) -> None:
    WrappingFactory.create(asset__slug="old", asset__is_active=False)

    page = client.get(WRAPPINGS).content.decode()

    assert (page.count("in force"), page.count("none: OLD is not listed")) == (1, 1)
