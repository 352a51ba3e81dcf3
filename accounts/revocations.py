"""What no longer opens the door, as this process knows it: read from PostgreSQL, never from Redis.

A process that has not read it for a second reads it before it lets anybody in; where that fails, what it knows counts
for another second, and then nobody is let in.
"""

import json
import threading
import time
from dataclasses import dataclass, field
from uuid import UUID

import structlog
from django.db import Error, connection

from accounts.models import Revocation
from config.kernel.errors import ServiceUnavailable

POLL_SECONDS = 0.5
FRESH_SECONDS = 1.0
REFUSE_SECONDS = 2.0
RELOAD_SECONDS = 300.0  # forgets what has expired

log = structlog.get_logger(__name__)

# One statement, hence one snapshot: the rows, and the oldest transaction that could still add some that are not seen.
_NEWS = """
SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint,
       (SELECT jsonb_agg(jsonb_build_array(kind, subject, token_version))
        FROM accounts_revocation WHERE transaction >= %s AND expires_at > now())
"""


class RevocationsUnknown(ServiceUnavailable):
    code = "revocations_unknown"
    message = "Whether this login still counts cannot be told at the moment."


@dataclass(slots=True)
class _Withdrawn:
    users: dict[int, int] = field(default_factory=dict)  # id -> least version that still counts
    sessions: set[UUID] = field(default_factory=set)
    tokens: set[str] = field(default_factory=set)
    keys: set[int] = field(default_factory=set)

    def add(self, kind: str, subject: str, token_version: int | None) -> None:
        match kind:
            case Revocation.Kind.USER:
                user_id = int(subject)
                self.users[user_id] = max(self.users.get(user_id, 0), token_version or 0)
            case Revocation.Kind.SESSION:
                self.sessions.add(UUID(subject))
            case Revocation.Kind.TOKEN:
                self.tokens.add(subject)
            case Revocation.Kind.KEY:
                self.keys.add(int(subject))


class Revocations:
    """One process's view; every question is answered from memory."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._withdrawn = _Withdrawn()
        self._horizon = 0  # the transaction from which on rows may be news
        self._read_at = -RELOAD_SECONDS
        self._failed_at = -RELOAD_SECONDS
        self._loaded_at = -RELOAD_SECONDS

    def user_is_out(self, user_id: int, token_version: int) -> bool:
        return token_version < self._withdrawn.users.get(user_id, 0)

    def session_is_out(self, session_id: UUID) -> bool:
        return session_id in self._withdrawn.sessions

    def token_is_out(self, jti: str) -> bool:
        return jti in self._withdrawn.tokens

    def key_is_out(self, key_id: int) -> bool:
        return key_id in self._withdrawn.keys

    def keep_fresh(self) -> None:
        """Ask before the questions above. Raises `RevocationsUnknown` when the last reading is too old to go by."""
        age = time.monotonic() - self._read_at
        if age < POLL_SECONDS:
            return
        # One thread reads; the others go on with what is known, unless that is too old.
        if not self._lock.acquire(blocking=age >= FRESH_SECONDS):
            return
        try:
            # Who waited for a thread that could not read does not try in turn: each may take seconds to fail.
            if time.monotonic() - max(self._read_at, self._failed_at) >= POLL_SECONDS:
                self._read()
        finally:
            self._lock.release()
        # Not by `age`: trying to read may have taken longer than what was known then counts for.
        if time.monotonic() - self._read_at >= REFUSE_SECONDS:
            raise RevocationsUnknown

    def _read(self) -> None:
        try:
            with connection.cursor() as cursor:
                now = time.monotonic()  # once connected: what is read is no older than this
                is_reload = now - self._loaded_at >= RELOAD_SECONDS
                cursor.execute(_NEWS, [0 if is_reload else self._horizon])
                horizon, rows = cursor.fetchone()
        except Error as error:
            self._failed_at = time.monotonic()
            log.warning("revocations.not_read", error=type(error).__name__)
            return
        withdrawn = _Withdrawn() if is_reload else self._withdrawn
        for kind, subject, token_version in json.loads(rows) if isinstance(rows, str) else rows or ():
            withdrawn.add(kind, subject, token_version)
        self._withdrawn, self._horizon, self._read_at = withdrawn, horizon, now
        if is_reload:
            self._loaded_at = now


REVOCATIONS = Revocations()
