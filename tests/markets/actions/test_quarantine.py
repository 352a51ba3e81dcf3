from collections.abc import Callable
from datetime import timedelta

import pytest

from accounts.models import AuditEntry, User
from accounts.roles import Role
from config.kernel.errors import ValidationFailed
from markets.actions import quarantine
from markets.actions.quarantine import AlreadyDecided
from markets.models import QuarantinedRecord
from markets.providers.rejects import Reason, Reject
from tests.accounts.factories import UserFactory
from tests.markets.factories import NOON, QuarantinedRecordFactory

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

DEEDS = [quarantine.dismiss, quarantine.accept]


@pytest.fixture
def moderator() -> User:
    return UserFactory.create(role=Role.MODERATOR)


def reject(external_id: str, raw: str, reason: Reason = "zero_price") -> Reject:
    return Reject(external_id, reason, "price", raw)


def seen() -> list[tuple[object, ...]]:
    return list(QuarantinedRecord.objects.order_by("pk").values_list("external_id", "reason", "raw", "times_seen"))


def test_row_that_is_refused_again_is_kept_once_as_it_last_came() -> None:
    quarantine.add([reject("a", "1")], provider="coingecko", run=None, at=NOON)
    quarantine.add([reject("a", "2"), reject("a", "3")], provider="coingecko", run=None, at=NOON + timedelta(hours=1))

    assert seen() == [("a", "zero_price", "3", 2)]
    record = QuarantinedRecord.objects.get()
    assert (record.first_seen_at, record.last_seen_at) == (NOON, NOON + timedelta(hours=1))


def test_rows_of_other_reasons_and_providers_are_kept_apart() -> None:
    quarantine.add([reject("a", "1"), reject("a", "1", "negative")], provider="coingecko", run=None, at=NOON)
    quarantine.add([reject("a", "1")], provider="coinmarketcap", run=None, at=NOON)
    quarantine.add([], provider="coinmarketcap", run=None, at=NOON)

    assert len(seen()) == 3


@pytest.mark.parametrize(("deed", "state"), [(quarantine.dismiss, "dismissed"), (quarantine.accept, "accepted")])
def test_decision_says_who_when_and_why(moderator: User, deed: Callable[..., None], state: str) -> None:
    record = QuarantinedRecordFactory.create()

    deed(record, by=moderator, reason=" Looked it up. ", at=NOON)

    record.refresh_from_db()
    assert (record.state, record.decided_by, record.decided_at) == (state, moderator, NOON)
    assert record.decision_reason == "Looked it up."
    entry = AuditEntry.objects.about(record).get()
    assert (entry.verb, entry.actor, entry.reason) == (f"markets.quarantine.{state}", moderator, "Looked it up.")


def test_row_that_was_decided_about_is_open_again_when_it_comes_again(moderator: User) -> None:
    quarantine.add([reject("a", "1")], provider="coingecko", run=None, at=NOON)
    quarantine.dismiss(QuarantinedRecord.objects.get(), by=moderator, reason="Garbage.", at=NOON)

    quarantine.add([reject("a", "1")], provider="coingecko", run=None, at=NOON)

    assert list(QuarantinedRecord.objects.order_by("pk").values_list("state", flat=True)) == ["dismissed", "open"]


@pytest.mark.parametrize("deed", DEEDS)
def test_second_decision_is_a_conflict(moderator: User, deed: Callable[..., None]) -> None:
    record = QuarantinedRecordFactory.create()
    quarantine.dismiss(record, by=moderator, reason="Garbage.", at=NOON)

    with pytest.raises(AlreadyDecided):
        deed(record, by=moderator, reason="No, it is right.", at=NOON)

    record.refresh_from_db()
    assert (record.state, record.decision_reason) == ("dismissed", "Garbage.")
    assert AuditEntry.objects.about(record).count() == 1


@pytest.mark.parametrize("deed", DEEDS)
def test_nothing_is_decided_without_a_reason(moderator: User, deed: Callable[..., None]) -> None:
    record = QuarantinedRecordFactory.create()

    with pytest.raises(ValidationFailed):
        deed(record, by=moderator, reason=" ", at=NOON)

    record.refresh_from_db()
    assert record.state == "open"
    assert not AuditEntry.objects.exists()
