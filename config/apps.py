from django.apps import AppConfig


class ProductConfig(AppConfig):
    """The roof as an app of its own, for the commands that need all the others."""

    name = "config"
    verbose_name = "Product"

    def ready(self) -> None:
        """Let lower apps show what higher ones know."""
        from markets import risk_port
        from risk.queries import verdicts

        risk_port.PORT.offer(verdicts.RELATION)
