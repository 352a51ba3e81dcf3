"""How the text of a variable becomes a value; every refusal is a sentence without the value in it."""

import re
from urllib.parse import urlsplit

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict
from pydantic import SecretStr

ENVIRONMENTS = {"local": "development", "dev": "development", "prod": "production"}


def parts(value: object) -> object:
    """A comma list as a list; what is a list already stays one."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def capitals(value: object) -> object:
    return value.strip().upper() if isinstance(value, str) else value


def environment_name(value: object) -> object:
    """The canonical name of an environment."""
    name = str(value).strip().lower()
    return ENVIRONMENTS.get(name, name)


def without_driver(url: str) -> str:
    """A database URL without the driver that another library would have used."""
    return re.sub(r"^(\w+)\+(asyncpg|aiosqlite|psycopg2?)://", r"\1://", url.strip(), flags=re.IGNORECASE)


def database_url(value: object) -> str:
    """A URL for psycopg."""
    scheme, separator, rest = without_driver(_plain(value)).partition("://")
    scheme = scheme.lower()
    if scheme == "sqlite":
        raise ValueError(
            "SQLite cannot hold exact amounts and is not supported. Give postgresql://user:password@host:port/name, "
            "or leave the variable out and `make run` starts a PostgreSQL of its own."
        )
    if scheme not in {"postgresql", "postgres"} or not separator:
        raise ValueError("must look like postgresql://user:password@host:port/name.")
    url = f"{scheme}://{rest}"
    try:
        complete = "dbname" in conninfo_to_dict(url)
    except ProgrammingError:
        # Its message quotes the URL, and with it the password.
        raise ValueError("is not a URL that PostgreSQL understands; reserved characters are written %XX.") from None
    if not complete:
        raise ValueError("must end with the name of a database, like .../crypto_portfolio.")
    return url


def broker_url(value: object) -> str:
    """A URL of a Redis-compatible server."""
    url = _plain(value)
    if urlsplit(url).scheme not in {"redis", "rediss"} or not urlsplit(url).hostname:
        raise ValueError("must look like redis://:password@host:port/0 (rediss:// for TLS).")
    return url


def base_url(value: object) -> str:
    """The scheme and host that links begin with, without a slash at the end."""
    url = _plain(value).rstrip("/")
    given = urlsplit(url)
    if given.scheme not in {"http", "https"} or not given.hostname or given.query or given.fragment or given.username:
        raise ValueError("must look like https://api.example.com.")
    return url


def _plain(value: object) -> str:
    return str(value.get_secret_value() if isinstance(value, SecretStr) else value).strip()
