from argparse import ArgumentParser
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.kernel import clock
from config.kernel.errors import Problem
from config.kernel.progress import progress_bar
from markets.models import Asset
from risk.actions.score_runs import AlreadyScored
from risk.models import RiskModel, RiskScore
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
        at = clock.now()
        as_of = options["as_of"] or scoring.last_close(at)
        if options["request"] and (options["dry_run"] or options["assets"]):
            raise CommandError(
                "Workers store what they score and show nothing: --request goes with neither --dry-run nor --assets."
            )
        shown = self._shown(options["assets"] or [])
        work = self._preview if options["dry_run"] else self._score
        try:
            scoring.require_day(as_of, at=at)
            if options["request"]:
                job = scoring.request(None, scoring.Parameters(as_of.isoformat(), options["model"]), at=at)
                self.stdout.write(f"Asked for the scores as of {as_of}: job {job.pk}.")
                return
            done = [work(model, as_of, shown) for model in scoring.models_of(options["model"], at=at)]
        except Problem as problem:
            raise CommandError(problem.message) from problem
        if not any(done):
            raise CommandError(AlreadyScored.message)

    def _preview(self, model: RiskModel, as_of: date, shown: Mapping[int, str]) -> bool:
        from risk.runs import course

        with _progress() as on_progress:
            rows = course.preview(course.plan(model, as_of, at=clock.now()), on_progress=on_progress)
        scored = sum(row.score is not None for row in rows)
        self.stdout.write(f"{model.version} as of {as_of}: would store {len(rows)} rows, {scored} scores.")
        self._tell(rows, shown)
        return True

    def _score(self, model: RiskModel, as_of: date, shown: Mapping[int, str]) -> bool:
        """Whether there was anything to do: that a model has scored the day keeps no other one waiting."""
        from risk.runs import course

        try:
            with _progress() as on_progress:
                run = course.score(model, as_of, on_progress=on_progress)
        except AlreadyScored:
            self.stdout.write(f"{model.version} as of {as_of}: scored already, or being scored.")
            return False
        counts = ", ".join(f"{count} {status}" for status, count in sorted(run.counts.items()))
        self.stdout.write(f"{model.version} as of {as_of}: {counts}.")
        self._tell(RiskScore.objects.filter(run=run, asset_id__in=shown), shown)
        return True

    def _tell(self, rows: Iterable[RiskScore], shown: Mapping[int, str]) -> None:
        for row in rows:
            if row.asset_id in shown:
                self.stdout.write(f"{shown[row.asset_id]:<24} {_told(row)}")

    def _shown(self, slugs: list[str]) -> dict[int, str]:
        found = dict(Asset.objects.filter(slug__in=slugs).values_list("pk", "slug"))
        if missing := set(slugs) - set(found.values()):
            raise CommandError(f"No such asset: {', '.join(sorted(missing))}.")
        return found


def _progress() -> AbstractContextManager[Callable[[int], None]]:
    return progress_bar("Scoring", total=Asset.objects.listed().count(), unit="assets")


def _told(row: RiskScore) -> str:
    if row.score is None:
        return f"{row.status}: {row.reason}"
    if row.status != RiskScore.Status.OK:
        return f"{row.score:5.1f} {row.band}: {row.reason}"
    return (
        f"{row.score:5.1f} {row.band}, 90 % interval {row.score_low_90:.1f} to {row.score_high_90:.1f},"
        f" percentile {row.percentile:.1f}, confidence {row.confidence}"
    )
