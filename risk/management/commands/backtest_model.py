from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.kernel import clock
from config.kernel.errors import Problem
from config.kernel.progress import progress_bar
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
        until = options["until"] or scoring.last_close(at)
        try:
            for model in scoring.models_of(options["model"], at=at):
                with progress_bar("Backtesting", total=None, unit="dates") as done:
                    found = backtesting.perform(model, until=until, since=options["since"], at=at, on_progress=done)
                self.stdout.write(
                    f"{model.version}: {found.forecasts} forecasts of {found.assets} assets,"
                    f" {found.since} to {found.until}."
                )
                self.stdout.write(
                    f"{'method':<16}{'level':>7}{'hits %':>9}{'wanted':>8}{'AS':>8}{'FZ0':>8}{'Kupiec %':>10}"
                    f"{'Christoffersen %':>18}"
                )
                for result in found.results:
                    self.stdout.write(
                        f"{result['method']:<16}{100 * result['level']:>7g}{_percent(result['rate']):>9}"
                        f"{_percent(result['expected_rate']):>8}{_plain(result['shortfall_statistic']):>8}"
                        f"{_plain(result['fz0']):>8}{_percent(result['kupiec_passed']):>10}"
                        f"{_percent(result['christoffersen_passed']):>18}"
                    )
        except Problem as problem:
            raise CommandError(problem.message) from problem


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.2f}"


def _plain(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
