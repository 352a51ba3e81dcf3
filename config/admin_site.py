"""The admin site of the product: Django's own, with a name and signs that say where one is and what is made up."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.admin import AdminSite
from django.contrib.admin.apps import AdminConfig as DjangoAdminConfig
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern, URLResolver, path
from django.views.decorators.cache import never_cache

from config.kernel import clock

DEMO_BANNER = "Demo: the people on this site are made up."
SIMULATED_BANNER = "Simulated market: every price on this site is invented."
SIGNED_IN_AT = "signed_in_at"  # in the session, seconds since 1970


class ProductAdminSite(AdminSite):
    """Staff enter with their password and, where `ADMIN_REQUIRE_2FA` says so, with a second factor.

    Django imports this module before there are any models, so what needs them is imported where it is used.
    """

    site_header = "Crypto platform"
    site_title = "Crypto platform"
    index_title = "Administration"
    login_template = "admin/accounts/login.html"

    @property
    def login_form(self) -> type[Any]:  # type: ignore[override]
        from accounts.admin.login import LoginForm

        return LoginForm

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Who has just come in with everything asked for is remembered as such; who lacks a second factor gets one."""
        from accounts.actions import audit, two_factor
        from accounts.admin.two_factor import SHOWN

        if request.method == "GET" and self._lacks_second_factor(request) and not self._is_over(request):
            return redirect("admin:two-factor")
        response = super().login(request, extra_context)
        if request.method == "POST" and request.user.is_authenticated and response.status_code == 302:
            request.session[SHOWN] = two_factor.is_enabled(request.user)
            request.session[SIGNED_IN_AT] = int(clock.now().timestamp())
            audit.record("accounts.admin_site.entered", actor=request.user, subject=request.user, at=clock.now())
        return response

    def password_change(  # type: ignore[override]  # its base promises more than the site's routes need
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        from accounts.admin.password import PasswordPage

        context = {**self.each_context(request), **(extra_context or {})}
        return PasswordPage.as_view(extra_context=context)(request)

    def has_permission(self, request: HttpRequest) -> bool:
        return super().has_permission(request) and not (self._is_over(request) or self._lacks_second_factor(request))

    def get_urls(self) -> list[URLPattern | URLResolver]:
        from accounts.admin import two_factor

        def two_factor_page(request: HttpRequest) -> HttpResponse:
            if not AdminSite.has_permission(self, request) or self._is_over(request):
                return redirect("admin:login")
            return two_factor.page(request, self)

        return [path("two-factor/", never_cache(two_factor_page), name="two-factor"), *super().get_urls()]

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Every page also knows the environment it runs in, and whether its data are made up."""
        from markets.actions import market

        banners = {DEMO_BANNER: settings.DEMO, SIMULATED_BANNER: market.simulation() is not None}
        return {
            **super().each_context(request),
            "environment_label": settings.ENVIRONMENT,
            "banners": [banner for banner, is_shown in banners.items() if is_shown],
        }

    def _lacks_second_factor(self, request: HttpRequest) -> bool:
        from accounts.admin.two_factor import SHOWN

        is_inside = request.user.is_active and request.user.is_staff
        return bool(settings.ADMIN_REQUIRE_2FA and is_inside and not request.session.get(SHOWN))

    def _is_over(self, request: HttpRequest) -> bool:
        """Whether the login was longer ago than any session may last."""
        hours, signed_in_at = settings.MAX_SESSION_TTL_HOURS, request.session.get(SIGNED_IN_AT)
        if not hours or signed_in_at is None:
            return False
        return bool(clock.now().timestamp() - signed_in_at >= timedelta(hours=hours).total_seconds())


class AdminConfig(DjangoAdminConfig):
    """Makes the site above `django.contrib.admin.site`."""

    default_site = "config.admin_site.ProductAdminSite"
