import csv
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from markets.sentiment import scorer
from markets.sentiment.evaluation import LABELS, NEUTRAL_WITHIN, Label, agreement, is_for_tuning, label_of

VADER_NEUTRAL_WITHIN = 0.05
"""As its authors advise."""

SCORERS: Mapping[str, Callable[[str], Label]] = {
    "always neutral": lambda text: "neutral",
    "plain VADER": lambda text: label_of(scorer.plain_vader(text), threshold=VADER_NEUTRAL_WITHIN),
    "ours": lambda text: label_of(scorer.assess(text).tone, threshold=NEUTRAL_WITHIN),
}

Labelled = Sequence[tuple[str, Label]]


class Command(BaseCommand):
    help = (
        "Measure the scorer on labelled texts beside plain VADER and beside calling everything neutral. Reads every"
        " news/*.csv with the columns text and label below REAL_DATA_DIR. The lexicon was tuned on a third of the texts"
        " that the hash of a text picks; the figures are those of the rest."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--folder", type=Path, help="default: REAL_DATA_DIR")
        parser.add_argument("--tuning", action="store_true", help="the third that was looked at, instead of the rest")

    def handle(self, *args: Any, **options: Any) -> None:
        folder = options["folder"] or settings.REAL_DATA_DIR
        if not folder:
            raise CommandError("Set REAL_DATA_DIR or give --folder: the labelled texts are not part of the product.")
        files = sorted((Path(folder) / "news").glob("*.csv"))
        if not files:
            raise CommandError(f"There are no labelled texts below {folder}.")
        self.stdout.write(f"{scorer.model_version()}, {'tuning third' if options['tuning'] else 'untouched rest'}")
        for file in files:
            texts = list(_labelled(file, tuning=options["tuning"]))
            if not texts:
                continue
            self.stdout.write(f"\n{file.name}: {len(texts)} texts, {_told_labels(texts)}")
            for name, judge in SCORERS.items():
                found = agreement([label for _, label in texts], [judge(text) for text, _ in texts])
                self.stdout.write(f"  {name:<16} macro-F1 {found.macro_f1:.3f}  accuracy {found.accuracy:.3f}")


def _labelled(file: Path, *, tuning: bool) -> Iterator[tuple[str, Label]]:
    """The texts of one part; labels that are none of the three, such as mixed, are left out."""
    by_name = {str(label): label for label in LABELS}
    with file.open(newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            label = by_name.get(row["label"])
            if label is not None and is_for_tuning(row["text"]) == tuning:
                yield row["text"], label


def _told_labels(texts: Labelled) -> str:
    return ", ".join(f"{sum(label == known for _, label in texts)} {known}" for known in LABELS)
