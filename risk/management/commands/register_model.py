from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.kernel import clock
from config.kernel.errors import Problem
from risk.actions import risk_models
from risk.models import RiskModel
from risk.parameters import Parameters


class Command(BaseCommand):
    help = (
        "Register the risk model that this code is. The first one of an installation is active and the headline;"
        " later ones are drafts until somebody activates them."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--set",
            action="append",
            default=[],
            metavar="NAME=VALUE",
            help="a parameter that differs from the default, as risk/parameters.py names it; may be repeated",
        )
        parser.add_argument("--activate", metavar="REASON", help="let it score and make it the headline")

    def handle(self, *args: Any, **options: Any) -> None:
        at = clock.now()
        try:
            chosen = dict(assignment.partition("=")[::2] for assignment in options["set"])
            model = risk_models.register(at=at, parameters=Parameters.of(Parameters().stored() | chosen))
            if options["activate"]:
                if model.state == RiskModel.State.DRAFT:
                    risk_models.activate(model, by=None, at=at, reason=options["activate"])
                risk_models.make_headline(model, by=None, at=at, reason=options["activate"])
        except Problem as problem:
            raise CommandError(problem.message) from problem
        model.refresh_from_db()
        headline = ", the headline" if model.is_headline else ""
        self.stdout.write(f"Risk model {model.version}: {model.state}{headline}.")
