"""What became of rows that were believed."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StoredRows:
    """How many were new, replaced an earlier word, or were known already."""

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
