"""The admin site of the product: Django's own, with a name and signs that say where one is and what is made up."""

from typing import Any

from django.conf import settings
from django.contrib.admin import AdminSite
from django.contrib.admin.apps import AdminConfig as DjangoAdminConfig
from django.http import HttpRequest

DEMO_BANNER = "Demo: the people on this site are made up."
SIMULATED_BANNER = "Simulated market: every price on this site is invented."


class ProductAdminSite(AdminSite):
    site_header = "Crypto platform"
    site_title = "Crypto platform"
    index_title = "Administration"

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Every page also knows the environment it runs in, and whether its data are made up."""
        # Django imports this module before there are any models.
        from markets.actions import market

        banners = {DEMO_BANNER: settings.DEMO, SIMULATED_BANNER: market.simulation() is not None}
        return {
            **super().each_context(request),
            "environment_label": settings.ENVIRONMENT,
            "banners": [banner for banner, is_shown in banners.items() if is_shown],
        }


class AdminConfig(DjangoAdminConfig):
    """Makes the site above `django.contrib.admin.site`."""

    default_site = "config.admin_site.ProductAdminSite"
