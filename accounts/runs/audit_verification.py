"""The audit trail is checked without anybody asking, and its head is kept where the database does not reach."""

from datetime import datetime

import structlog
from prometheus_client import Gauge

from accounts.queries import audit_chain
from accounts.queries.audit_chain import Verdict

log = structlog.get_logger(__name__)

INTACT_AT = Gauge(
    "audit_chain_verified_timestamp_seconds",
    "When the whole audit trail was last found intact.",
    multiprocess_mode="mostrecent",
)
BROKEN = Gauge(
    "audit_chain_broken",
    "Whether the last verification of the audit trail found it broken.",
    multiprocess_mode="mostrecent",
)


def perform(*, at: datetime) -> Verdict:
    """Verify the whole chain; log and measure how it stands."""
    verdict = audit_chain.verify()
    BROKEN.set(not verdict.is_intact)
    known = {"checked": verdict.checked, "position": verdict.head.position, "hash": verdict.head.hash}
    if verdict.is_intact:
        INTACT_AT.set(at.timestamp())
        log.info("audit.chain_intact", **known)
    else:
        log.error("audit.chain_broken", **known, reason=verdict.broken, entry_id=verdict.entry_id)
    return verdict


def log_head() -> None:
    """Log the newest link: whoever keeps the logs can show later what the trail contained by now."""
    head = audit_chain.head()
    log.info("audit.head", position=head.position, hash=head.hash)
