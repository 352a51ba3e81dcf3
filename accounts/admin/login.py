"""The form by which staff enter the admin site: name, password, and a code where there is a second factor."""

from typing import Any

from django import forms
from django.contrib.admin.forms import AdminAuthenticationForm

from accounts import login_delay
from accounts.actions import two_factor
from accounts.metrics import AUTH_EVENTS
from config.kernel import clock, limits
from config.kernel.addresses import client_address
from config.kernel.errors import Problem


class LoginForm(AdminAuthenticationForm):
    """Counts against the same limits as the login of the API, before a password is looked at."""

    otp = forms.CharField(
        label="Code",
        required=False,
        max_length=40,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
        help_text="Of your authenticator app, or a recovery code, if two-factor authentication is on.",
    )

    def clean(self) -> dict[str, Any]:
        at = clock.now()
        try:
            if self.request is not None:
                limits.charge(self.request, limits.LOGIN)
                login = str(self.cleaned_data.get("username", ""))
                login_delay.attempt(login, address=client_address(self.request), at=at)
            cleaned: dict[str, Any] = super().clean()
            user = self.get_user()
            if user is not None and two_factor.is_enabled(user):
                two_factor.verify(user, cleaned.get("otp") or "", at=at)
        except Problem as problem:
            AUTH_EVENTS.labels("admin_login", problem.code).inc()
            raise forms.ValidationError(problem.message, code=problem.code) from problem
        AUTH_EVENTS.labels("admin_login", "accepted").inc()
        return cleaned
