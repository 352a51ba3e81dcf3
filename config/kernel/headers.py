"""Headers whose values are ours, put on an answer in one step."""

from collections.abc import Mapping
from functools import lru_cache

from django.http.response import HttpResponseBase


def put(response: HttpResponseBase, headers: Mapping[str, str]) -> None:
    """Set ASCII headers without a line end in them.

    Django looks through every character of every header; half of a cheap answer's time would go into that.
    """
    store = response.headers._store  # where Django's own check puts them
    for name, value in headers.items():
        store[name.lower()] = (name, value)


def vary(response: HttpResponseBase, *names: str) -> None:
    """Say that the answer depends on these headers of the request, beside those it names already."""
    put(response, {"Vary": _varying(response.headers.get("Vary", ""), names)})


@lru_cache(maxsize=256)
def _varying(named: str, more: tuple[str, ...]) -> str:
    names = [name.strip() for name in named.split(",") if name.strip()]
    known = {name.lower() for name in names}
    return ", ".join([*names, *(name for name in more if name.lower() not in known)])
