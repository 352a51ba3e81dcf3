from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.actions import role_groups


class Command(BaseCommand):
    help = "Bring the groups of the admin site in line with the table of roles. Run it after every migration."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            changes = role_groups.sync()
        except role_groups.UnknownPermission as error:
            raise CommandError(str(error)) from error
        for change in changes:
            self.stdout.write(change)
        if not changes:
            self.stdout.write("Roles: nothing to change.")
