"""The tone of a text: VADER's grammar over VADER's words and ours, with the events heard first."""

import math
import re
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Any

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from markets.sentiment import events
from markets.sentiment.events import Event
from markets.sentiment.lexicon import TERMS, VERSION

MAX_LENGTH = 4_000
"""Characters that are judged: a headline with its summary is shorter, and VADER's work grows with the square."""

_ALPHA = 15.0  # of VADER's own squashing of a sum into [-1, 1]
_TYPEWRITER = str.maketrans("\u2018\u2019\u201c\u201d\u2013\u2014\u00a0", "''\"\"-- ")
"""VADER knows "isn't" as it is typed, not as it is set."""

_LINK = re.compile(r"https?://\S+")
_MASK = "that"  # a word without a tone in place of an event that is denied


@dataclass(frozen=True, slots=True)
class Assessment:
    """What a text says.

    `tone` runs from -1 to 1. `negativity`, from 0 to 1, counts the bad words alone, whatever good ones stand beside
    them. `confidence` is 0 where no word was known and nears 1 the more were found that agree: how much the text says,
    not how likely the tone is right. `events` are asserted, `possible_events` are not.
    """

    tone: float
    negativity: float
    confidence: float
    events: tuple[str, ...]
    possible_events: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Sums:
    compound: float
    valences: tuple[float, ...]


class _Analyzer(SentimentIntensityAnalyzer):
    """VADER that also tells what it heard, word by word."""

    def score_valence(self, sentiments: list[float], text: str) -> _Sums:
        """What VADER makes of the words' valences, and the valences."""
        compound = super().score_valence(sentiments, text)["compound"] if sentiments else 0.0
        return _Sums(float(compound), tuple(float(valence) for valence in sentiments))


def assess(text: str, *, year: int | None = None) -> Assessment:
    """Judge a text of a year. Pure: the same words give the same numbers wherever `model_version` is the same."""
    clean = _LINK.sub(" ", text[:MAX_LENGTH].translate(_TYPEWRITER))
    found = events.find(clean, year=year)
    sums: _Sums = _analyzer().polarity_scores(_joined(_without(clean, found)))
    heard = [valence for valence in sums.valences if valence]
    strength = math.fsum(abs(valence) for valence in heard)
    bad = math.fsum(-valence for valence in heard if valence < 0)
    agreement = abs(math.fsum(heard)) / strength if strength else 0.0
    asserted = dict.fromkeys(event.kind for event in found if event.standing == "asserted")
    possible = dict.fromkeys(event.kind for event in found if event.standing == "possible")
    return Assessment(
        tone=max(-1.0, min(1.0, sums.compound)),
        negativity=bad / math.sqrt(bad * bad + _ALPHA),
        confidence=agreement * len(heard) / (len(heard) + 1),
        events=tuple(asserted),
        possible_events=tuple(kind for kind in possible if kind not in asserted),
    )


@lru_cache(maxsize=1)
def model_version() -> str:
    """Names the words, the rules and the grammar that `assess` judges by; another one judges differently."""
    content = sha256(_analyzer().lexicon_full_filepath.encode())
    content.update(repr(sorted(TERMS.items())).encode())
    content.update(repr(events.written()).encode())
    return f"lexicon-{VERSION}-{content.hexdigest()[:8]}"


def plain_vader(text: str) -> float:
    """The tone by VADER alone, as it comes, to compare with."""
    return float(_plain().polarity_scores(text[:MAX_LENGTH])["compound"])


def _without(text: str, found: list[Event]) -> str:
    """The text with a toneless word in place of every event that it denies."""
    pieces = []
    position = 0
    for event in found:
        if event.standing == "denied" and event.start >= position:
            pieces += [text[position : event.start], _MASK]
            position = event.end
    return "".join([*pieces, text[position:]])


def _joined(text: str) -> str:
    """The text with every phrase of ours as one word, which is how VADER can hear it."""
    return _PHRASES.sub(lambda match: _key(match[0]), text)


def _key(term: str) -> str:
    return re.sub(r"[\s-]+", "_", term)


_COMPOUNDS = sorted((term for term in TERMS if re.search(r"[\s-]", term)), key=len, reverse=True)
_PHRASES = re.compile(
    r"(?<![\w-])(?:"
    + "|".join(re.sub(r"(?:\\[ -])+", r"[\\s-]+", re.escape(term)) for term in _COMPOUNDS)
    + r")(?![\w-])",
    re.IGNORECASE,
)


@lru_cache(maxsize=1)
def _analyzer() -> Any:
    analyzer = _Analyzer()
    for term, valence in TERMS.items():
        key = _key(term)
        if valence:
            analyzer.lexicon[key] = valence
        else:
            analyzer.lexicon.pop(key, None)
    return analyzer


@lru_cache(maxsize=1)
def _plain() -> Any:
    return SentimentIntensityAnalyzer()
