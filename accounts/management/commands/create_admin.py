import os
from argparse import ArgumentParser
from getpass import getpass
from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.core.management.base import BaseCommand, CommandError

from accounts.actions import people
from config.kernel import clock
from config.kernel.errors import ValidationFailed

PASSWORD = "ADMIN_PASSWORD"  # noqa: S105 - the name of a variable


class Command(BaseCommand):
    help = (
        "Create an active administrator: the first one of an installation, who approves the others. Asks for the "
        f"password, or takes it from the environment variable {PASSWORD}."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")
        parser.add_argument("email")

    def handle(self, *args: Any, **options: Any) -> None:
        password = os.environ.get(PASSWORD) or getpass("Password: ")
        try:
            admin = people.create_admin(options["username"], options["email"], password, at=clock.now())
        except ValidationFailed as error:
            raise CommandError(_sentences(error.details["fields"])) from error
        except DjangoValidationError as error:
            raise CommandError(_sentences(error.message_dict)) from error
        self.stdout.write(
            f"{admin.username} may now log in at /admin/ and is asked there for a second factor, if one is needed."
        )


def _sentences(fields: Any) -> str:
    return "\n".join(f"{name}: {' '.join(complaints)}" for name, complaints in fields.items())
