"""The page of the admin site on which staff change their password."""

from typing import Any

from django.contrib.admin.forms import AdminPasswordChangeForm
from django.contrib.auth.views import PasswordChangeView
from django.http import HttpResponse
from django.shortcuts import redirect

from accounts.actions import passwords
from accounts.admin.person import signed_in
from accounts.clients import Client
from config.kernel import clock
from config.kernel.addresses import client_address, ip_or_none
from config.kernel.errors import Problem


class PasswordForm(AdminPasswordChangeForm):
    def clean_old_password(self) -> str:
        """Left to the deed, which counts the tries."""
        return str(self.cleaned_data["old_password"])


class PasswordPage(PasswordChangeView):
    """The same deed as in the API: every token and session ends, this one included, and it leaves a trace."""

    form_class = PasswordForm

    def form_valid(self, form: Any) -> HttpResponse:
        client = Client.of(
            address=ip_or_none(client_address(self.request)), user_agent=self.request.META.get("HTTP_USER_AGENT", "")
        )
        current, new = form.cleaned_data["old_password"], form.cleaned_data["new_password1"]
        try:
            passwords.change(signed_in(self.request), current, new, client=client, at=clock.now())
        except Problem as problem:
            form.add_error("old_password", problem.message)
            return self.form_invalid(form)
        return redirect("admin:login")
