"""Django's default connection, pointed somewhere else for a while."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connections

from tests.support.cluster import Login


@contextmanager
def default_connection(login: Login) -> Iterator[None]:
    """All threads that connect from now on connect as `login`.

    The connection of this thread is set aside, with whatever transaction a test has open there, and comes back
    untouched.
    """
    settings, before = connections.settings["default"], connections["default"]
    connections.settings["default"] = settings | login.django
    connections["default"] = inside = connections.create_connection("default")
    try:
        yield
    finally:
        inside.close()
        connections.settings["default"] = settings
        connections["default"] = before
