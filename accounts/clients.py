"""The program at the other end of a login, as far as it tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

MAXIMUM_LENGTH = 400

# In this order: every browser claims to be the ones it descends from.
BROWSERS: Mapping[str, str] = {
    "Edg": "Edge",
    "OPR/": "Opera",
    "Firefox/": "Firefox",
    "Chrome/": "Chrome",
    "Safari/": "Safari",
    "curl/": "curl",
    "okhttp": "Android app",
    "CFNetwork": "iOS app",
    "Python": "Python",
}
SYSTEMS: Mapping[str, str] = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "Windows": "Windows",
    "Mac OS": "macOS",
    "Macintosh": "macOS",
    "Linux": "Linux",
}


@dataclass(frozen=True, slots=True)
class Client:
    """Where a request came from; `address` is empty where it is not known."""

    address: str | None
    user_agent: str

    @classmethod
    def of(cls, *, address: str | None, user_agent: str) -> Client:
        """What a client says of itself is cut and cleaned: it is stored, mailed and shown."""
        plain = "".join(sign if sign.isprintable() else " " for sign in user_agent[:MAXIMUM_LENGTH])
        return cls(address=address, user_agent=plain.strip())

    @property
    def device(self) -> str:
        """For people: `Firefox on Linux`."""
        browser = _first(BROWSERS, self.user_agent)
        system = _first(SYSTEMS, self.user_agent)
        return " on ".join(part for part in (browser, system) if part) or "Unknown device"


def _first(table: Mapping[str, str], text: str) -> str:
    return next((name for mark, name in table.items() if mark.lower() in text.lower()), "")
