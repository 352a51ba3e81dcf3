import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from markets.providers.plain_text import plain


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("Bitcoin rises", "Bitcoin rises"),
        ("  <p>Bitcoin <b>rises</b></p>\n", "Bitcoin rises"),
        ("AT&amp;T &#8217;24 &lt;3", "AT&T \u201924 <3"),
        ("<img src=x onerror=alert(1)>Hi", "Hi"),
        ("&lt;img src=x onerror=alert(1)&gt;Hi", "Hi"),
        ("&amp;lt;script&amp;gt;alert(1)&amp;lt;/script&amp;gt;Hi", "Hi"),
        ("<script>alert(1)</script><style>b{}</style>Hi<!-- no -->", "Hi"),
        ("<scr\u200bipt>alert(1)</scr\u200bipt>Hi", "Hi"),
        ("Hi <script>alert(1)", "Hi"),
        ("Hi <a href='x", "Hi"),
        ("BTC <$50K, 3 < 4", "BTC <$50K, 3 < 4"),
        ("\u202eevil\u202c \u2066z\u2069\u200b\ufeffw\x00\x07", "evil zw"),
        ("line\none\u2028two\ttab", "line one two tab"),
        ("to the moon \U0001f680", "to the moon \U0001f680"),
        ("e\u0301te\u0301", "\u00e9t\u00e9"),
        ("", ""),
    ],
)
def test_markup_becomes_the_words_that_one_sees(markup: str, text: str) -> None:
    assert plain(markup, limit=100) == text


def test_long_text_is_cut_at_a_word() -> None:
    assert plain("one two three four", limit=12) == "one two…"
    assert plain("o" * 50, limit=12) == "o" * 11 + "…"


@given(st.text(alphabet=st.sampled_from("<>/!&;#&ltgamp script\u200b\u202e\"'=x"), max_size=200), st.integers(1, 50))
def test_nothing_that_looks_like_a_tag_is_left(markup: str, limit: int) -> None:
    text = plain(markup, limit=limit)

    assert len(text) <= limit
    assert not re.search(r"<[/!?a-zA-Z]", text)
    assert text.isprintable()


@pytest.mark.parametrize("piece", ["<a", "<!--", "&lt;", "<![CDATA[", "<a href='", "</", "<a =", "<script>", "&#"])
def test_hostile_repetition_costs_no_more_than_its_length(piece: str) -> None:
    started = time.monotonic()

    plain(piece * 1_000_000, limit=300)

    assert time.monotonic() - started < 30  # patterns that look back would take hours
