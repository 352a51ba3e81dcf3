from argparse import ArgumentParser
from datetime import UTC, date, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.kernel import clock
from config.kernel.errors import Problem
from config.kernel.progress import progress_bar
from markets.actions.bars import StoredBars
from markets.providers.errors import ProviderError
from markets.providers.registry import FACTORIES
from markets.runs import backfill

MAX_DAYS = 10_000


class Command(BaseCommand):
    help = (
        "Fetch the daily history of known assets, the largest first. May be stopped and run again: what is covered"
        " already is not asked for twice."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slugs", nargs="*", help="only these assets")
        parser.add_argument("--days", type=int, default=365, help="how many complete days back; default 365")
        parser.add_argument("--start", type=date.fromisoformat, help="first day, instead of --days")
        parser.add_argument("--limit", type=int, default=200, help="how many assets; default 200")
        parser.add_argument("--provider", choices=sorted(FACTORIES))
        parser.add_argument("--again", action="store_true", help="also ask for what is covered already")
        parser.add_argument("--dry-run", action="store_true", help="say what would be asked for; fetch nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        if not 1 <= options["days"] <= MAX_DAYS or options["limit"] < 1:
            raise CommandError(f"--days must be from 1 to {MAX_DAYS}, and --limit at least 1.")
        end = clock.now().astimezone(UTC).date()
        start = options["start"] or end - timedelta(days=options["days"])
        if start >= end:
            raise CommandError("The window must start before today.")
        parameters = backfill.Parameters(
            start, end, options["limit"], tuple(options["slugs"]), options["provider"], options["again"]
        )
        try:
            provider, assets = backfill.plan(parameters)
            if options["dry_run"]:
                self.stdout.write(f"Would ask {provider.name} for {len(assets)} assets from {start} to {end}.")
                return
            total = StoredBars()
            with progress_bar("Backfilling", total=len(assets), unit="assets") as done:
                for result in backfill.perform(parameters, provider=provider, assets=assets):
                    total += result.stored
                    if result.error:
                        self.stderr.write(f"{result.asset.slug}: {result.error}")
                    done(1)
        except Problem as problem:
            raise CommandError(problem.message) from problem
        except ProviderError as error:
            raise CommandError(f"{error}\nWhat was fetched is stored; run the command again to go on.") from error
        self.stdout.write(
            f"{len(assets)} assets: {total.inserted} bars inserted, {total.updated} updated,"
            f" {total.unchanged} unchanged."
        )
