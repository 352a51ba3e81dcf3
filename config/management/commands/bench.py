import os
import signal
from argparse import ArgumentParser
from pathlib import Path
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from config.bench import report
from config.bench.contest import Result
from config.bench.errors import BenchFailed
from config.bench.run import SUITES, run
from config.embedded.errors import ServersError
from config.kernel import clock


class Command(BaseCommand):
    help = (
        "Measure the product beside peers in the same run and report ratios. Makes a database of its own on the server "
        "of TEST_SUPERUSER_URL (else DATABASE_URL), where it needs a superuser, and uses the Redis database of "
        "REDIS_URL, which must be empty. `make bench` starts both."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("suite", nargs="?", choices=(*SUITES, "all"), default="all")
        parser.add_argument("--rounds", type=int, default=5, help="samples of each side; the median counts (default 5)")
        parser.add_argument("--quick", action="store_true", help="a twentieth of the input and shorter samples")
        parser.add_argument("--json", type=Path, metavar="FILE", help="also write every round to this file")

    def handle(self, *args: Any, **options: Any) -> None:
        names = [*SUITES] if options["suite"] == "all" else [options["suite"]]
        superuser_url = os.environ.get("TEST_SUPERUSER_URL") or os.environ.get("DATABASE_URL")
        if not superuser_url:
            raise CommandError("Set DATABASE_URL to a superuser's, or run `make bench`, which starts a server.")
        if options["rounds"] < 1:
            raise CommandError("At least one round is needed.")
        signal.signal(signal.SIGTERM, _interrupt)
        try:
            results, server = run(
                names,
                superuser_url=superuser_url,
                redis_url=settings.REDIS_URL,
                rounds=options["rounds"],
                is_quick=options["quick"],
                say=self._say,
            )
        except (BenchFailed, ServersError) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            raise CommandError("Stopped; everything has been removed.", returncode=130) from None
        self._summarise(results, server)
        if options["json"]:
            options["json"].write_bytes(report.as_json(results, at=clock.now(), settings=server))

    def _summarise(self, results: dict[str, list[Result]], server: dict[str, Any]) -> None:
        self._say("\n=== summary")
        for held in results.values():
            for result in held:
                for line in report.lines(result):
                    self._say(line)
        for about in (report.machine(), report.versions(), server["postgres"]):
            self._say(", ".join(f"{name} {value}" for name, value in about.items()))

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
