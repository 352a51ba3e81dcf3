from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.kernel import clock
from config.kernel.errors import Problem
from config.kernel.progress import progress_bar
from markets.models import Asset
from risk.actions import risk_models
from risk.models import RiskModel
from risk.parameters import Parameters
from risk.runs import scoring

DEFAULTS = Parameters().stored()


class Command(BaseCommand):
    help = (
        "Register the risk model that this code is, with its own parameters or, by --set, with others. The first one of"
        " an installation is active and the headline; later ones are drafts until somebody activates them."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--set",
            nargs="+",
            default=[],
            metavar="NAME=VALUE",
            help="parameters that differ from the defaults: " + ", ".join(f"{n}={v}" for n, v in DEFAULTS.items()),
        )
        parser.add_argument(
            "--activate",
            metavar="REASON",
            help="let it score and make it the headline; where the headline shows scores, its own are calculated first",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        at = clock.now()
        try:
            model = risk_models.register(at=at, parameters=Parameters.of(DEFAULTS | _given(options["set"])))
            if options["activate"] is not None:
                if model.state == RiskModel.State.DRAFT:
                    risk_models.activate(model, by=None, at=at, reason=options["activate"])
                with progress_bar("Scoring", total=Asset.objects.listed().count(), unit="assets") as done:
                    scoring.put_in_charge(model, by=None, reason=options["activate"], on_progress=done)
        except Problem as problem:
            raise CommandError(problem.message) from problem
        model.refresh_from_db()
        headline = ", the headline" if model.is_headline else ""
        self.stdout.write(f"Risk model {model.version}: {model.state}{headline}.")


def _given(settings: list[str]) -> dict[str, str]:
    """Each NAME=VALUE; what has no value is told as any other value that cannot be."""
    return {name: value for name, _, value in (setting.partition("=") for setting in settings)}
