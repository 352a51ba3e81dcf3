from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.invariants import CHECKS


class Command(BaseCommand):
    help = "Check what must hold whatever has happened; say what does not, and then end with an error. Changes nothing."

    def handle(self, *args: Any, **options: Any) -> None:
        broken = 0
        for check in CHECKS:
            name = check.__name__.replace("_", " ")
            wrong = check()
            broken += bool(wrong)
            self.stdout.write(f"{'BROKEN' if wrong else 'ok':<7} {name}")
            for line in wrong:
                self.stdout.write(f"        {line}")
        if broken:
            raise CommandError(f"{broken} of {len(CHECKS)} invariants do not hold.")
