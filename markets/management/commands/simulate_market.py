from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.kernel import clock
from config.kernel.progress import progress_bar
from markets.runs import simulation
from markets.runs.simulation import MarketNotEmpty, Parameters


class Command(BaseCommand):
    help = "Fill an empty market with invented prices, labelled as simulated. The same arguments give the same numbers."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--assets", type=int, default=200)
        parser.add_argument("--days", type=int, default=1_095)
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--dry-run", action="store_true", help="say what would be made; store nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        parameters = Parameters(options["assets"], options["days"], options["seed"])
        if not (1 <= parameters.assets <= 20_000 and 1 <= parameters.days <= 6_000 and parameters.seed >= 0):
            raise CommandError("Give 1 to 20000 assets, 1 to 6000 days and a seed of 0 or more.")
        if options["dry_run"]:
            self.stdout.write(f"Would make {parameters.assets} assets with up to {parameters.days} daily bars each.")
            return
        try:
            with progress_bar("Simulating", total=None, unit="bars") as done:
                stored = simulation.perform(parameters, at=clock.now(), on_progress=done)
        except MarketNotEmpty as error:
            raise CommandError(error.message) from error
        self.stdout.write(
            f"{parameters.assets} simulated assets with {stored.inserted} daily bars, seed {parameters.seed}."
        )
