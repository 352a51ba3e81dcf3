"""The admin site of the product: Django's own, with a name and a sign that says where one is."""

from typing import Any

from django.conf import settings
from django.contrib.admin import AdminSite
from django.contrib.admin.apps import AdminConfig as DjangoAdminConfig
from django.http import HttpRequest

DEMO_BANNER = "Demo: the people and the market on this site are made up."


class ProductAdminSite(AdminSite):
    site_header = "Crypto platform"
    site_title = "Crypto platform"
    index_title = "Administration"

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Every page also knows the environment it runs in, and whether its data are made up."""
        return {
            **super().each_context(request),
            "environment_label": settings.ENVIRONMENT,
            "demo_banner": DEMO_BANNER if settings.DEMO else "",
        }


class AdminConfig(DjangoAdminConfig):
    """Makes the site above `django.contrib.admin.site`."""

    default_site = "config.admin_site.ProductAdminSite"
