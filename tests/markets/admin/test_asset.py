import re
from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry, User
from accounts.roles import Role
from config.kernel import clock
from markets.models import Asset, Market
from tests.markets.admin.conftest import Enter
from tests.markets.factories import (
    AssetFactory,
    CategoryFactory,
    DivergenceFactory,
    ExternalIdFactory,
    PriceOverrideFactory,
    QuoteFactory,
    SourceFactory,
    store_daily_bars,
)

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

LIST = "/admin/markets/asset/"


def page_of(asset: Asset) -> str:
    return reverse("admin:markets_asset_change", args=[asset.pk])


def listed(client: Client, **question: str) -> list[str]:
    return [asset.slug for asset in client.get(LIST, question).context["cl"].result_list]


@pytest.fixture
def bitcoin() -> Asset:
    return AssetFactory.create(slug="bitcoin", symbol="BTC", name="Bitcoin", description="Old.")


def saved(client: Client, asset: Asset, **changes: Any) -> Any:
    """The answer to the form of the asset as it is now, with some of it changed."""
    form = client.get(page_of(asset)).context["adminform"].form
    given = {name: form.get_initial_for_field(field, name) for name, field in form.fields.items()}
    given |= {"categories": [category.pk for category in given["categories"]], "reason": "The team asked."}
    given |= {"external_ids-TOTAL_FORMS": 0, "external_ids-INITIAL_FORMS": 0}
    posted = {name: value for name, value in (given | changes).items() if value is not None and value is not False}
    return client.post(page_of(asset), posted)


def test_list_shows_the_largest_market_first_and_what_to_know_about_each_price(client: Client, moderator: User) -> None:
    now = clock.now()
    QuoteFactory.create(asset__slug="old", price=0.000004227, market_cap=2e9)
    QuoteFactory.create(
        asset__slug="new", as_of=now, price=4_970.788, market_cap=98_003_426_674.0,
        source=SourceFactory.create(name="simulated", is_simulated=True),
    )  # fmt: skip
    QuoteFactory.create(asset__slug="small", as_of=now, market_cap=5.0, source=SourceFactory.create(name="manual"))
    AssetFactory.create(slug="none", is_active=False)

    page = client.get(LIST)

    assert [asset.slug for asset in page.context["cl"].result_list] == ["new", "old", "small", "none"]
    rows = page.content.decode().split("<tbody>")[1].split("</tr>")
    assert ["4,970.79" in rows[0], "98,003,426,674" in rows[0], "simulated</td>" in rows[0]] == [True] * 3
    assert "0.000004227" in rows[1]
    badges = [[kind for kind in ("stale", "simulated", "manual", "off") if f"badge-{kind}" in row] for row in rows[:4]]
    assert badges == [["simulated"], ["stale"], ["manual"], ["stale", "off"]]
    assert "no quote" in rows[3]


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ({"is_active__exact": "0"}, ["none"]),
        ({"prices": "simulated"}, ["new"]),
        ({"prices": "real"}, ["old"]),
        ({"freshness": "fresh"}, ["new"]),
        ({"freshness": "stale"}, ["none", "old"]),
        ({"categories__id__exact": "defi"}, ["old"]),
    ],
)
def test_list_is_filtered(client: Client, moderator: User, question: dict[str, str], found: list[str]) -> None:
    defi = CategoryFactory.create(slug="defi")
    QuoteFactory.create(asset__slug="old").asset.categories.add(defi)
    simulated = SourceFactory.create(name="simulated", is_simulated=True)
    QuoteFactory.create(asset__slug="new", as_of=clock.now(), source=simulated)
    AssetFactory.create(slug="none", is_active=False)
    if "categories__id__exact" in question:
        question = {"categories__id__exact": str(defi.pk)}

    assert sorted(listed(client, **question)) == found


