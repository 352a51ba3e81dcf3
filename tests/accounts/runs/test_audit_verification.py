from datetime import timedelta

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from accounts import tasks
from accounts.actions import audit
from accounts.models import AuditLink
from accounts.queries import audit_chain
from accounts.runs import audit_verification
from config.kernel.redaction import redact
from tests.accounts.factories import NOON
from tests.support.trail import tamper

pytestmark = pytest.mark.integration

LATER = NOON + timedelta(days=1)


@pytest.fixture
def head(committed_db):
    """Of a chain of three."""
    for n in range(3):
        audit.record(f"tests.deed.{n}", actor=None, subject=None, at=NOON)
    return audit_chain.head()


def measured(name):
    return REGISTRY.get_sample_value(name)


def test_intact_chain_is_logged_and_measured(head):
    with capture_logs() as logs:
        verdict = audit_verification.perform(at=NOON)

    assert verdict.is_intact
    assert logs == [
        {"event": "audit.chain_intact", "log_level": "info", "checked": 3, "position": 3, "hash": head.hash}
    ]
    assert measured("audit_chain_broken") == 0
    assert measured("audit_chain_verified_timestamp_seconds") == NOON.timestamp()


def test_broken_chain_is_an_error_and_was_last_intact_before(head, superuser_connection):
    audit_verification.perform(at=NOON)
    second = AuditLink.objects.get(position=2)
    tamper(superuser_connection, "UPDATE accounts_auditentry SET reason = 'x' WHERE verb = 'tests.deed.1'")

    with capture_logs() as logs:
        audit_verification.perform(at=LATER)

    assert logs == [
        {
            "event": "audit.chain_broken",
            "log_level": "error",
            "checked": 1,
            "position": 1,
            "hash": second.previous_hash,
            "reason": "the entry or its link at position 2 is not as it was written",
            "entry_id": second.entry_id,
        }
    ]
    assert measured("audit_chain_broken") == 1
    assert measured("audit_chain_verified_timestamp_seconds") == NOON.timestamp()


def test_head_is_logged_and_the_log_lets_it_through(head):
    with capture_logs() as logs:
        tasks.log_audit_head()

    assert logs == [{"event": "audit.head", "log_level": "info", "position": 3, "hash": head.hash}]
    assert redact(logs[0]) == logs[0]


def test_schedule_checks_the_whole_chain(head):
    with capture_logs() as logs:
        tasks.verify_audit_chain()

    assert [(line["event"], line["checked"]) for line in logs] == [("audit.chain_intact", 3)]
