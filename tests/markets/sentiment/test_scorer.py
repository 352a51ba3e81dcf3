import math
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from markets.sentiment import scorer
from markets.sentiment.lexicon import TERMS


@given(st.text(max_size=300))
def test_whatever_is_said_the_numbers_keep_their_ranges(text: str) -> None:
    said = scorer.assess(text)

    assert -1 <= said.tone <= 1
    assert 0 <= said.negativity <= 1
    assert 0 <= said.confidence <= 1
    assert not set(said.events) & set(said.possible_events)


def test_a_single_word_has_the_tone_that_vader_s_formula_gives_it() -> None:
    said = scorer.assess("bridge hacked")

    # Hutto and Gilbert's squashing: s / sqrt(s * s + 15), with the lexicon's -3.3.
    assert said.tone == pytest.approx(-3.3 / math.sqrt(3.3**2 + 15), abs=1e-4)
    assert said.negativity == pytest.approx(3.3 / math.sqrt(3.3**2 + 15), abs=1e-9)
    assert said.confidence == 0.5


def test_a_text_without_known_words_says_nothing_and_is_believed_in_nothing() -> None:
    said = scorer.assess("Token generation event on Tuesday")

    assert (said.tone, said.negativity, said.confidence) == (0, 0, 0)


def test_good_news_beside_bad_ones_leave_the_negativity() -> None:
    alone, both = scorer.assess("bridge hacked"), scorer.assess("bridge hacked, token soars")

    assert both.tone > alone.tone
    assert both.negativity == alone.negativity
    assert both.confidence < alone.confidence


def test_words_that_agree_are_believed_more() -> None:
    assert scorer.assess("crash and plunge").confidence > scorer.assess("crash").confidence


def test_a_phrase_counts_as_one_however_it_is_set() -> None:
    assert scorer.assess("a rug pull").tone == scorer.assess("a rug-pull").tone == scorer.assess("a Rug  Pull").tone


def test_negation_works_with_a_printer_s_apostrophe() -> None:
    assert scorer.assess("It isn\u2019t bullish").tone == scorer.assess("It isn't bullish").tone < 0


def test_links_have_no_tone() -> None:
    assert scorer.assess("See https://example.com/hack-scam crash").tone == scorer.assess("See crash").tone


def test_the_version_names_the_words_it_judges_by(monkeypatch: pytest.MonkeyPatch) -> None:
    before = scorer.model_version()
    scorer.model_version.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr(scorer, "TERMS", {**TERMS, "hack": -1.0})
        changed = scorer.model_version()
    scorer.model_version.cache_clear()
    assert before != changed
    assert scorer.model_version() == before


def test_an_endless_text_is_judged_by_its_beginning() -> None:
    started = time.monotonic()

    scorer.assess("hack " * 1_000_000)

    assert time.monotonic() - started < 60  # quadratic work would take hours


def test_the_package_needs_neither_django_nor_the_network() -> None:
    code = (
        "import sys, importlib.util as u, types\n"
        "from markets.sentiment import scorer, daily, mentions, evaluation\n"
        "scorer.assess('hack')\n"
        "assert 'requests' not in sys.modules and 'httpx' not in sys.modules, sorted(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
