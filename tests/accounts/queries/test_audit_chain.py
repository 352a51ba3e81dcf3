"""Tampering of every kind is in tests/security/test_audit_immutability.py."""

import pytest

from accounts.actions import audit
from accounts.models import AuditLink
from accounts.queries import audit_chain
from accounts.queries.audit_chain import GENESIS, Head, StartNotInChain, Verdict
from tests.accounts.factories import NOON
from tests.support.trail import tamper

pytestmark = pytest.mark.integration


@pytest.fixture
def hashes(committed_db):
    """Of a chain of five."""
    for n in range(5):
        audit.record(f"tests.deed.{n}", actor=None, subject=None, at=NOON)
    return list(AuditLink.objects.values_list("hash", flat=True))


def test_head_is_the_newest_link(hashes):
    assert audit_chain.head() == Head(5, hashes[4])


def test_head_of_an_empty_chain_is_what_the_first_link_will_name(committed_db):
    assert audit_chain.head() == GENESIS == Head(0, "0" * 64)


def test_empty_chain_is_intact(committed_db):
    assert audit_chain.verify() == Verdict(0, GENESIS)


def test_whole_chain_is_checked_link_by_link(hashes):
    done: list[int] = []

    verdict = audit_chain.verify(on_progress=done.append)

    assert verdict == Verdict(5, Head(5, hashes[4]))
    assert verdict.is_intact
    assert done == [1] * 5


def test_pages_join_without_a_seam(hashes, monkeypatch):
    monkeypatch.setattr(audit_chain, "_ROWS_AT_ONCE", 2)

    assert audit_chain.verify() == Verdict(5, Head(5, hashes[4]))


@pytest.mark.parametrize(("start", "checked"), [(1, 5), (2, 4), (5, 1), (6, 0)])
def test_part_of_the_chain_is_checked_from_a_position(hashes, start, checked):
    assert audit_chain.verify(start=start) == Verdict(checked, Head(5, hashes[4]))


@pytest.mark.parametrize("start", [7, 100])
def test_position_beyond_the_chain_is_none_to_start_from(hashes, start):
    with pytest.raises(StartNotInChain, match=f"no link at position {start - 1} .* newest is at position 5"):
        audit_chain.verify(start=start)


def test_what_lies_before_the_start_is_not_looked_at(hashes, superuser_connection):
    tamper(superuser_connection, "UPDATE accounts_auditentry SET reason = 'x' WHERE verb = 'tests.deed.1'")

    assert audit_chain.verify(start=3).is_intact
    assert audit_chain.verify(start=2).broken == "the entry or its link at position 2 is not as it was written"


@pytest.mark.parametrize("start", [1, 3])
def test_known_head_may_be_any_link_from_the_one_before_the_start(hashes, start):
    for known in hashes[max(start - 2, 0) :]:
        assert audit_chain.verify(start=start, expected_head=known).is_intact


def test_known_head_of_an_empty_chain_is_in_every_chain(hashes):
    assert audit_chain.verify(expected_head=GENESIS.hash).is_intact


@pytest.mark.parametrize(("start", "known"), [(1, "f" * 64), (4, 1)])
def test_head_that_is_not_in_the_checked_part_breaks_it(hashes, start, known):
    expected = known if isinstance(known, str) else hashes[known]

    verdict = audit_chain.verify(start=start, expected_head=expected)

    assert verdict.broken == f"the expected head {expected} is not in the chain from position {start}"
    assert (verdict.checked, verdict.entry_id) == (6 - start, None)


def test_verdict_tells_how_far_all_was_right(hashes, superuser_connection):
    tamper(superuser_connection, "UPDATE accounts_auditentry SET reason = 'x' WHERE verb = 'tests.deed.3'")

    verdict = audit_chain.verify()

    assert (verdict.is_intact, verdict.checked, verdict.head) == (False, 3, Head(3, hashes[2]))
    assert verdict.entry_id == AuditLink.objects.get(position=4).entry_id
