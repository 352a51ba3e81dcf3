"""Text as strangers send it, made harmless: no markup, no characters that hide, reorder or steer."""

import re
import unicodedata
from html import unescape

RAW_LIMIT = 10_000  # characters of markup that are looked at; what is kept is far shorter
_ROUNDS = 3  # markup within escaped markup within escaped markup
# Patterns rather than a parser: each walks over the text once, whatever it holds. What is not closed goes to the end.
_SILENT = re.compile(r"<(script|style)\b.*?(?:</\1\s*>|\Z)", re.DOTALL | re.IGNORECASE)
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_TAG = re.compile(r"<[/!?a-zA-Z][^<>]*>?")
_BLANKS = re.compile(r"\s+")
_HIDDEN = frozenset(("Cc", "Cf", "Cs", "Co", "Cn"))
_SEPARATORS = frozenset("\t\n\r\f\v\x85\u2028\u2029")


def plain(markup: str, *, limit: int) -> str:
    """The words of some HTML on one line, at most `limit` characters, cut at a word where that is possible."""
    text = _stripped(markup[:RAW_LIMIT])
    for _ in range(_ROUNDS):
        before, text = text, _stripped(unescape(text))
        if text == before:
            break
    return _cut(unicodedata.normalize("NFC", _BLANKS.sub(" ", text).strip()), limit)


def _stripped(markup: str) -> str:
    # First what cannot be seen: it could hide a tag from the patterns.
    signs = (" " if sign in _SEPARATORS else sign for sign in markup)
    visible = "".join(sign for sign in signs if unicodedata.category(sign) not in _HIDDEN)
    return _TAG.sub(" ", _COMMENT.sub(" ", _SILENT.sub(" ", visible)))


def _cut(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    head = text[: limit - 1]
    words, _, last = head.rpartition(" ")
    return (words if len(last) <= limit // 4 and words else head).rstrip() + "…"
