"""What was said to PostgreSQL, also past Django's own cursors: in binary and by COPY."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from psycopg import Cursor


@contextmanager
def statements() -> Iterator[list[str]]:
    """Every statement of this process while the context lasts; of a thousand rows at once, one."""
    said: list[str] = []
    originals = {name: getattr(Cursor, name) for name in ("execute", "executemany", "copy")}

    def listening(name: str) -> Any:
        def method(cursor: Any, statement: Any, *args: Any, **options: Any) -> Any:
            said.append(str(statement))
            return originals[name](cursor, statement, *args, **options)

        return method

    with patch.multiple(Cursor, **{name: listening(name) for name in originals}):
        yield said
