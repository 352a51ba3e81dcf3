from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from markets import feeds
from markets.models import SyncRun
from markets.runs import news


class Command(BaseCommand):
    help = "Read the news feeds now. Feeds are added, changed and disabled in the admin."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("feed", nargs="?", help="only this one, by its slug")
        parser.add_argument("--dry-run", action="store_true", help="say which feeds would be read; fetch nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        known = [feed for feed, _ in feeds.news_readers()]
        wanted = [feed for feed in known if options["feed"] in (None, feed.slug)]
        if not wanted:
            slugs = ", ".join(feed.slug for feed in known) or "none; a simulated market has no news"
            raise CommandError(f"There is nothing to read. Feeds that may be read: {slugs}.")
        if options["dry_run"]:
            for feed in wanted:
                self.stdout.write(f"Would read {feed.name} at {feed.url}.")
            return
        runs = news.collect(options["feed"])
        for run in runs:
            self.stdout.write(
                f"{run.provider}: failed ({run.error_code})."
                if run.state == SyncRun.State.FAILED
                else f"{run.provider}: {run.received} received, {run.inserted} new, {run.updated} rewritten,"
                f" {run.unchanged} known, {run.quarantined} quarantined."
            )
        if all(run.state == SyncRun.State.FAILED for run in runs):
            raise CommandError("No feed could be read.")
