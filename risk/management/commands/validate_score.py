from argparse import ArgumentParser
from datetime import date
from math import isnan
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.kernel import clock
from config.kernel.errors import Problem
from config.kernel.progress import progress_bar
from risk.runs import scoring

_TITLES = {
    "rho_volatility": "rho volatility",
    "rho_shortfall": "rho ES10",
    "rho_drawdown": "rho drawdown",
    "auc_fall": "AUC fall > 30 %",
    "monotone_steps": "monotone steps",
    "fall_rate_difference": "falls, D10 - D1",
}

_QUARTERLY = (0.88, 0.92)
"""Between which the 90 % interval is to cover in every quarter: docs/risk/protocol.md."""


class Command(BaseCommand):
    help = (
        "Validate the score by docs/risk/protocol.md on the history that is loaded, beside EWMA, trailing volatility"
        " and market cap, and say where it loses."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--model", help="a version; default: the headline")
        parser.add_argument("--since", type=date.fromisoformat, help="first date that is judged")
        parser.add_argument("--until", type=date.fromisoformat, help="last day; default: that of the last price")

    def handle(self, *args: Any, **options: Any) -> None:
        from risk import frames
        from risk.runs import validating

        at = clock.now()
        try:
            until = scoring.last_of(options["until"], since=options["since"], at=at)
            # Dates are counted back from the last price: they are the same whenever somebody asks.
            until = frames.last_day(until) or until
            models = scoring.models_of(options["model"], at=at)
            model = next((model for model in models if model.is_headline), models[0])
            with progress_bar("Validating", total=None, unit="dates") as done:
                reports = validating.perform(model, until=until, since=options["since"], on_progress=done)
        except Problem as problem:
            raise CommandError(problem.message) from problem
        self.stdout.write(f"Model {model.version}, history through {until}.")
        for name, report in reports.items():
            self._tell(name, report)

    def _tell(self, name: str, report: Any) -> None:
        self.stdout.write(
            f"\n{name}: {report.dates} dates, {report.outcomes} outcomes, {100 * report.fall_rate:.0f} % fell by 30 %."
        )
        self.stdout.write(f"{'':<14}" + "".join(f"{title:>17}" for title in [*_TITLES.values(), "AUC, all dates"]))
        for order, metrics in report.metrics.items():
            values = [*(metrics[metric] for metric in _TITLES), report.pooled_auc[order]]
            self.stdout.write(f"{order:<14}" + "".join(f"{_told(value):>17}" for value in values))
        for metric, found in report.against_benchmark.items():
            self.stdout.write(
                f"score less EWMA, {_TITLES[metric]}: {found.mean:+.3f} [{_told(found.low)}, {_told(found.high)}],"
                f" better on {100 * found.share_of_dates:.0f} % of dates"
            )
        for (of, level), found in report.coverage.items():
            quarters = list(found.by_quarter.values())
            self.stdout.write(
                f"{100 * level:.0f} % interval of the {of}: covered {100 * found.share:.1f} %, by quarter"
                f" {100 * min(quarters):.0f} to {100 * max(quarters):.0f} %, mean width {found.width:.1f}"
            )
        quarterly = report.coverage["score", 0.9].by_quarter
        low, high = _QUARTERLY
        held = sum(low <= share <= high for share in quarterly.values())
        self.stdout.write(
            f"of these {held} of {len(quarterly)} quarters between {100 * low:.0f} and {100 * high:.0f} %: "
            + ", ".join(f"{quarter} {100 * share:.0f}" for quarter, share in quarterly.items())
        )
        lost = ", ".join(_TITLES[metric] for metric in report.lost)
        self.stdout.write(f"We lose to EWMA on: {lost}." if lost else "We do not lose to EWMA on any of these.")


def _told(value: float) -> str:
    return "-" if isnan(value) else f"{value:.3f}"
