"""A database URL as Django wants it."""

from typing import Any

from psycopg.conninfo import conninfo_to_dict

# Where nothing is configured, commands that need no database still work, and the first use of one says what to do:
# PostgreSQL's client takes this for the directory of a socket and repeats it when it finds nothing there.
NOT_CONFIGURED = "/set DATABASE_URL or start `make run` first"

_LIMITS_OF_REQUESTS = {"statement_timeout": "5s", "lock_timeout": "2s", "idle_in_transaction_session_timeout": "10s"}
_LIMITS_OF_WORK = {
    "lock_timeout": "10s"
}  # commands, workers and migrations may take their time, but not queue for ever


def database(url: str | None, *, web: bool) -> dict[str, Any]:
    """The entry of `DATABASES` for `url`; `web` is for processes that answer requests, in several threads.

    A web process pools its connections; one that forks workers must not, for they would share them.
    """
    given = conninfo_to_dict(url) if url else {"host": NOT_CONFIGURED, "dbname": "none"}
    limits = _LIMITS_OF_REQUESTS if web else _LIMITS_OF_WORK
    options: dict[str, Any] = {
        "connect_timeout": 3,
        "application_name": "trading-backend web" if web else "trading-backend",
        "options": " ".join(f"-c {name}={value}" for name, value in limits.items()),
    }
    if web:
        # A request that finds no connection within the time is answered with 503 rather than kept waiting.
        options["pool"] = {"min_size": 1, "max_size": 8, "timeout": 2.5}
    names = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}
    return {
        "ENGINE": "config.kernel.postgresql",
        **{name: str(given.pop(keyword, None) or "") for name, keyword in names.items()},
        "OPTIONS": options | given,
        "CONN_MAX_AGE": 0,
    }
