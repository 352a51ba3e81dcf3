from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from accounts.models import AuditEntry, User
from config.kernel.errors import ValidationFailed
from markets.models import Asset
from risk.actions import wrappings
from risk.actions.wrappings import WrappingGone
from risk.models import Wrapping
from tests.accounts.factories import UserFactory
from tests.markets.factories import AssetFactory
from tests.risk.markets import NOON

pytestmark = pytest.mark.integration

WHY = "It is redeemed for it."


def asset(slug: str, **fields: object) -> Asset:
    return Asset.objects.filter(slug=slug).first() or AssetFactory.create(slug=slug, **fields)


def declare(one: str, other: str) -> Wrapping:
    return wrappings.declare(asset(one), asset(other), by=UserFactory.create(), reason=WHY, at=NOON)


def told() -> set[tuple[str, str]]:
    return set(Wrapping.objects.values_list("asset__slug", "underlying__slug"))


@pytest.fixture
def olga(db: None) -> User:
    return UserFactory.create()


def test_every_deed_leaves_who_what_and_why(olga: User) -> None:
    wrapping = wrappings.declare(asset("weth"), asset("btc"), by=olga, reason=WHY, at=NOON)
    wrappings.change(wrapping, asset("eth"), by=olga, reason="A slip.", at=NOON)
    trail = AuditEntry.objects.about(wrapping)
    assert told() == {("weth", "eth")}
    wrapping.refresh_from_db()
    wrappings.withdraw(wrapping, by=olga, reason="It has been closed.", at=NOON)

    assert told() == set()
    assert [(entry.verb, entry.reason, entry.before, entry.after) for entry in trail.order_by("pk")] == [
        ("risk.wrapping.declared", WHY, {}, {"asset": "weth", "underlying": "btc"}),
        ("risk.wrapping.changed", "A slip.", {"underlying": "btc"}, {"underlying": "eth"}),
        ("risk.wrapping.withdrawn", "It has been closed.", {"asset": "weth", "underlying": "eth"}, {}),
    ]
    assert {entry.actor for entry in trail} == {olga}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("pair", "fields"),
    [
        (
            ("eth", "eth"),
            {"underlying": ["An asset does not stand for itself: choose the one that it is redeemed for."]},
        ),
        (
            ("weth", "sol"),
            {"asset": ["It stands for ETH (eth) already: change that row, or withdraw it."]},
        ),
        (
            ("eth", "weth"),
            {"underlying": ["It stands for ETH (eth) itself: withdraw that row if it is the other way round."]},
        ),
        (("vault", "weth"), {"underlying": ["It stands for ETH (eth) itself: choose that one."]}),
        (("eth", "sol"), {"asset": ["WETH (weth) stands for it: let that one stand for SOL (sol) first."]}),
        (("gone", "eth"), {"asset": ["GONE (gone) is not listed, and only listed assets are scored."]}),
        (("vault", "gone"), {"underlying": ["GONE (gone) is not listed, and only listed assets are scored."]}),
    ],
)
def test_what_cannot_be_is_refused_and_says_what_to_do(pair: tuple[str, str], fields: dict[str, list[str]]) -> None:
    asset("gone", is_active=False)
    declare("weth", "eth")
    before = AuditEntry.objects.count()

    with pytest.raises(ValidationFailed) as refusal:
        declare(*pair)

    assert refusal.value.details["fields"] == fields
    assert told() == {("weth", "eth")}
    assert AuditEntry.objects.count() == before


def test_a_change_may_not_make_a_circle_either(olga: User) -> None:
    declare("weth", "eth")
    other = declare("wsol", "sol")

    with pytest.raises(ValidationFailed):
        wrappings.change(other, asset("weth"), by=olga, reason=WHY, at=NOON)
    wrappings.change(other, asset("sol"), by=olga, reason="It was right.", at=NOON)

    assert told() == {("weth", "eth"), ("wsol", "sol")}


def test_a_row_is_withdrawn_once(olga: User) -> None:
    row = declare("weth", "eth")
    wrappings.withdraw(row, by=olga, reason=WHY, at=NOON)
    before = AuditEntry.objects.count()

    with pytest.raises(WrappingGone):
        wrappings.withdraw(row, by=olga, reason=WHY, at=NOON)
    with pytest.raises(WrappingGone):
        wrappings.change(row, asset("sol"), by=olga, reason=WHY, at=NOON)

    assert AuditEntry.objects.count() == before


@pytest.mark.parametrize(
    "deed",
    [
        lambda row, by: wrappings.declare(asset("a"), asset("b"), by=by, reason=" ", at=NOON),
        lambda row, by: wrappings.change(row, asset("b"), by=by, reason=" ", at=NOON),
        lambda row, by: wrappings.withdraw(row, by=by, reason=" ", at=NOON),
    ],
)
def test_nothing_happens_without_a_reason(olga: User, deed: Callable[[Wrapping, User], object]) -> None:
    row = declare("weth", "eth")
    before = AuditEntry.objects.count()

    with pytest.raises(ValidationFailed, match="Say why"):
        deed(row, olga)

    assert told() == {("weth", "eth")}
    assert AuditEntry.objects.count() == before


def test_of_two_who_tell_contrary_things_at_once_one_is_refused(committed_db: None) -> None:
    asset("a"), asset("b")
    barrier = Barrier(2, timeout=30)

    def tell(pair: tuple[str, str]) -> bool:
        try:
            barrier.wait()
            declare(*pair)
        except ValidationFailed:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(2) as people:
        assert sorted(people.map(tell, [("a", "b"), ("b", "a")])) == [False, True]
    assert Wrapping.objects.count() == 1
