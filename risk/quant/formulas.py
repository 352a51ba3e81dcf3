"""What the sources of this package amount to: whoever changes a formula has another model."""

import hashlib
from functools import cache
from pathlib import Path


@cache
def digest() -> bytes:
    """SHA-256 of the names and bytes of all of them."""
    folder = Path(__file__).parent
    result = hashlib.sha256()
    for file in sorted(folder.rglob("*.py")):
        result.update(file.relative_to(folder).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return result.digest()
