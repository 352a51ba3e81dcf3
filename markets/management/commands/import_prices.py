from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.kernel import clock
from config.kernel.progress import progress_bar
from markets.errors import MarketIsSimulated
from markets.providers.errors import ProviderError
from markets.providers.file import DailyFile
from markets.runs import price_import
from markets.runs.price_import import Parameters, Report

SHOWN = 20
RAW_SHOWN = 300


class Command(BaseCommand):
    help = (
        "Import daily prices from a CSV (plain, .gz, .xz) or Parquet file. The file is checked as a whole first;"
        " then all of it is stored, or nothing. Importing a file again changes nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--dry-run", action="store_true", help="check the file and say what it holds; store nothing"
        )
        parser.add_argument("--skip-bad", action="store_true", help="store the good rows although there are bad ones")
        parser.add_argument("--replace-demo", action="store_true", help="remove the simulated market first")
        parser.add_argument(
            "--day-shift",
            type=int,
            choices=(-1, 0),
            default=0,
            help="-1: the file dates a close by the midnight that ends the day",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        parameters = Parameters(
            path,
            day_shift=options["day_shift"],
            skip_bad=options["skip_bad"],
            replace_demo=options["replace_demo"],
            dry_run=options["dry_run"],
        )
        try:
            rows = DailyFile(path).scan()
            with (
                progress_bar("Checking", total=rows, unit="rows") as read,
                progress_bar("Storing", total=rows, unit="rows") as stored,
            ):
                report = price_import.perform(parameters, at=clock.now(), on_read=read, on_stored=stored)
        except MarketIsSimulated as error:
            raise CommandError(error.message) from error
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error.strerror}.") from error
        except ProviderError as error:
            raise CommandError(f"{path}: {error.detail.removeprefix(f'{path.name}: ')}") from error
        self._tell(path, report, parameters)

    def _tell(self, path: Path, report: Report, parameters: Parameters) -> None:
        for reject in report.rejects[:SHOWN]:
            self.stderr.write(f"line {reject.line}: {reject.reason}: {reject.detail or reject.raw[:RAW_SHOWN]}")
        if report.bad > SHOWN:
            self.stderr.write(f"... and {report.bad - SHOWN} more bad rows.")
        if report.bad and not report.is_stored and not parameters.dry_run:
            raise CommandError(
                f"{report.bad} of {report.rows} rows are bad, so nothing was imported."
                " Correct the file, or store the good rows with --skip-bad."
            )
        if not report.is_stored:
            self.stdout.write(
                f"{path.name}: {report.rows} rows of {report.assets} assets, {report.bad} bad."
                " Nothing was stored (dry run)."
            )
            return
        stored = report.stored
        self.stdout.write(
            f"{path.name}: {report.rows} rows of {report.assets} assets: {stored.inserted} inserted,"
            f" {stored.updated} updated, {stored.unchanged} unchanged, {report.bad} bad; {report.quoted} quotes set."
        )
