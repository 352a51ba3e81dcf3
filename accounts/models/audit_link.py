from __future__ import annotations

from django.db import models

from accounts.models.audit_entry import AuditEntry
from config.kernel.append_only import AppendOnly

GENESIS_HASH = "0" * 64
"""What the first link names as the hash before it."""

CANONICAL = """jsonb_strip_nulls(jsonb_build_object(
    'id', entry.id,
    'created_at', trunc(extract(epoch FROM entry.created_at) * 1000000),
    'happened_at', trunc(extract(epoch FROM entry.happened_at) * 1000000),
    'actor_id', entry.actor_id,
    'verb', entry.verb,
    'subject_type', entry.subject_type,
    'subject_id', entry.subject_id,
    'reason', entry.reason,
    'before', entry.before::text,
    'after', entry.after::text,
    'request_id', entry.request_id,
    'api_key', entry.api_key
))::text"""
"""SQL for the text of the row `entry` that is hashed: every column, instants in microseconds since 1970, no NULLs.

It stands in the database's function and in the verifier's question, and never changes, or every hash would. A column
that is added to the entry later is added here and to the function, and is NULL for older entries: their text stays.
"""


class AuditLink(AppendOnly):
    """An entry's place in the chain that holds the trail together.

    `hash` is the SHA-256, in hexadecimal, of the hash before it followed by the entry's `CANONICAL` text. Links are
    written by the database itself when the entry's transaction commits, in the order of the commits; why so is told in
    docs/adr, "The audit chain is written at commit".
    """

    position = models.BigIntegerField(primary_key=True, help_text="Counts from 1, without gaps.")
    entry = models.OneToOneField(AuditEntry, on_delete=models.PROTECT, related_name="link")
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        ordering = ["position"]
        default_permissions = ()  # seen with the entry, and written by nobody
        constraints = [
            models.CheckConstraint(condition=models.Q(position__gte=1), name="audit_link_counts_from_one"),
        ]

    def __str__(self) -> str:
        return f"{self.position} {self.hash}"
