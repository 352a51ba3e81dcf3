from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.kernel.errors import Problem
from risk.models import RiskScore


class Command(BaseCommand):
    help = "Calculate a stored score again; fails, and says what differs, unless every bit is the same."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("id", type=int, help="of the score")

    def handle(self, *args: Any, **options: Any) -> None:
        from risk.runs import recomputation

        score = RiskScore.objects.select_related("run__fit", "run__model", "model").filter(pk=options["id"]).first()
        if score is None:
            raise CommandError("There is no such score.")
        try:
            differences = recomputation.recompute(score)
        except Problem as problem:
            raise CommandError(problem.message) from problem
        for found in differences:
            self.stderr.write(f"{found.name}: stored {found.stored}, now {found.recomputed}")
        if differences:
            raise CommandError(f"Score {score.pk} is not the same.")
        self.stdout.write(f"Score {score.pk} is the same: {score.score}, input {score.input_hash}.")
