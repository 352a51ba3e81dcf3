"""Every class of words is heard in a sentence of the kind it was written for."""

import pytest

from markets.sentiment import events, scorer
from markets.sentiment.lexicon import LEXICON, TERMS

# Sentences of our own in the manner of headlines: class, sentence, and which way it points.
SENTENCES = [
    ("security", "Lending protocol drained in flash loan attack", -1),
    ("security", "Exchange patched the flaw and says funds are safe", 1),
    ("fraud", "Developers vanish in suspected rug pull", -1),
    ("insolvency", "Lender halts withdrawals and nears bankruptcy", -1),
    ("insolvency", "Estate repays creditors, who are made whole", 1),
    ("peg", "Stablecoin loses its peg overnight", -1),
    ("peg", "Stablecoin regains its peg", 1),
    ("legal", "Founder indicted after crackdown", -1),
    ("legal", "Judge agrees: lawsuit dismissed, company wins regulatory clarity", 1),
    ("market_down", "Tokens plunge in a bloodbath", -1),
    ("market_up", "Token soars to an all-time high", 1),
    ("adoption", "Bank expands custody with new partnership", 1),
    ("technology", "Rollup hails successful upgrade", 1),
    ("technology", "Team abandons its rollup", -1),
    ("outage", "Network halt after the chain stops producing blocks", -1),
    ("listing", "Exchange delists the token", -1),
    ("listing", "Exchange to list the token", 1),
    ("macro", "Recession looms as another rate hike nears", -1),
    ("slang", "Holders rekt, another shitcoin", -1),
    ("slang", "Diamond hands: to the moon", 1),
]


@pytest.mark.parametrize(("name", "sentence", "direction"), SENTENCES)
def test_a_sentence_of_its_class_points_the_right_way(name: str, sentence: str, direction: int) -> None:
    said = scorer.assess(sentence)

    assert said.tone * direction > 0.2
    assert any(term in sentence.lower() for term, valence in LEXICON[name].items() if valence * direction > 0)


def test_every_class_with_a_tone_has_a_sentence() -> None:
    assert {name for name, _, _ in SENTENCES} == set(LEXICON) - {"silenced"}


@pytest.mark.parametrize("term", LEXICON["silenced"])
def test_a_silenced_word_says_nothing(term: str) -> None:
    assert scorer.assess(f"They discuss {term} today").tone == 0
    assert scorer.plain_vader(f"They discuss {term} today") != 0


def test_a_term_belongs_to_one_class_is_in_lower_case_and_keeps_to_the_scale() -> None:
    assert len(TERMS) == sum(map(len, LEXICON.values()))
    assert all(term == term.lower().strip() and abs(valence) <= 4 for term, valence in TERMS.items())


@pytest.mark.parametrize(("term", "valence"), [(term, valence) for term, valence in TERMS.items() if valence])
def test_every_term_is_heard_as_it_is_written(term: str, valence: float) -> None:
    assert scorer.assess(f"They say {term} here").tone * valence > 0 or events.find(term)
