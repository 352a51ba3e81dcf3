from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import models, transaction

from accounts.encryption import EncryptedTextField, SecretUnreadable
from accounts.models import TotpDevice
from config.kernel.progress import progress_bar

ENCRYPTED: tuple[type[models.Model], ...] = (TotpDevice,)


class Command(BaseCommand):
    help = (
        "Encrypt every stored secret anew with the first key of ENCRYPTION_MASTER_KEY. Put the new key before the old "
        "one, restart everything, run this, and then take the old key away."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only read every secret; change nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        for model in ENCRYPTED:
            fields = [field.name for field in model._meta.fields if isinstance(field, EncryptedTextField)]
            keys = list(model._default_manager.order_by("pk").values_list("pk", flat=True))
            with progress_bar(str(model._meta.verbose_name_plural), total=len(keys), unit="rows") as done:
                for key in keys:
                    self._rotate(model, key, fields, is_dry_run=options["dry_run"])
                    done(1)
            verb = "can be read" if options["dry_run"] else "encrypted with the newest key"
            self.stdout.write(f"{len(keys)} {model._meta.verbose_name_plural} {verb}.")

    @transaction.atomic
    def _rotate(self, model: type[models.Model], key: Any, fields: list[str], *, is_dry_run: bool) -> None:
        try:
            row = model._default_manager.select_for_update().filter(pk=key).values(*fields).first()
        except SecretUnreadable as error:
            raise CommandError(f"{model._meta.verbose_name} {key}: {error}") from error
        if row is not None and not is_dry_run:
            model._default_manager.filter(pk=key).update(**row)
