"""What holds for every list of the market: who sees it, what nobody may do, how much it costs."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import NoReverseMatch, reverse

from accounts.roles import Role
from config.admin_site import SIMULATED_BANNER
from config.kernel import clock
from markets.actions import market
from markets.actions.market import Simulation
from markets.models import Asset, DailyBar, PriceBlock, PriceOverride, Snapshot
from tests.markets.admin.conftest import Enter
from tests.markets.factories import (
    NOON,
    AssetFactory,
    CategoryFactory,
    DivergenceFactory,
    ExternalIdFactory,
    IndicatorValueFactory,
    NewsFeedFactory,
    NewsItemFactory,
    PriceOverrideFactory,
    ProviderStateFactory,
    QuarantinedRecordFactory,
    QuoteFactory,
    RawAnswerFactory,
    SyncRunFactory,
)

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

FACTORIES: dict[str, Any] = {
    "asset": AssetFactory,
    "category": CategoryFactory,
    "divergence": DivergenceFactory,
    "indicatorvalue": IndicatorValueFactory,
    "newsfeed": NewsFeedFactory,
    "newsitem": NewsItemFactory,
    "priceoverride": PriceOverrideFactory,
    "providerstate": ProviderStateFactory,
    "quarantinedrecord": QuarantinedRecordFactory,
    "quote": QuoteFactory,
    "rawanswer": RawAnswerFactory,
    "syncrun": SyncRunFactory,
}


def url(model: str, page: str, *args: object) -> str:
    return reverse(f"admin:markets_{model}_{page}", args=args)


def test_every_list_of_the_market_is_tested_here() -> None:
    registered = {model._meta.model_name for model in admin.site._registry if model._meta.app_label == "markets"}

    assert registered == set(FACTORIES)


@pytest.mark.parametrize("model", [DailyBar, Snapshot, PriceBlock])
def test_prices_of_the_record_have_no_pages(model: type) -> None:
    with pytest.raises(NoReverseMatch):
        url(model.__name__.lower(), "changelist")


@pytest.mark.parametrize("role", [Role.MODERATOR, Role.OPERATOR, Role.ADMIN])
@pytest.mark.parametrize("model", FACTORIES)
def test_moderators_and_above_see_every_list_and_every_row(
    client: Client, enter: Enter, role: Role, model: str
) -> None:
    enter(role)
    row = FACTORIES[model].create()

    assert client.get(url(model, "changelist")).status_code == 200
    assert client.get(url(model, "change", row.pk)).status_code == 200


@pytest.mark.parametrize("role", [Role.VIEWER, Role.ANALYST])
@pytest.mark.parametrize("model", FACTORIES)
def test_others_are_sent_to_the_login(client: Client, enter: Enter, role: Role, model: str) -> None:
    enter(role)

    assert client.get(url(model, "changelist")).status_code == 302


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.ADMIN])
@pytest.mark.parametrize("model", FACTORIES)
def test_nobody_deletes_a_row(client: Client, enter: Enter, role: Role, model: str) -> None:
    enter(role)
    row = FACTORIES[model].create()

    answers = [
        client.post(url(model, "delete", row.pk), {"post": "yes"}),
        client.post(
            url(model, "changelist"), {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
        ),
    ]

    assert [answer.status_code for answer in answers] == [403, 200 if model in WITHOUT_ACTIONS else 302]
    assert type(row).objects.filter(pk=row.pk).exists()


WITHOUT_ACTIONS = {"asset", "category", "divergence", "indicatorvalue", "newsitem", "rawanswer", "syncrun"}


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.ADMIN])
@pytest.mark.parametrize("model", FACTORIES)
def test_nobody_writes_rows_by_hand_but_through_the_deeds(client: Client, enter: Enter, role: Role, model: str) -> None:
    enter(role)
    row = FACTORIES[model].create()
    before = list(type(row).objects.order_by("pk").values())

    answers = [client.post(url(model, "add"), {}), client.post(url(model, "change", row.pk), {})]

    # The forms that there are show their complaints; see the tests of assets, of price overrides and of feeds.
    expected = {"asset": [403, 200], "newsfeed": [200, 200], "priceoverride": [200, 403]}.get(model, [403, 403])
    assert [answer.status_code for answer in answers] == expected
    assert list(type(row).objects.order_by("pk").values()) == before


def fill(model: str, count: int) -> None:
    for _ in range(count):
        if model == "asset":
            quote = QuoteFactory.create()
            quote.asset.categories.add(CategoryFactory.create())
        elif model == "category":
            CategoryFactory.create(slug=f"category-{CategoryFactory._meta.model.objects.count()}")
        else:
            FACTORIES[model].create()


@pytest.mark.parametrize("model", FACTORIES)
def test_list_asks_as_many_questions_for_twelve_rows_as_for_one(
    client: Client, enter: Enter, model: str, django_assert_max_num_queries: Any
) -> None:
    enter(Role.ADMIN)
    fill(model, 1)
    client.get(url(model, "changelist"))
    with django_assert_max_num_queries(40) as one:
        client.get(url(model, "changelist"))
    fill(model, 11)

    with django_assert_max_num_queries(len(one.captured_queries)):
        page = client.get(url(model, "changelist"))

    # A new installation has feeds of its own.
    assert len(page.context["cl"].result_list) == FACTORIES[model]._meta.model.objects.count() >= 12


def test_page_of_an_asset_asks_as_many_questions_for_twelve_of_everything_as_for_one(
    client: Client, enter: Enter, django_assert_max_num_queries: Any
) -> None:
    enter(Role.ADMIN)
    asset = QuoteFactory.create().asset

    def add(count: int) -> None:
        for _ in range(count):
            DivergenceFactory.create(asset=asset)
            ExternalIdFactory.create(asset=asset, external_id=str(clock.now()))
            now = clock.now()
            PriceOverrideFactory.create(asset=asset, starts_at=now, ends_at=now + timedelta(days=1))

    add(1)
    client.get(url("asset", "change", asset.pk))
    with django_assert_max_num_queries(40) as one:
        client.get(url("asset", "change", asset.pk))
    add(11)

    with django_assert_max_num_queries(len(one.captured_queries)):
        assert client.get(url("asset", "change", asset.pk)).status_code == 200
    assert (Asset.objects.count(), PriceOverride.objects.count()) == (1, 12)


@pytest.mark.parametrize(
    ("model", "question", "found"),
    [
        ("asset", {"q": "needle"}, 1),
        ("asset", {"q": "NEEDLESYMBOL"}, 1),
        ("category", {"q": "needle"}, 1),
        ("divergence", {"q": "needle"}, 1),
        ("divergence", {"provider": "observer"}, 2),
        ("priceoverride", {"q": "needle"}, 1),
        ("quarantinedrecord", {"q": "needle"}, 1),
        ("quarantinedrecord", {"state__exact": "open", "provider": "coingecko", "reason": "zero_price"}, 2),
        ("quote", {"q": "needle"}, 1),
        ("syncrun", {"q": "needle"}, 1),
        ("syncrun", {"state__exact": "running", "provider": "observer"}, 2),
        ("rawanswer", {"q": "needle"}, 1),
        ("indicatorvalue", {"indicator__exact": "total_market_cap"}, 2),
        ("newsfeed", {"q": "needle"}, 1),
        ("newsitem", {"q": "needle"}, 1),
        ("newsitem", {"tone": "none"}, 2),
        ("newsitem", {"event": "hack"}, 0),
        ("providerstate", {"is_enabled__exact": "1"}, 2),
    ],
)
def test_lists_can_be_searched_and_filtered(
    client: Client, enter: Enter, model: str, question: dict[str, str], found: int
) -> None:
    enter(Role.MODERATOR)
    needle = {
        "category": {"slug": "needle"},
        "quarantinedrecord": {"external_id": "needle"},
        "syncrun": {"error": "a needle"},
    }
    needle |= {"newsfeed": {"slug": "needle"}, "newsitem": {"title": "needle"}}
    needle |= {"rawanswer": {"endpoint": "/needle"}, "asset": {"slug": "needle", "symbol": "NEEDLESYMBOL"}}
    of_asset = (
        {"asset": AssetFactory.create(slug="needle")} if model in {"divergence", "priceoverride", "quote"} else {}
    )
    FACTORIES[model].create(**needle.get(model, of_asset))
    FACTORIES[model].create()

    assert len(client.get(url(model, "changelist"), question).context["cl"].result_list) == found


@pytest.mark.parametrize(
    "path", ["/admin/", "/admin/markets/asset/", "/admin/markets/syncrun/sync-now/", "/admin/login/"]
)
@pytest.mark.parametrize("is_simulated", [True, False])
def test_every_page_says_whether_the_market_is_simulated(
    client: Client, enter: Enter, path: str, is_simulated: bool
) -> None:
    if path != "/admin/login/":
        enter(Role.ADMIN)
    if is_simulated:
        market.mark_simulated(Simulation(seed=1, assets=2, days=3, end=NOON.date()), at=NOON)

    assert (SIMULATED_BANNER in client.get(path).content.decode()) is is_simulated
