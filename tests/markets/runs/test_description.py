from datetime import timedelta
from typing import Any

import pytest

from markets import feeds
from markets.models import Asset, Category
from markets.providers.errors import NotFound, ProviderError, RateLimited
from markets.providers.provider import Details, RawAnswer
from markets.runs import description
from tests.markets.factories import NOON, AssetFactory, ExternalIdFactory, QuoteFactory

pytestmark = pytest.mark.django_db


class Encyclopedia:
    """A provider that describes coins as told and remembers who was asked for."""

    name = "observer"

    def __init__(self, **answers: Details | ProviderError) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def details(self, external_id: str) -> tuple[RawAnswer, Details]:
        self.asked.append(external_id)
        answer = self.answers[external_id]
        if isinstance(answer, ProviderError):
            raise answer
        return RawAnswer(
            self.name, f"/coins/{external_id}", 200, "application/json", external_id.encode(), NOON
        ), answer


def details(**changes: Any) -> Details:
    told = {
        "description": "Money.",
        "website": "https://bitcoin.org/",
        "image": "https://x/y.png",
        "categories": ("Layer 1",),
    }
    return Details(external_id="bitcoin", symbol="BTC", name="Bitcoin", **(told | changes))


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch) -> Any:
    def ask(provider: object, limit: int = 10) -> int:
        monkeypatch.setattr(feeds, "providers", lambda name=None: [provider])
        return description.perform(limit, now=lambda: NOON)

    return ask


@pytest.fixture
def bitcoin(db: None) -> Asset:
    asset = AssetFactory.create(slug="bitcoin", symbol="BTC")
    ExternalIdFactory.create(asset=asset)
    return asset


def test_an_asset_is_described_once_a_month(ask: Any, bitcoin: Asset) -> None:
    assert ask(Encyclopedia(bitcoin=details())) == 1

    bitcoin.refresh_from_db()
    assert (bitcoin.description, bitcoin.website, bitcoin.image) == (
        "Money.",
        "https://bitcoin.org/",
        "https://x/y.png",
    )
    assert list(Category.objects.filter(assets=bitcoin).values_list("slug", flat=True)) == ["layer-1"]
    assert bitcoin.described_at == NOON
    assert ask(Encyclopedia()) == 0
    Asset.objects.update(described_at=NOON - description.DESCRIBE_AGAIN_AFTER - timedelta(seconds=1))
    assert ask(Encyclopedia(bitcoin=details(description="Still money."))) == 1


def test_mark_up_is_taken_out_and_what_is_no_web_address_refused(ask: Any, bitcoin: Asset) -> None:
    ask(
        Encyclopedia(
            bitcoin=details(
                description="<a href='javascript:x'>Money</a><script>", website="javascript:alert(1)", image="data:,x"
            )
        )
    )

    bitcoin.refresh_from_db()
    assert (bitcoin.website, bitcoin.image) == ("", "")
    assert "<" not in bitcoin.description
    assert bitcoin.description.startswith("Money")


def test_the_largest_come_first_and_no_more_than_asked_for(ask: Any, bitcoin: Asset) -> None:
    ethereum = AssetFactory.create(slug="ethereum")
    ExternalIdFactory.create(asset=ethereum)
    QuoteFactory.create(asset=ethereum, rank=1)
    provider = Encyclopedia(bitcoin=details(), ethereum=details())

    ask(provider, limit=1)

    assert provider.asked == ["ethereum"]


def test_a_coin_that_the_provider_does_not_know_is_not_asked_for_again(ask: Any, bitcoin: Asset) -> None:
    assert ask(Encyclopedia(bitcoin=NotFound("observer", "coin not found"))) == 0

    bitcoin.refresh_from_db()
    assert (bitcoin.description, bitcoin.described_at) == ("", NOON)


def test_any_other_failure_ends_the_run_and_the_coin_stays_due(ask: Any, bitcoin: Asset) -> None:
    ExternalIdFactory.create()
    provider = Encyclopedia(bitcoin=RateLimited("observer", "slow down"))

    assert ask(provider) == 0
    assert provider.asked == ["bitcoin"]
    bitcoin.refresh_from_db()
    assert bitcoin.described_at is None


def test_a_provider_without_descriptions_is_not_asked(ask: Any, bitcoin: Asset) -> None:
    assert ask(object()) == 0


def test_nul_is_left_out_and_an_address_with_control_characters_is_none() -> None:
    asset = AssetFactory.create()

    description.describe(
        asset, details(description="Mo\0ney.\nTwo lines.", website="https://x\0.org", image="", categories=()), at=NOON
    )

    asset.refresh_from_db()
    assert (asset.description, asset.website) == ("Money.\nTwo lines.", "")
