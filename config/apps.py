from django.apps import AppConfig


class ProductConfig(AppConfig):
    """The roof as an app of its own, for the commands that need all the others."""

    name = "config"
    verbose_name = "Product"
