from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.kernel.errors import Problem
from config.kernel.progress import progress_bar
from markets import feeds
from markets.models import SyncRun
from markets.providers.registry import FACTORIES
from markets.runs import sync


class Command(BaseCommand):
    help = "Fetch the latest quotes of the largest assets now."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--limit", type=int, default=sync.DEFAULT_LIMIT)
        parser.add_argument("--provider", choices=sorted(FACTORIES), help="default: in the order of the settings")
        parser.add_argument("--cross-check", action="store_true", help="have a second provider confirm the prices")
        parser.add_argument("--dry-run", action="store_true", help="say who would be asked; fetch nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        if not 1 <= options["limit"] <= sync.MAX_LIMIT:
            raise CommandError(f"--limit must be from 1 to {sync.MAX_LIMIT}.")
        try:
            if options["dry_run"]:
                names = ", then ".join(provider.name for provider in feeds.providers(options["provider"]))
                self.stdout.write(f"Would ask {names} for {options['limit']} assets.")
                return
            run = self._sync(options)
        except Problem as problem:
            raise CommandError(problem.message) from problem
        if run.state == SyncRun.State.FAILED:
            raise CommandError(f"The sync failed ({run.error_code}):\n{run.error}")
        self.stdout.write(
            f"{run.provider}: {run.received} received, {run.inserted} inserted, {run.updated} updated,"
            f" {run.unchanged} unchanged, {run.quarantined} quarantined."
        )

    def _sync(self, options: dict[str, Any]) -> SyncRun:
        reached = 0
        with progress_bar("Syncing", total=100, unit="%") as advance:

            def on_progress(percent: int) -> None:
                nonlocal reached
                advance(percent - reached)
                reached = percent

            parameters = sync.Parameters(options["limit"], options["provider"], options["cross_check"])
            return sync.sync(parameters, on_progress=on_progress)
