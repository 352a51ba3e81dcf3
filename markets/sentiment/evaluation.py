"""How well tones agree with what people said of the same texts."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal

Label = Literal["negative", "neutral", "positive"]
NEUTRAL_WITHIN = 0.1
"""Tones closer to zero are neutral; chosen on the texts for tuning."""

LABELS: tuple[Label, ...] = ("negative", "neutral", "positive")


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of predictions with labels; F1 is the plain mean over the labels that occur among the true ones."""

    size: int
    accuracy: float
    macro_f1: float


def label_of(tone: float, *, threshold: float) -> Label:
    """Neutral within the threshold on either side of zero, exclusive."""
    if tone >= threshold:
        return "positive"
    return "negative" if tone <= -threshold else "neutral"


def agreement(true: Sequence[Label], predicted: Sequence[Label]) -> Agreement:
    """Accuracy and macro-F1 after van Rijsbergen (1979); a label that is never right has an F1 of 0."""
    if not true or len(true) != len(predicted):
        raise ValueError("as many predictions as labels, and at least one")
    pairs = list(zip(true, predicted, strict=True))
    scores = []
    for label in LABELS:
        actual = sum(1 for told, _ in pairs if told == label)
        if not actual:
            continue
        said = sum(1 for _, guess in pairs if guess == label)
        hits = sum(1 for told, guess in pairs if told == guess == label)
        scores.append(2 * hits / (actual + said))
    return Agreement(len(pairs), sum(told == guess for told, guess in pairs) / len(pairs), sum(scores) / len(scores))


def is_for_tuning(text: str) -> bool:
    """Whether a text is among the third that may be looked at; the same text always is, in whatever file."""
    return sha256(text.strip().casefold().encode()).digest()[0] % 3 == 0
