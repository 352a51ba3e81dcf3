"""Where we may connect to when somebody else says where: to public addresses of the internet, and nowhere else.

A URL is judged twice. `require_public_url` refuses what can be seen in its text; `public_addresses` resolves the host
at the moment of connecting and refuses it when even one answer lies within a network of our own. Whoever connects must
use the addresses that were judged: a second look-up may give other ones.
"""

import socket
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_address
from urllib.parse import SplitResult, urlsplit

PORTS = {"http": 80, "https": 443}
MAX_URL_LENGTH = 1_000

_PROTOCOLS = IPv4Network("192.0.0.0/24")
"""Of the IETF, which not every Python takes for private; a cloud's metadata are at 192.0.0.192."""

Resolve = Callable[[str, int], Sequence[str]]


class ForbiddenDestination(Exception):
    """The URL, or what its host resolves to, is none that we connect to. The text may be shown to whoever gave it."""


def require_public_url(url: str) -> SplitResult:
    """The parts of a URL whose text is harmless: http or https on its usual port, a host, no user.

    Raises `ForbiddenDestination`. A host that is written as a number in any of the ways that resolvers understand is
    judged as an address; what a name means is for `public_addresses` to find out.
    """
    # urlsplit drops tabs and line ends in silence: what is judged would not be what is stored.
    if not (url.isascii() and url.isprintable()) or " " in url or "\\" in url or len(url) > MAX_URL_LENGTH:
        raise ForbiddenDestination("The address must be plain ASCII without blanks; write other names in punycode.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ForbiddenDestination("This is not an address of the web.") from None
    if parts.scheme not in PORTS:
        raise ForbiddenDestination("Only http and https addresses are fetched.")
    if "@" in parts.netloc:
        raise ForbiddenDestination("The address must not hold a user or a password.")
    if port not in (None, PORTS[parts.scheme]):
        raise ForbiddenDestination("Only the usual ports are used: 80 for http, 443 for https.")
    host = parts.hostname or ""
    if not host.strip("."):
        raise ForbiddenDestination("The address names no host.")
    if (literal := _literal(host)) is not None:
        _require_public(literal)
    elif "." not in host.rstrip("."):
        raise ForbiddenDestination("The host must be a full name such as news.example.com.")
    return parts


def resolve(host: str, port: int) -> Sequence[str]:
    """Every address of the host, as the system resolves it."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


def public_addresses(host: str, port: int, *, resolve: Resolve = resolve) -> Sequence[str]:
    """The addresses of the host to connect to, in order. Raises `ForbiddenDestination` where one is not public.

    All of them count: a name with one public and one private address is somebody's attempt to reach the latter.
    """
    addresses = list(dict.fromkeys(resolve(host, port)))
    if not addresses:
        raise ForbiddenDestination("The host has no address.")
    for address in addresses:
        _require_public(ip_address(address.partition("%")[0]))
    return addresses


def _literal(host: str) -> IPv4Address | IPv6Address | None:
    """The address that a host is written as, also in the octal, hexadecimal, short and decimal forms of old."""
    try:
        return ip_address(host)
    except ValueError:
        pass
    try:
        return IPv4Address(socket.inet_aton(host))
    except (OSError, ValueError):
        return None


def _require_public(address: IPv4Address | IPv6Address) -> None:
    # An IPv4 address within an IPv6 one (mapped, 6to4, Teredo, NAT64) goes through a gateway that knows our networks.
    embeds = isinstance(address, IPv6Address) and (address.sixtofour or address.teredo or address.ipv4_mapped)
    is_special = address in _PROTOCOLS if isinstance(address, IPv4Address) else embeds
    if is_special or not address.is_global or address.is_multicast or address.is_reserved:
        raise ForbiddenDestination("The address leads into a private or reserved network.")
