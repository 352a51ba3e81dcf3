from argparse import ArgumentParser
from datetime import date, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.kernel import clock
from config.kernel.errors import Problem
from config.kernel.progress import progress_bar
from risk.actions.score_runs import AlreadyScored
from risk.errors import NothingToScore
from risk.runs import scoring


class Command(BaseCommand):
    help = (
        "Score past days, the earliest first, each by what was known at its close. May be stopped and run again: what"
        " is scored already stays as it is."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--since", type=date.fromisoformat, required=True, help="first day")
        parser.add_argument("--until", type=date.fromisoformat, help="last day; default: yesterday")
        parser.add_argument("--model", help="only this version; default: every active one")

    def handle(self, *args: Any, **options: Any) -> None:
        from risk.runs import course, realised

        at = clock.now()
        since = options["since"]
        scored = skipped = empty = 0
        try:
            until = scoring.last_of(options["until"], since=since, at=at)
            models = scoring.models_of(options["model"], at=at)
            days = [since + timedelta(days=day) for day in range((until - since).days + 1)]
            with progress_bar("Backfilling", total=len(days) * len(models), unit="runs") as done:
                for day in days:
                    for model in models:
                        try:
                            course.score(model, day)
                            scored += 1
                        except AlreadyScored:
                            skipped += 1
                        except NothingToScore:
                            empty += 1
                        done(1)
            stored = realised.record(through=scoring.last_close(at), since=since)
        except Problem as problem:
            raise CommandError(problem.message) from problem
        self.stdout.write(
            f"{scored} runs, {skipped} were there already, {empty} had nobody to score; outcomes recorded:"
            f" {stored['day']} of the next day, {stored['month']} of the next 30 days."
        )