@pytest.mark.parametrize("column", ["2", "-2", "3", "-3", "4", "5"])
def test_list_is_sorted_by_its_columns_with_and_without_quotes(client: Client, moderator: User, column: str) -> None:
    QuoteFactory.create(asset__slug="low", price=1.0, market_cap=1.0)
    QuoteFactory.create(asset__slug="high", price=2.0, market_cap=2.0)
    AssetFactory.create(slug="none")

    order = listed(client, o=column)

    assert len(order) == 3
    if column in {"-2", "-3"}:
        assert order == ["high", "low", "none"]


def test_page_shows_the_closes_of_the_last_year_of_bars(client: Client, moderator: User, bitcoin: Asset) -> None:
    store_daily_bars(bitcoin, date(2019, 1, 1), [float(day) for day in range(1, 801)])

    page = client.get(page_of(bitcoin))

    chart = page.context["chart"]
    assert chart in page.content.decode()
    assert "365 daily closes, the last 800.00 USD on 2021-03-10; lowest 436.00 USD" in chart


@pytest.mark.parametrize(
    ("wanted", "count"), [("30d", 30), ("90d", 90), ("1y", 365), ("3y", 800), ("all", 800), ("bogus", 365), ("", 365)]
)
def test_range_of_the_chart_is_chosen_in_the_address(
    client: Client, moderator: User, bitcoin: Asset, wanted: str, count: int
) -> None:
    store_daily_bars(bitcoin, date(2019, 1, 1), [1.0] * 800)

    assert f"{count} daily closes" in client.get(page_of(bitcoin), {"range": wanted}).context["chart"]


def test_asset_without_bars_or_quote_says_so(client: Client, moderator: User, bitcoin: Asset) -> None:
    page = client.get(page_of(bitcoin)).content.decode()

    assert "No daily prices yet." in page
    assert "no quote" in page
    assert "Latest quote" not in page


def test_page_needs_no_script_of_ours(client: Client, moderator: User, bitcoin: Asset) -> None:
    store_daily_bars(bitcoin, date(2019, 1, 1), [1.0, 2.0])

    chart = client.get(page_of(bitcoin)).context["chart"]

    assert not re.search(r"<script|javascript:|\son\w+=|style=|href", chart)


def test_page_shows_where_the_latest_quote_comes_from(client: Client, moderator: User, bitcoin: Asset) -> None:
    QuoteFactory.create(asset=bitcoin, price=4_970.788, change_24h=-39.5, rank=1)

    page = client.get(page_of(bitcoin)).content.decode()

    for shown in ("4,970.79 USD", "-39.50\xa0%", "2026-03-12 12:00:00", "<td>observer</td>", "badge-stale"):
        assert shown in page


def test_page_shows_external_ids_divergences_and_a_price_set_by_hand(
    client: Client, moderator: User, bitcoin: Asset
) -> None:
    ExternalIdFactory.create(asset=bitcoin, external_id="the-id-of-bitcoin")
    DivergenceFactory.create(asset=bitcoin, other_provider="the other one")
    DivergenceFactory.create(other_provider="of another coin")
    now = clock.now()
    PriceOverrideFactory.create(
        asset=bitcoin, starts_at=now, ends_at=now + timedelta(hours=1), reason="It counts <b>cents</b>."
    )

    page = client.get(page_of(bitcoin)).content.decode()

    for shown in ("the-id-of-bitcoin", "the other one", "+10.00\xa0%", "It counts &lt;b&gt;cents&lt;/b&gt;."):
        assert shown in page
    assert "of another coin" not in page
    assert 'name="external_ids-0-external_id"' not in page


@pytest.mark.parametrize(("role", "offered"), [(Role.MODERATOR, False), (Role.OPERATOR, True)])
def test_operators_are_offered_to_set_the_price(
    client: Client, enter: Enter, bitcoin: Asset, role: Role, offered: bool
) -> None:
    enter(role)

    page = client.get(page_of(bitcoin)).content.decode()

    assert (f"/admin/markets/priceoverride/add/?asset={bitcoin.pk}" in page) is offered
    assert ('name="reason"' in page) is offered


