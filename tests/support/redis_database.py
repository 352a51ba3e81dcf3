"""Which Redis database belongs to which test process."""

from urllib.parse import urlsplit, urlunsplit


def own_redis_url(given: str, worker: str | None) -> str:
    """The URL as given, or for the xdist worker `gw0`, `gw1`, ... that of the first, second, ... database after it."""
    if not given or worker is None:
        return given
    parts = urlsplit(given)
    database = int(parts.path.strip("/") or 0) + 1 + int(worker.removeprefix("gw"))
    return urlunsplit(parts._replace(path=f"/{database}"))
