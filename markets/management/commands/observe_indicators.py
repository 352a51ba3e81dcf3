from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.kernel.errors import Problem
from markets import feeds
from markets.models import SyncRun
from markets.runs import indicators


class Command(BaseCommand):
    help = "Fetch what is known of the market as a whole now: cap, volume, dominance, and the Fear & Greed index."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="say who would be asked; fetch nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["dry_run"]:
                names = ", then ".join(observer.name for observer in feeds.observers())
                self.stdout.write(f"Would ask {names}.")
                return
            runs = indicators.observe()
            fear_and_greed = indicators.observe_fear_and_greed()
        except Problem as problem:
            raise CommandError(problem.message) from problem
        for run in [*runs, fear_and_greed] if fear_and_greed else runs:
            self.stdout.write(_told(run))
        if runs[-1].state == SyncRun.State.FAILED:
            raise CommandError("No provider answered.")


def _told(run: SyncRun) -> str:
    if run.state == SyncRun.State.FAILED:
        return f"{run.provider}: failed ({run.error_code})."
    return (
        f"{run.provider}: {run.received} received, {run.inserted} inserted, {run.updated} updated,"
        f" {run.unchanged} unchanged, {run.quarantined} quarantined."
    )
