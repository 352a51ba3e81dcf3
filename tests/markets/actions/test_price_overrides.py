from datetime import datetime, timedelta
from typing import Any

import pytest

from accounts.models import AuditEntry, User
from accounts.roles import Role
from config.kernel.errors import ValidationFailed
from markets.actions import price_overrides, quotes
from markets.actions.price_overrides import OverrideOver
from markets.models import Asset, Market, PriceOverride, Quote, Snapshot
from tests.accounts.factories import UserFactory
from tests.markets.actions.test_quotes import listings
from tests.markets.factories import NOON, AssetFactory, PriceOverrideFactory, QuoteFactory

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

TOMORROW = NOON + timedelta(days=1)


@pytest.fixture
def asset() -> Asset:
    return AssetFactory.create(slug="bitcoin", symbol="BTC", name="Bitcoin")


@pytest.fixture
def operator() -> User:
    return UserFactory.create(role=Role.OPERATOR)


def set_price(asset: Asset, operator: User, price: float = 50.0, **changes: Any) -> PriceOverride:
    given: dict[str, Any] = {"reason": "Wrong unit.", "ends_at": TOMORROW, "by": operator, "at": NOON} | changes
    return price_overrides.set_price(asset, price=price, **given)


def told(asset: Asset, price: float, at: datetime) -> Quote:
    """What the market says after a provider told a price."""
    page = listings({"id": asset.slug, "symbol": asset.symbol, "name": asset.name, "price": price, "as_of": at})
    quotes.store(page, provider="coingecko", at=at)
    return Quote.objects.select_related("source").get(asset=asset)


def test_price_set_by_hand_is_the_quote_of_a_source_of_its_own(asset: Asset, operator: User) -> None:
    QuoteFactory.create(
        asset=asset, price=100.0, market_cap=2_000.0, circulating_supply=30.0, volume_24h=7.0,
        change_1h=1.0, change_24h=2.0, change_7d=3.0,
    )  # fmt: skip

    set_price(asset, operator)

    quote = Quote.objects.select_related("source").get()
    assert (quote.price, quote.source.name, quote.as_of, quote.received_at) == (50.0, "manual", NOON, NOON)
    assert (quote.market_cap, quote.volume_24h) == (1_500.0, 7.0)
    assert (quote.change_1h, quote.change_24h, quote.change_7d) == (None, None, None)


@pytest.mark.parametrize(
    ("known", "cap"),
    [
        ({"price": 100.0, "market_cap": 2_000.0}, 1_000.0),
        ({"price": None, "market_cap": 2_000.0}, None),
        ({"price": 100.0}, None),
        ({"price": 1e-300, "market_cap": 1e300}, None),
    ],
)
def test_market_cap_follows_at_the_supply_that_it_implied(
    asset: Asset, operator: User, known: dict[str, float | None], cap: float | None
) -> None:
    QuoteFactory.create(asset=asset, **known)

    set_price(asset, operator)

    assert Quote.objects.get().market_cap == cap


def test_asset_without_a_quote_gets_one(asset: Asset, operator: User) -> None:
    set_price(asset, operator)

    assert Quote.objects.get().price == 50.0


def test_history_and_audit_trail_keep_it(asset: Asset, operator: User) -> None:
    QuoteFactory.create(asset=asset, price=100.0)
    version = Market.objects.get().data_version

    override = set_price(asset, operator, reason="  Wrong unit. ")

    assert list(Snapshot.objects.values_list("asset", "at", "price")) == [(asset.pk, NOON, 50.0)]
    entry = AuditEntry.objects.about(override).get()
    assert (entry.verb, entry.actor, entry.reason) == ("markets.price_override.set", operator, "Wrong unit.")
    assert entry.before == {"price": 100.0, "provider": "observer"}
    assert entry.after == {"asset": "bitcoin", "price": 50.0, "ends_at": TOMORROW.isoformat()}
    assert Market.objects.get().data_version == version + 1


