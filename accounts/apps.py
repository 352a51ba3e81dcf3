from importlib import import_module

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "Accounts"

    def ready(self) -> None:
        # Not imported by the views: it imports them, by way of the framework's settings.
        import_module("accounts.api.documentation")
