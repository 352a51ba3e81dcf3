"""Links as strangers send them: the same page under one address, and only addresses that a reader may follow."""

from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

MAX_LENGTH = 1_000
_TRACKING = frozenset(("fbclid", "gclid", "mc_cid", "mc_eid", "igshid", "ref_src", "cmpid"))
_PORTS = {"http": "80", "https": "443"}


def canonical(link: str) -> str | None:
    """The link without fragment and without what only tracks the reader; None unless it is http or https.

    A user, a password or a control character makes it none, too: such links are made to be misread.
    """
    link = link.strip()
    if not link.isprintable() or " " in link or "\\" in link:
        return None
    try:
        parts = urlsplit(link)
        port = parts.port
        host = (parts.hostname or "").encode("idna").decode("ascii")
    except (ValueError, UnicodeError):
        return None
    if parts.scheme not in _PORTS or not host.strip(".") or "@" in parts.netloc:
        return None
    netloc = f"[{host}]" if ":" in host else host
    if port is not None and str(port) != _PORTS[parts.scheme]:
        netloc = f"{netloc}:{port}"
    query = [
        (name, value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
        if not name.lower().startswith("utm_") and name.lower() not in _TRACKING
    ]
    path = quote(parts.path, safe="/%:@!$&'()*+,;=-._~") or "/"
    address = urlunsplit((parts.scheme, netloc, path, urlencode(query), ""))
    return address if len(address) <= MAX_LENGTH else None
