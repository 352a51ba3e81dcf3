from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.kernel import clock
from config.kernel.errors import Problem
from config.kernel.progress import progress_bar
from risk.backtest_table import COLUMNS, NOTES
from risk.runs import scoring


class Command(BaseCommand):
    help = (
        "Forecast value at risk and expected shortfall of every stored day as it would have been done, compare with"
        " what happened, and keep the result as the model's record."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--model", help="only this version; default: every active one")
        parser.add_argument("--since", type=date.fromisoformat, help="first day that is forecast")
        parser.add_argument("--until", type=date.fromisoformat, help="last day; default: yesterday")

    def handle(self, *args: Any, **options: Any) -> None:
        from risk.runs import backtesting

        at = clock.now()
        try:
            until = scoring.last_of(options["until"], since=options["since"], at=at)
            for model in scoring.models_of(options["model"], at=at):
                with progress_bar("Backtesting", total=None, unit="dates") as done:
                    found = backtesting.perform(model, until=until, since=options["since"], at=at, on_progress=done)
                self.stdout.write(
                    f"{model.version}: {found.forecasts} forecasts of {found.assets} assets"
                    f" on {found.days} days, {found.since} to {found.until}."
                )
                self._tell(found.results)
        except Problem as problem:
            raise CommandError(problem.message) from problem

    def _tell(self, results: Sequence[Mapping[str, Any]]) -> None:
        table = [[column.title for column in COLUMNS]]
        table += [[column.said(result) for column in COLUMNS] for result in results]
        widths = [max(len(cell) for cell in cells) for cells in zip(*table, strict=True)]
        for method, *others in table:
            cells = [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
            self.stdout.write("  ".join([method.ljust(widths[0]), *cells]))
        for note in NOTES:
            self.stdout.write(note)