def test_no_sync_changes_it_until_it_ends(asset: Asset, operator: User) -> None:
    told(asset, 100.0, NOON - timedelta(hours=1))
    set_price(asset, operator)

    assert told(asset, 101.0, TOMORROW - timedelta(seconds=1)).price == 50.0
    after = told(asset, 102.0, TOMORROW)
    assert (after.price, after.source.name) == (102.0, "coingecko")


def test_second_price_takes_the_place_of_the_first(asset: Asset, operator: User) -> None:
    first = set_price(asset, operator)

    second = set_price(asset, operator, 60.0, at=NOON + timedelta(minutes=1))

    assert Quote.objects.get().price == 60.0
    assert list(PriceOverride.objects.in_force(NOON + timedelta(minutes=2))) == [second]
    first.refresh_from_db()
    assert first.withdrawn_at == NOON + timedelta(minutes=1)


def test_other_assets_keep_theirs(asset: Asset, operator: User) -> None:
    other = PriceOverrideFactory.create()

    set_price(asset, operator)

    other.refresh_from_db()
    assert other.withdrawn_at is None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"reason": " \n"}, "reason"),
        ({"reason": "x" * 501}, "reason"),
        ({"price": 0.0}, "price"),
        ({"price": -1.0}, "price"),
        ({"price": 1e10}, "price"),
        ({"price": float("nan")}, "price"),
        ({"price": float("inf")}, "price"),
        ({"ends_at": NOON}, "ends_at"),
    ],
)
def test_refused_price_changes_nothing(asset: Asset, operator: User, changes: dict[str, Any], field: str) -> None:
    QuoteFactory.create(asset=asset, price=100.0)
    given: dict[str, Any] = {"price": 50.0, **changes}

    with pytest.raises(ValidationFailed) as refusal:
        set_price(asset, operator, **given)

    assert list(refusal.value.details["fields"]) == [field]  # type: ignore[call-overload]  # a mapping
    assert Quote.objects.get().price == 100.0
    assert not PriceOverride.objects.exists()
    assert not AuditEntry.objects.exists()


def test_withdrawn_price_gives_way_to_the_next_sync(asset: Asset, operator: User) -> None:
    override = set_price(asset, operator)

    price_overrides.withdraw(override, by=operator, reason="Repaired.", at=NOON + timedelta(hours=1))

    assert told(asset, 101.0, NOON + timedelta(hours=2)).price == 101.0
    entry = AuditEntry.objects.about(override).last()
    assert entry is not None
    assert (entry.verb, entry.reason) == ("markets.price_override.withdrawn", "Repaired.")


@pytest.mark.parametrize("at", [NOON, TOMORROW])
def test_price_that_is_over_cannot_be_withdrawn(asset: Asset, operator: User, at: datetime) -> None:
    override = set_price(asset, operator)
    if at == NOON:
        price_overrides.withdraw(override, by=operator, reason="Repaired.", at=at)
    before = list(PriceOverride.objects.values())

    with pytest.raises(OverrideOver):
        price_overrides.withdraw(override, by=operator, reason="Again.", at=at)

    assert list(PriceOverride.objects.values()) == before
    assert AuditEntry.objects.filter(reason="Again.").count() == 0


def test_nothing_is_withdrawn_without_a_reason(asset: Asset, operator: User) -> None:
    override = set_price(asset, operator)

    with pytest.raises(ValidationFailed):
        price_overrides.withdraw(override, by=operator, reason=" ", at=NOON)

    override.refresh_from_db()
    assert override.withdrawn_at is None


def test_quote_never_grows_older_so_what_a_fast_clock_said_is_no_news_afterwards(asset: Asset, operator: User) -> None:
    ahead = NOON + timedelta(minutes=4)
    told(asset, 100.0, ahead)

    override = set_price(asset, operator)
    price_overrides.withdraw(override, by=operator, reason="Right after all.", at=NOON + timedelta(minutes=1))

    assert told(asset, 100.0, ahead).price == 50.0
    assert list(Snapshot.objects.order_by("at").values_list("price", flat=True)) == [100.0, 50.0]
