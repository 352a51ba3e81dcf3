import json
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts.actions import people
from config.kernel import clock
from config.kernel.progress import progress_bar
from markets.runs import simulation
from markets.runs.simulation import MarketNotEmpty

ASSETS = 200
DAYS = 1_095
SEED = 1


class Command(BaseCommand):
    help = (
        "Make the demo: a simulated market of three years, if the market is empty, and one login per role, if missing."
        " Refused in production."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print what was made as one JSON object")
        parser.add_argument("--dry-run", action="store_true", help="say what would be made; make nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO or settings.ENVIRONMENT == "production":
            raise CommandError("The demo is off: set DEMO=true, which production refuses.")
        if options["dry_run"]:
            self.stdout.write(f"Would make {ASSETS} simulated assets with {DAYS} days, and one login per role.")
            return
        bars = self._market()
        logins = people.ensure_demo_people(at=clock.now())
        if options["json"]:
            self.stdout.write(json.dumps({"bars": bars, "logins": logins}))
            return
        self.stdout.write(f"Demo market: {bars} daily bars made." if bars else "The market has assets already.")
        for role, login in logins.items():
            self.stdout.write(f"{role:<10} {login['username']:<16} {login['password']}")

    def _market(self) -> int:
        parameters = simulation.Parameters(ASSETS, DAYS, SEED)
        try:
            with progress_bar("Demo market", total=None, unit="bars") as done:
                return simulation.perform(parameters, at=clock.now(), on_progress=done).inserted
        except MarketNotEmpty:
            return 0
