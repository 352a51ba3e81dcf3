"""Who is calling: the address of the client behind the proxies that we trust, and only those."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

UNKNOWN = "unknown"
_MAX_HOPS = 20
_IPV6_SITE_BITS = 64


@lru_cache(maxsize=16)
def _networks(written: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(ip_network(text, strict=False) for text in written)


def _parse(text: str) -> Address | None:
    """The address in `1.2.3.4`, `1.2.3.4:80`, `::1` or `[::1]:80`; IPv4 mapped into IPv6 is IPv4."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def client_address(request: HttpRequest) -> str:
    """The nearest address on the way to us that is not a proxy in `TRUSTED_PROXIES`; `unknown` without any.

    `X-Forwarded-For` is read from right to left, because every proxy appends the peer it saw: what
    stands left of the first untrusted hop is the client's own claim and is not believed.
    """
    peer = request.META.get("REMOTE_ADDR") or ""
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR")
    return _direct(peer) if forwarded is None else _forwarded(peer, forwarded)


@lru_cache(maxsize=4_096)
def _direct(peer: str) -> str:
    address = _parse(peer)
    return UNKNOWN if address is None else str(address)


def _forwarded(peer: str, forwarded: str) -> str:
    nearest = _parse(peer)
    if nearest is None or not _is_trusted(nearest):
        return _direct(peer)
    for hop in reversed(forwarded.rsplit(",", _MAX_HOPS)[-_MAX_HOPS:]):
        address = _parse(hop)
        if address is None:
            break
        nearest = address
        if not _is_trusted(address):
            break
    return str(nearest)


def _is_trusted(address: Address) -> bool:
    return any(address in network for network in _networks(tuple(map(str, settings.TRUSTED_PROXIES))))


def is_believed(request: HttpRequest) -> bool:
    """Whether `client_address` is certain: the peer itself, or what a trusted proxy says.

    False where somebody untrusted speaks for others: behind a proxy that nobody has declared, every
    client would seem to be in the proxy's network.
    """
    if "HTTP_X_FORWARDED_FOR" not in request.META and "HTTP_FORWARDED" not in request.META:
        return True
    peer = _parse(request.META.get("REMOTE_ADDR") or "")
    return peer is not None and _is_trusted(peer)


def ip_or_none(address: str) -> str | None:
    """`address` where it is one, for a column that takes nothing else."""
    parsed = _parse(address)
    return None if parsed is None else str(parsed)


@lru_cache(maxsize=4_096)
def bucket_address(address: str) -> str:
    """The part of an address that one subscriber holds: a whole IPv4 address, the /64 of an IPv6 one."""
    parsed = _parse(address)
    if isinstance(parsed, IPv6Address):
        return str(ip_network((int(parsed) >> _IPV6_SITE_BITS << _IPV6_SITE_BITS, _IPV6_SITE_BITS)))
    return address
