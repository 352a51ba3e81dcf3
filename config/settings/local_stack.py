"""The servers that `make run` has started, as it wrote them down."""

import json
from pathlib import Path

KEYS = ("database_url", "database_owner_url", "redis_url")


def servers(run_file: Path, *, database_url: str | None) -> dict[str, str]:
    """The URLs in `run_file`, by the names of our fields; empty when nothing is running.

    A process that was given another database belongs to another stack, and gets none of this one's servers.
    """
    try:
        written = json.loads(run_file.read_text())
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except ValueError:
        # The file is replaced as a whole; a broken one was left by something else than `make run`.
        return {}
    found = {key: str(written[key]) for key in KEYS if written.get(key)}
    return found if database_url in {None, found.get("database_url")} else {}
