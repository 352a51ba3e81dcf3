from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.kernel import clock
from config.kernel.errors import Problem
from config.kernel.progress import progress_bar
from markets.models import Asset
from risk.models import RiskScore
from risk.runs import scoring


class Command(BaseCommand):
    help = "Score every listed asset as of a day's close, in this process or, with --request, by the workers."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--as-of", type=date.fromisoformat, help="default: yesterday, the last UTC day that is over"
        )
        parser.add_argument("--model", help="only this version; default: every active one")
        parser.add_argument("--assets", nargs="+", metavar="SLUG", help="show the scores of these, ranked among all")
        parser.add_argument("--request", action="store_true", help="ask the workers for it and do not wait")
        parser.add_argument("--dry-run", action="store_true", help="calculate and show; store no score")

    def handle(self, *args: Any, **options: Any) -> None:
        from risk.runs import course

        at = clock.now()
        as_of = options["as_of"] or scoring.last_close(at)
        if options["request"] and (options["dry_run"] or options["assets"]):
            raise CommandError(
                "Workers store what they score and show nothing: --request goes with neither --dry-run nor --assets."
            )
        shown = self._shown(options["assets"] or [])
        try:
            scoring.require_day(as_of, at=at)
            if options["request"]:
                job = scoring.request(None, scoring.Parameters(as_of.isoformat(), options["model"]), at=at)
                self.stdout.write(f"Asked for the scores as of {as_of}: job {job.pk}.")
                return
            for model in scoring.models_of(options["model"], at=at):
                with progress_bar("Scoring", total=Asset.objects.listed().count(), unit="assets") as done:
                    if options["dry_run"]:
                        rows = course.preview(course.plan(model, as_of, at=at), on_progress=done)
                    else:
                        run = course.score(model, as_of, on_progress=done)
                        rows = list(RiskScore.objects.filter(run=run, asset_id__in=shown))
                        counts = ", ".join(f"{count} {status}" for status, count in sorted(run.counts.items()))
                        self.stdout.write(f"{model.version} as of {as_of}: {counts}.")
                if options["dry_run"]:
                    scored = sum(row.score is not None for row in rows)
                    self.stdout.write(f"{model.version} as of {as_of}: would store {len(rows)} rows, {scored} scores.")
                for row in rows:
                    if row.asset_id in shown:
                        self.stdout.write(f"{shown[row.asset_id]:<24} {_told(row)}")
        except Problem as problem:
            raise CommandError(problem.message) from problem

    def _shown(self, slugs: list[str]) -> dict[int, str]:
        found = dict(Asset.objects.filter(slug__in=slugs).values_list("pk", "slug"))
        if missing := set(slugs) - set(found.values()):
            raise CommandError(f"No such asset: {', '.join(sorted(missing))}.")
        return found


def _told(row: RiskScore) -> str:
    if row.score is None:
        return f"{row.status}: {row.reason}"
    if row.status != RiskScore.Status.OK:
        return f"{row.score:5.1f} {row.band}: {row.reason}"
    return (
        f"{row.score:5.1f} {row.band}, 90 % interval {row.score_low_90:.1f} to {row.score_high_90:.1f},"
        f" percentile {row.percentile:.1f}, confidence {row.confidence}"
    )
