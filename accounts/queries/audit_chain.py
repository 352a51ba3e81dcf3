"""Is the audit trail as it was written? Every hash is computed anew here, in Python, from what the rows say now."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import cast

from django.db import connection, transaction

from accounts.models import AuditEntry, AuditLink
from accounts.models.audit_link import CANONICAL, GENESIS_HASH

_ROWS_AT_ONCE = 2_000
_ENTRIES, _LINKS = AuditEntry._meta.db_table, AuditLink._meta.db_table
# A link may have lost its entry, and a server in other hands its constraints.
_LINKS_FROM = f"""
    SELECT link.position, link.entry_id, link.previous_hash, link.hash, entry.id, {CANONICAL}
      FROM {_LINKS} link LEFT JOIN {_ENTRIES} entry ON entry.id = link.entry_id
     WHERE link.position >= %s ORDER BY link.position"""  # noqa: S608  # names and text of ours
_ENTRIES_NOT_LINKED_ONCE = f"""
    SELECT entry.id, count(link.position)
      FROM {_ENTRIES} entry LEFT JOIN {_LINKS} link ON link.entry_id = entry.id
     GROUP BY entry.id HAVING count(link.position) <> 1 ORDER BY entry.id LIMIT 1"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class Head:
    """The last link; of an empty chain, position 0 and the hash that the first link will name."""

    position: int
    hash: str


GENESIS = Head(0, GENESIS_HASH)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a verification found: `head` is the last link that is right, `broken` says what is wrong after it."""

    checked: int
    head: Head
    broken: str | None = None
    entry_id: int | None = None

    @property
    def is_intact(self) -> bool:
        return self.broken is None


class StartNotInChain(Exception):
    """There is no link from which the verification could go on."""

    def __init__(self, start: int, head: Head) -> None:
        super().__init__(
            f"There is no link at position {start - 1} to go on from; the newest is at position {head.position}."
        )


def head() -> Head:
    """The newest link, by which the whole chain up to it is known: kept elsewhere, it is an anchor."""
    row = AuditLink.objects.order_by("-position").values_list("position", "hash").first()
    return Head(*row) if row else GENESIS


def verify(
    *, start: int = 1, expected_head: str | None = None, on_progress: Callable[[int], None] = lambda links: None
) -> Verdict:
    """Check the chain from position `start` to its end, and that each entry has its one link.

    The link before `start` is taken at its word; raises `StartNotInChain` where there is none. `expected_head` is the
    hash of a head that was seen earlier, and must be that link or one of those after it. Stops at the first place
    that is broken.
    """
    last = _before(start)
    is_head_seen = expected_head in (None, last.hash)
    checked = 0
    for position, entry_id, previous_hash, hash_, found_id, canonical in _links(start):
        broken = None
        if position != last.position + 1:
            unlinked, _ = _entry_not_linked_once() or (None, 0)
            return Verdict(checked, last, f"position {last.position + 1} is missing", unlinked)
        if previous_hash != last.hash:
            broken = f"position {position} names another hash than that of the link before it"
        elif found_id is None:
            broken = f"the entry at position {position} is gone"
        elif hash_ != sha256(f"{previous_hash}{canonical}".encode()).hexdigest():
            broken = f"the entry or its link at position {position} is not as it was written"
        if broken:
            return Verdict(checked, last, broken, entry_id)
        last = Head(position, hash_)
        is_head_seen = is_head_seen or hash_ == expected_head
        checked += 1
        on_progress(1)
    if stray := _entry_not_linked_once():
        entry_id, links = stray
        return Verdict(checked, last, f"the entry has {links} links instead of one", entry_id)
    if not is_head_seen:
        return Verdict(checked, last, f"the expected head {expected_head} is not in the chain from position {start}")
    return Verdict(checked, last)


def _before(start: int) -> Head:
    if start == 1:
        return GENESIS
    row = AuditLink.objects.filter(position=start - 1).values_list("position", "hash").first()
    if row is None:
        raise StartNotInChain(start, head())
    return Head(*row)


def _links(start: int) -> Iterator[tuple[int, int, str, str, int | None, str]]:
    # Inside a transaction the server keeps its place in the result; outside it would store all of it first.
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(_LINKS_FROM, [start])
        while rows := cursor.fetchmany(_ROWS_AT_ONCE):
            yield from rows


def _entry_not_linked_once() -> tuple[int, int] | None:
    with connection.cursor() as cursor:
        cursor.execute(_ENTRIES_NOT_LINKED_ONCE)
        return cast("tuple[int, int] | None", cursor.fetchone())
