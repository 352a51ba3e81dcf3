from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.kernel import clock
from config.kernel.progress import progress_bar
from markets.models import Asset
from markets.runs import block_rebuild


class Command(BaseCommand):
    help = "Check the price blocks against the daily bars and rewrite those that differ. May be stopped and run again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slugs", nargs="*", help="only these assets; default: all")
        parser.add_argument("--dry-run", action="store_true", help="count the blocks that differ; write nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        wanted = block_rebuild.asset_ids()
        if options["slugs"]:
            named = dict(Asset.objects.filter(slug__in=options["slugs"]).values_list("slug", "pk"))
            if missing := [slug for slug in options["slugs"] if slug not in named]:
                raise CommandError(f"No such asset: {', '.join(missing)}.")
            wanted = sorted(named.values())
        blocks = wrong = 0
        with progress_bar("Rebuilding", total=len(wanted), unit="assets") as done:
            for rebuilt in block_rebuild.perform(wanted, at=clock.now(), dry_run=options["dry_run"]):
                blocks += rebuilt.blocks
                wrong += rebuilt.wrong
                done(1)
        verb = "differ" if options["dry_run"] else "were rewritten"
        self.stdout.write(f"{blocks} blocks of {len(wanted)} assets checked; {wrong} {verb}.")
