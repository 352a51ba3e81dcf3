"""The page of the admin site on which staff turn their second factor on."""

import segno
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.safestring import mark_safe

from accounts.actions import passwords, two_factor
from accounts.admin.person import signed_in
from config.kernel import clock
from config.kernel.errors import Problem

SHOWN = "second_factor"
"""In the session of the site: whether its login showed a second factor."""


def page(request: HttpRequest, site: AdminSite) -> HttpResponse:
    """Offer a secret, ask for a first code, show the recovery codes once."""
    if not (request.user.is_active and request.user.is_staff):
        raise PermissionDenied
    person = signed_in(request)
    context = {**site.each_context(request), "title": "Two-factor authentication"}
    step = request.POST.get("step") if request.method == "POST" else None
    try:
        if step == "begin":
            passwords.require(person, request.POST.get("password", ""))
            enrolment = two_factor.set_up(person, at=clock.now())
            context |= {"secret": enrolment.secret, "qr": _qr(enrolment.uri)}
        elif step == "confirm":
            otp = request.POST.get("otp", "").strip()
            context["codes"] = two_factor.confirm(person, otp, session_id=None, at=clock.now())
            request.session[SHOWN] = True
    except Problem as problem:
        context["problem"] = problem.message
    context["is_enabled"] = two_factor.is_enabled(person)
    context["codes_left"] = person.recovery_codes.unused().count()
    return TemplateResponse(request, "admin/accounts/two_factor.html", context)


def _qr(uri: str) -> str:
    return mark_safe(segno.make(uri, micro=False).svg_inline(scale=5))  # noqa: S308  # drawn by the library, no text in it
