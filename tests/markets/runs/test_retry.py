"""Refused rows that somebody vouches for; the rows are read as they were kept, by the providers themselves."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from accounts.models import AuditEntry, User
from accounts.roles import Role
from config.kernel import clock
from config.kernel.errors import ValidationFailed
from markets import feeds
from markets.actions import quarantine, quotes
from markets.actions.quarantine import AlreadyDecided
from markets.actions.quotes import StoredQuotes
from markets.errors import MarketIsSimulated, NotReadable
from markets.models import Asset, QuarantinedRecord, Quote, Snapshot
from markets.runs import retry, simulation
from markets.runs.retry import PriceSetByHand
from tests.accounts.factories import UserFactory
from tests.markets.factories import NOON, PriceOverrideFactory, QuarantinedRecordFactory

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

LATER = NOON + timedelta(minutes=5)


@pytest.fixture
def moderator() -> User:
    return UserFactory.create(role=Role.MODERATOR)


def coingecko(price: float, at: datetime, **others: Any) -> bytes:
    coin = {
        "id": "bitcoin",
        "symbol": "btc",
        "name": "Bitcoin",
        "image": "https://example.com/btc.png",
        "current_price": price,
        "market_cap": price * 20,
        "market_cap_rank": 1,
        "total_volume": 7.0,
        "high_24h": price * 1.1,
        "low_24h": price * 0.9,
        "price_change_percentage_24h": 5.5,
        "circulating_supply": 20.0,
        "ath": 900_000.0,
        "ath_date": "2024-01-02T03:04:05.678Z",
        "last_updated": at.isoformat(),
    }
    return json.dumps([coin | others]).encode()


def coinmarketcap(price: float, at: datetime) -> bytes:
    quote = {"price": price, "market_cap": price * 20, "volume_24h": 7.0, "last_updated": at.isoformat()}
    coin = {
        "id": 1,
        "name": "Bitcoin",
        "symbol": "BTC",
        "slug": "bitcoin",
        "cmc_rank": 1,
        "circulating_supply": "2.0E1",
        "tags": ["mineable", {"slug": "pow"}],
        "quote": {"USD": quote},
    }
    return json.dumps({"data": [coin]}).encode()


BODIES = {"coingecko": coingecko, "coinmarketcap": coinmarketcap}


def store(provider: str, body: bytes, at: datetime) -> StoredQuotes:
    return quotes.store(feeds.reader(provider).parse_listings(body, at), provider=provider, at=at)


def held_back(provider: str = "coingecko", factor: float = 1_000.0) -> QuarantinedRecord:
    """A jump that was not believed."""
    store(provider, BODIES[provider](100.0, NOON), NOON)
    assert store(provider, BODIES[provider](100.0 * factor, LATER), LATER).quarantined == 1
    return QuarantinedRecord.objects.open().get()


def columns(quote: Quote) -> dict[str, Any]:
    return {
        field.attname: getattr(quote, field.attname)
        for field in Quote._meta.fields
        if field.name not in {"received_at"}
    }


@pytest.mark.parametrize("provider", list(BODIES))
def test_accepted_jump_is_stored_with_every_column_it_came_with(moderator: User, provider: str) -> None:
    record = held_back(provider)

    stored = retry.perform(record, by=moderator, reason="It was redenominated.", at=LATER + timedelta(hours=1))

    assert stored == StoredQuotes(inserted=0, updated=1, unchanged=0, quarantined=0)
    kept = columns(Quote.objects.get())
    quotes.store(
        feeds.reader(provider).parse_listings(BODIES[provider](100_000.0, LATER + timedelta(seconds=1)), LATER),
        provider=provider,
        at=LATER,
    )
    assert kept == columns(Quote.objects.get()) | {"as_of": LATER}
    assert kept["price"] == 100_000.0
    assert list(Snapshot.objects.order_by("at").values_list("at", "price"))[:2] == [(NOON, 100.0), (LATER, 100_000.0)]


def test_acceptance_is_on_record(moderator: User) -> None:
    record = held_back()

    retry.perform(record, by=moderator, reason="It was redenominated.", at=LATER)

    record.refresh_from_db()
    assert (record.state, record.decided_by, record.decision_reason) == (
        "accepted",
        moderator,
        "It was redenominated.",
    )
    assert AuditEntry.objects.about(record).verbs() == ["markets.quarantine.accepted"]


def test_next_sync_is_measured_against_the_accepted_price(moderator: User) -> None:
    retry.perform(held_back(), by=moderator, reason="Redenominated.", at=LATER)

    after = LATER + timedelta(minutes=5)
    assert store("coingecko", coingecko(101_000.0, after), after).updated == 1
    assert Quote.objects.get().price == 101_000.0


def test_row_older_than_the_quote_goes_into_the_history_only(moderator: User) -> None:
    record = held_back()
    after = LATER + timedelta(minutes=5)
    store("coingecko", coingecko(110.0, after), after)

    stored = retry.perform(record, by=moderator, reason="It was so for a moment.", at=after)

    assert stored == StoredQuotes(inserted=0, updated=0, unchanged=1, quarantined=0)
    assert Quote.objects.get().price == 110.0
    assert list(Snapshot.objects.order_by("at").values_list("price", flat=True)) == [100.0, 100_000.0, 110.0]


def test_row_without_a_time_was_true_when_it_was_seen(moderator: User) -> None:
    store("coingecko", coingecko(100.0, NOON), NOON)
    store("coingecko", coingecko(100_000.0, NOON, last_updated=None), LATER)

    retry.perform(QuarantinedRecord.objects.get(), by=moderator, reason="Sure.", at=LATER + timedelta(days=1))

    assert Quote.objects.get().as_of == LATER


def test_providers_own_row_is_read_by_the_provider(moderator: User) -> None:
    early = LATER + timedelta(minutes=30)
    assert store("coingecko", coingecko(100.0, early, last_updated=early.isoformat()), LATER).quarantined == 1
    record = QuarantinedRecord.objects.get()
    assert record.reason == "future_timestamp"

    stored = retry.perform(record, by=moderator, reason="Their clock was ahead.", at=early)

    assert stored.inserted == 1
    assert (Asset.objects.get().slug, Quote.objects.get().price) == ("bitcoin", 100.0)


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (coingecko(0.0, NOON).decode(), "zero price"),
        (coingecko(100.0, NOON, market_cap=1e12).decode(), "price cap mismatch"),
        ("<html>", "malformed json"),
        ('{"id":"bitcoin","symbol":"btc"', "malformed json"),
        ("[]", "cannot be read"),
        (coingecko(100.0, NOON, pad="x" * 4_096).decode()[:4_096], "cut when it was kept"),
    ],
)
def test_row_that_is_still_not_believable_stays_open(moderator: User, raw: str, says: str) -> None:
    record = QuarantinedRecordFactory.create(provider="coingecko", raw=raw)

    with pytest.raises(NotReadable) as refusal:
        retry.perform(record, by=moderator, reason="Try again.", at=NOON)

    assert says in refusal.value.message
    record.refresh_from_db()
    assert record.state == "open"
    assert not Asset.objects.exists()
    assert not AuditEntry.objects.exists()


def test_row_in_our_own_words_is_checked_as_at_the_first_time(moderator: User) -> None:
    record = held_back()
    record.raw = record.raw.replace('"price":100000.0', '"price":-1.0')
    record.save()

    with pytest.raises(NotReadable, match=r"negative \(price\)"):
        retry.perform(record, by=moderator, reason="Sure.", at=LATER)

    assert Quote.objects.get().price == 100.0


@pytest.mark.parametrize("provider", ["file", "simulated", "nobody"])
def test_row_of_somebody_who_cannot_be_read_stays_open(moderator: User, provider: str) -> None:
    record = QuarantinedRecordFactory.create(provider=provider)

    with pytest.raises(NotReadable):
        retry.perform(record, by=moderator, reason="Sure.", at=NOON)

    record.refresh_from_db()
    assert record.state == "open"


def test_price_set_by_hand_is_withdrawn_first(moderator: User) -> None:
    record = held_back()
    PriceOverrideFactory.create(asset=Asset.objects.get())

    with pytest.raises(PriceSetByHand):
        retry.perform(record, by=moderator, reason="Sure.", at=LATER)

    record.refresh_from_db()
    assert (record.state, Quote.objects.get().price) == ("open", 100.0)


def test_row_that_was_decided_about_is_not_stored(moderator: User) -> None:
    record = held_back()
    quarantine.dismiss(record, by=moderator, reason="Garbage.", at=LATER)

    with pytest.raises(AlreadyDecided):
        retry.perform(record, by=moderator, reason="No.", at=LATER)

    assert Quote.objects.get().price == 100.0


def test_nothing_is_stored_without_a_reason(moderator: User) -> None:
    record = held_back()

    with pytest.raises(ValidationFailed):
        retry.perform(record, by=moderator, reason="", at=LATER)

    assert Quote.objects.get().price == 100.0


def test_newest_form_of_the_row_counts(moderator: User) -> None:
    record = held_back()
    after = LATER + timedelta(minutes=5)
    store("coingecko", coingecko(200_000.0, after), after)

    retry.perform(record, by=moderator, reason="Sure.", at=after)

    assert Quote.objects.get().price == 200_000.0


def test_simulated_market_takes_back_its_own_rows_only(moderator: User) -> None:
    at = clock.now()
    simulation.perform(simulation.Parameters(assets=2, days=3, seed=1), at=at)
    provider = feeds.reader("simulated")
    page = next(page for _, page in provider.listings(1, at + timedelta(minutes=1)))
    page.price[:] *= 10_000
    for column in (page.market_cap, page.high_24h, page.low_24h, page.ath):
        column[:] *= 10_000
    assert quotes.store(page, provider="simulated", at=at, is_simulated=True).quarantined == 1

    retry.perform(QuarantinedRecord.objects.get(), by=moderator, reason="For show.", at=at + timedelta(minutes=2))

    assert Quote.objects.filter(price=page.price[0], source__is_simulated=True).exists()
    real = QuarantinedRecordFactory.create(provider="coingecko", raw=coingecko(1.0, NOON).decode())
    with pytest.raises(MarketIsSimulated):
        retry.perform(real, by=moderator, reason="Mix them.", at=at)
    assert not Asset.objects.filter(image__startswith="https://example.com").exists()
