"""What must never reach a log: secrets by the name they go under, and by what they look like."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

HIDDEN = "[redacted]"
MAX_TEXT = 4_000
MAX_TRACE = 40_000
_MAX_DEPTH = 6

_SECRET_NAMES = frozenset(
    {"password", "passwd", "passphrase", "pwd", "secret", "otp", "totp", "recovery_code", "recovery_codes"}
    | {"token", "access", "refresh", "jwt", "authorization", "credential", "credentials"}
    | {"cookie", "set_cookie", "session_id", "sessionid", "session_key", "csrftoken"}
    | {"api_key", "apikey", "private_key", "secret_key", "signing_key", "master_key"}
)
# Name endings such as `new_password` or `X-CMC_PRO_API_KEY`.
_SECRET_ENDINGS = (
    *("_password", "_secret", "_token", "_otp"),
    *("_api_key", "_private_key", "_secret_key", "_signing_key", "_master_key"),
)

_LINE_SECRET = re.compile(r"(?P<name>\b(?:authorization|(?:set-)?cookie)[\"']?\s{0,3}[=:])[^\r\n]+", re.IGNORECASE)
_ASSIGNMENT = re.compile(
    r"(?P<name>(?:password|passwd|passphrase|pwd|secret|token|access|refresh|api[_-]?key|otp|session_?id|csrftoken"
    r"|private_key|secret_key|signature)[\"']?\s{0,3}[=:]\s{0,3})"
    r"(?P<value>\"[^\"]*\"?|'[^']*'?|[^\s,;&\"'}\])]+)",
    re.IGNORECASE,
)
_SCHEME = re.compile(r"\b(?P<scheme>bearer|basic|api-key)\s{1,3}[\w.~+/=-]+", re.IGNORECASE)
_JWT = re.compile(r"\beyJ[\w-]{5,}\.[\w-]+(?:\.[\w-]*)?")
_USERINFO = re.compile(r"://(?P<user>[^:/\s@]{0,100}):[^\s/]{1,200}@")
_EMAIL = re.compile(r"(?P<first>[\w%+-])[\w.%+-]{0,63}@(?P<domain>[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8})")
# Providers mark their keys with a prefix; anything long of mixed case and digits is taken for one as well.
_MARKED_KEY = re.compile(r"\b(?:tp_live_\w{16,}|CG-\w{16,}|sk_\w{16,}|xkeysib-[\w-]{16,}|AKIA\w{12,}|AIza[\w-]{20,})")
_LONG_WORD = re.compile(r"(?<![\w/-])[\w-]{32,}")


def redact(event: Mapping[Any, Any]) -> dict[str, Any]:
    """A copy of a log event in which secrets are hidden and e-mail addresses shortened to `a***@domain`."""
    return _clean_mapping(event, 0)


def shortened(address: str) -> str:
    """An e-mail address as it may be shown: `a***@domain`."""
    name, _, domain = address.rpartition("@")
    return f"{name[:1]}***@{domain}"


def scrub(text: str, max_length: int = MAX_TEXT) -> str:
    """`text` without secrets, at most `max_length` characters of it, and nothing that UTF-8 cannot carry."""
    if len(text) > max_length:
        text = f"{text[:max_length]}... ({len(text)} characters)"
    if not text.isascii():
        text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    if "=" in text or ":" in text:
        text = _USERINFO.sub(rf"://\g<user>:{HIDDEN}@", text)
        text = _LINE_SECRET.sub(rf"\g<name> {HIDDEN}", text)
        text = _ASSIGNMENT.sub(rf"\g<name>{HIDDEN}", text)
    if len(text) > 8:
        text = _SCHEME.sub(rf"\g<scheme> {HIDDEN}", text)
        if "eyJ" in text:
            text = _JWT.sub(HIDDEN, text)
        text = _MARKED_KEY.sub(HIDDEN, text)
    if len(text) >= 32:
        text = _LONG_WORD.sub(_hide_key, text)
    if "@" in text:
        text = _EMAIL.sub(r"\g<first>***@\g<domain>", text)
    return text


def _hide_key(found: re.Match[str]) -> str:
    """Hides what mixes both cases and digits; identifiers, UUIDs and digests in hexadecimal stay readable."""
    word = found[0]
    mixed = word.lower() != word != word.upper() and any(character.isdigit() for character in word)
    return HIDDEN if mixed else word


@lru_cache(maxsize=2_048)
def _is_secret(name: str) -> bool:
    plain = name.lower().replace("-", "_")
    return plain in _SECRET_NAMES or plain.endswith(_SECRET_ENDINGS)


def _clean_mapping(mapping: Mapping[Any, Any], depth: int) -> dict[str, Any]:
    cleaned = {}
    for key, value in mapping.items():
        name = key if isinstance(key, str) and key.isidentifier() and key.isascii() else scrub(str(key))
        cleaned[name] = HIDDEN if _is_secret(name) else _clean(name, value, depth)
    return cleaned


def _clean(name: str, value: Any, depth: int) -> Any:
    if isinstance(value, str):
        if name in _OURS:
            return value
        return scrub(value, MAX_TRACE if name == "exception" else MAX_TEXT)
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if depth >= _MAX_DEPTH:
        return "..."
    if isinstance(value, Mapping):
        return _clean_mapping(value, depth + 1)
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_clean(name, inner, depth + 1) for inner in value]
    return scrub(str(value))


# Written by us on every line, from a closed set of forms: not worth a search each.
_OURS = frozenset(("timestamp", "level", "request_id", "method"))
