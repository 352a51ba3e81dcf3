"""The suite's databases: one migrated template, and as many clones of it as the tests need.

A run has a number, and so has the template it uses. Whoever uses a number holds an advisory lock on it; a database
whose number nobody holds was left behind, perhaps by a run that was killed, and is dropped.
"""

import hashlib
import re
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from config.kernel.privileges import APP, OWNER, create_roles_sql, grant_sql

ROOT = Path(__file__).resolve().parents[2]
# What the template is made of: when one of these changes, another template is made.
INGREDIENTS = ("*/migrations/*.py", "config/kernel/*.py", "requirements/base.txt")
NAMES = re.compile(r"test_(?:template|run)_([0-9a-f]{7})(?:_|$)")
LOCKS = 0x7E57  # the class of our advisory locks
GATE = 0  # held while roles, template or leftovers are touched; numbers begin at 1


class UnsuitableServer(Exception):
    """The server cannot hold the suite's databases."""


@dataclass(frozen=True, slots=True)
class Login:
    """A database as one of its roles sees it."""

    host: str
    port: str
    database: str
    user: str
    password: str

    @property
    def django(self) -> dict[str, str]:
        """The part of an entry of `DATABASES` that says where and who."""
        where = {"HOST": self.host, "PORT": self.port, "NAME": self.database}
        return {**where, "USER": self.user, "PASSWORD": self.password}

    @property
    def url(self) -> str:
        who = ":".join(quote(part, safe="") for part in (self.user, self.password) if part)
        return f"postgresql://{who}@/{quote(self.database, safe='')}?host={quote(self.host, safe='')}&port={self.port}"

    def connect(self) -> psycopg.Connection[Any]:
        """A connection of its own, where each statement is a transaction."""
        return psycopg.connect(self.url, autocommit=True)


class Cluster:
    """A PostgreSQL server that the suite may fill with databases, known by the URL of a superuser.

    It sets the passwords of the roles `owner` and `app` there: to what `role_urls` say, else always to the same.
    """

    def __init__(self, superuser_url: str, role_urls: Iterable[str] = ()) -> None:
        given = {key: str(value) for key, value in conninfo_to_dict(superuser_url).items()}
        self._superuser = Login(
            given.get("host", ""),
            given.get("port", "5432"),
            given.get("dbname", "postgres"),
            given.get("user", ""),
            given.get("password", ""),
        )
        # Known to whoever knows the superuser's, and the same for all runs on this server, which would otherwise
        # lock each other out.
        password = hashlib.sha256(f"tests {self._superuser.password}".encode()).hexdigest()
        self._passwords = {OWNER: password, APP: password}
        for role in map(conninfo_to_dict, role_urls):
            if role.get("user") in self._passwords and role.get("password"):
                self._passwords[str(role["user"])] = str(role["password"])
        self._keeper = self._superuser.connect()  # its session holds the advisory locks
        self._number = secrets.randbelow(0xFFFFFFE) + 1
        self._clones = 0
        if not self._keeper.execute("SELECT FROM pg_roles WHERE rolname = current_user AND rolsuper").rowcount:
            raise UnsuitableServer(f'"{self._superuser.user}" is not a superuser of the test server.')

    def login(self, database: str, role: str | None = None) -> Login:
        """The login of a role of the product, or of the superuser."""
        where = self._superuser.host, self._superuser.port, database
        if role is None:
            return Login(*where, self._superuser.user, self._superuser.password)
        return Login(*where, role, self._passwords[role])

    def prepare(self, migrate: Callable[[Login], None]) -> str:
        """Drop leftovers and return the name of the template, made with `migrate` if it is not there yet."""
        digest = hashlib.sha256()
        for file in sorted(file for pattern in INGREDIENTS for file in ROOT.glob(pattern)):
            digest.update(str(file.relative_to(ROOT)).encode() + b"\0" + file.read_bytes())
        number = int(digest.hexdigest()[:7], 16) + 1
        template = f"test_template_{number:07x}"
        self._hold(number)
        self._hold(self._number)
        self.drop_leftovers()
        with self._gate():
            self._keeper.execute(create_roles_sql(self._passwords[OWNER], self._passwords[APP]))
            if template not in self._databases():
                self._make(template, migrate)
        return template

    def clone(self, template: str) -> str:
        """A new database like the template; its name."""
        self._clones += 1
        name = f"test_run_{self._number:07x}_{self._clones}"
        self._execute("CREATE DATABASE {} TEMPLATE {} OWNER {}", name, template, OWNER)
        return name

    def drop(self, database: str) -> None:
        self._execute("DROP DATABASE IF EXISTS {} WITH (FORCE)", database)

    def drop_leftovers(self) -> None:
        """Drop the databases of runs that are over and the templates that no run uses."""
        with self._gate():
            for name in self._databases():
                match = NAMES.match(name)
                if match and self._is_free(int(match[1], 16)):
                    self.drop(name)

    def close(self) -> None:
        """Drop every clone that is still there, and let go of the numbers."""
        for name in self._databases():
            if name.startswith(f"test_run_{self._number:07x}_"):
                self.drop(name)
        self._keeper.close()

    def _make(self, template: str, migrate: Callable[[Login], None]) -> None:
        unfinished = f"{template}_unfinished"
        self._execute("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8' OWNER {}", unfinished, OWNER)
        try:
            with self.login(unfinished).connect() as connection:
                connection.execute(grant_sql())
            migrate(self.login(unfinished, OWNER))
        except BaseException:
            self.drop(unfinished)
            raise
        # Only a finished template has the name, and nobody may log in to what others copy.
        self._execute("ALTER DATABASE {} RENAME TO {}", unfinished, template)
        self._execute("ALTER DATABASE {} ALLOW_CONNECTIONS false", template)

    def _is_free(self, number: int) -> bool:
        # Our own numbers are held in shared mode: asking for the exclusive one in the same session would succeed.
        question = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = %s AND objid = %s"
        return self._keeper.execute(question, [LOCKS, number]).rowcount == 0

    def _hold(self, number: int) -> None:
        self._keeper.execute("SELECT pg_advisory_lock_shared(%s, %s)", [LOCKS, number])

    @contextmanager
    def _gate(self) -> Iterator[None]:
        self._keeper.execute("SELECT pg_advisory_lock(%s, %s)", [LOCKS, GATE])
        try:
            yield
        finally:
            self._keeper.execute("SELECT pg_advisory_unlock(%s, %s)", [LOCKS, GATE])

    def _databases(self) -> list[str]:
        return [name for (name,) in self._keeper.execute("SELECT datname FROM pg_database")]

    def _execute(self, statement: str, *names: str) -> None:
        self._keeper.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
