"""Many ids in a condition."""

from collections.abc import Iterable

from django.db.models.expressions import RawSQL


def any_of(ids: Iterable[int]) -> RawSQL:
    """For `__in`: one parameter however many ids, where a placeholder each would make the statement slow to read.

    Raises `ValueError` of what is no number.
    """
    return RawSQL("SELECT unnest(%s::int8[])", [[int(one) for one in ids]])
