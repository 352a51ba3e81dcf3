"""Progress bars of commands: shown to a person, silent in logs and pipes."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tqdm import tqdm


@contextmanager
def progress_bar(label: str, *, total: int | None, unit: str) -> Iterator[Callable[[int], None]]:
    """Gives a function that is told how many units more are done."""
    with tqdm(total=total, desc=label, unit=f" {unit}", file=sys.stderr, disable=not sys.stderr.isatty()) as bar:

        def advance(done: int) -> None:
            bar.update(done)

        yield advance