def test_operator_describes_an_asset_and_says_why(client: Client, operator: User, bitcoin: Asset) -> None:
    defi = CategoryFactory.create(slug="defi")
    version = Market.objects.get().data_version

    answer = saved(
        client, bitcoin, description="New.", website="https://bitcoin.org", categories=[defi.pk], is_active=False
    )

    assert (answer.status_code, answer.headers["Location"]) == (302, LIST)
    bitcoin.refresh_from_db()
    assert (bitcoin.description, bitcoin.website, bitcoin.is_active) == ("New.", "https://bitcoin.org", False)
    assert list(bitcoin.categories.all()) == [defi]
    entry = AuditEntry.objects.about(bitcoin).get()
    assert (entry.verb, entry.actor, entry.reason) == ("markets.asset.described", operator, "The team asked.")
    assert entry.before == {"description": "Old.", "website": "", "is_active": True, "categories": []}
    assert entry.after == {
        "description": "New.",
        "website": "https://bitcoin.org",
        "is_active": False,
        "categories": ["defi"],
    }
    assert Market.objects.get().data_version == version + 1


def test_only_what_changed_is_on_record(client: Client, operator: User, bitcoin: Asset) -> None:
    saved(client, bitcoin, description="New.")

    entry = AuditEntry.objects.about(bitcoin).get()
    assert (entry.before, entry.after) == ({"description": "Old."}, {"description": "New."})


def test_saving_without_a_change_leaves_no_trace(client: Client, operator: User, bitcoin: Asset) -> None:
    version = Market.objects.get().data_version

    assert saved(client, bitcoin).status_code == 302

    assert not AuditEntry.objects.about(bitcoin).exists()
    assert Market.objects.get().data_version == version


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"reason": " "}, "reason"),
        ({"reason": "x" * 501}, "reason"),
        ({"website": "javascript:alert(1)"}, "website"),
        ({"version": "of yesterday"}, "__all__"),
        ({"version": None}, "version"),
    ],
)
def test_refused_description_changes_nothing(
    client: Client, operator: User, bitcoin: Asset, changes: dict[str, Any], complaint: str
) -> None:
    answer = saved(client, bitcoin, **{"description": "New.", **changes})

    assert answer.status_code == 200
    assert complaint in answer.context["adminform"].form.errors
    bitcoin.refresh_from_db()
    assert bitcoin.description == "Old."
    assert not AuditEntry.objects.about(bitcoin).exists()


def test_two_editors_do_not_overwrite_each_other(client: Client, operator: User, bitcoin: Asset) -> None:
    version = client.get(page_of(bitcoin)).context["adminform"].form.fields["version"].initial
    saved(client, bitcoin, description="From the first.")

    answer = saved(client, bitcoin, description="From the second.", version=version)

    assert "Somebody changed this asset after you opened it." in answer.content.decode()
    bitcoin.refresh_from_db()
    assert bitcoin.description == "From the first."


def test_moderator_changes_nothing(client: Client, moderator: User, bitcoin: Asset) -> None:
    answer = client.post(page_of(bitcoin), {"description": "New.", "reason": "I want to."})

    assert answer.status_code == 403
    bitcoin.refresh_from_db()
    assert bitcoin.description == "Old."


def test_what_providers_say_is_not_changed_by_hand(client: Client, operator: User, bitcoin: Asset) -> None:
    saved(client, bitcoin, description="New.", symbol="XXX", name="Else", slug="else", bars_to="2030-01-01")

    bitcoin.refresh_from_db()
    assert (bitcoin.symbol, bitcoin.name, bitcoin.slug, bitcoin.bars_to) == ("BTC", "Bitcoin", "bitcoin", None)


def test_picture_is_a_link(client: Client, moderator: User) -> None:
    asset = AssetFactory.create(image="https://example.com/coin.png")

    page = client.get(page_of(asset)).content.decode()

    assert '<a href="https://example.com/coin.png" rel="noreferrer noopener">' in page
    assert 'src="https://example.com' not in page
