"""The contract of the API as data: the routes of the code, and the table that says who may use them."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

ROUTES = Path(__file__).with_name("routes.toml")
ANYONE = "anyone"
EXAMPLES = {
    "task_id": "0b5e6a5e-54ab-4f0c-8f39-0c1c5a7e8f11",
    "session_id": "0b5e6a5e-54ab-4f0c-8f39-0c1c5a7e8f11",
    "key_id": "999999999",
    "user_id": "999999999",
    "symbol": "no-such-coin",
    "category": "market_cap",
    "indicator": "fear_and_greed",
    "model_version": "no-such-version",
}


@dataclass(frozen=True)
class Route:
    """One method of one path, as the table names it."""

    method: str
    template: str
    least_role: str
    key_scope: str | None

    @property
    def path(self) -> str:
        """The template with an example for every argument."""
        return re.sub(r"{(\w+)}", lambda found: EXAMPLES[found[1]], self.template)

    @property
    def is_api(self) -> bool:
        return self.template.startswith("/api/")

    def __str__(self) -> str:
        return f"{self.method} {self.template}"


def _least(cell: str) -> tuple[str, str | None]:
    role, plus, scope = cell.partition(" + ")
    return role, scope if plus else None


TABLE = [
    Route(method, template, *_least(cell))
    for template, row in tomllib.loads(ROUTES.read_text()).items()
    for method, cell in row.items()
]
API = [route for route in TABLE if route.is_api]


def templates(resolver: URLResolver | None = None, prefix: str = "/") -> Iterator[tuple[str, Any]]:
    """Every path that the code answers to, outside the admin site, with its view."""
    for pattern in (resolver or get_resolver()).url_patterns:
        path = prefix + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", str(pattern.pattern))
        if path.startswith("/admin/"):
            continue
        if isinstance(pattern, URLResolver):
            yield from templates(pattern, path)
        elif isinstance(pattern, URLPattern):
            yield path, pattern.callback
