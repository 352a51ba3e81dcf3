"""The form by which staff enter the admin site: name, password, and a code where there is a second factor."""

from typing import Any

import structlog
from django import forms
from django.contrib.admin.forms import AdminAuthenticationForm

from accounts import login_delay
from accounts.actions import two_factor
from accounts.metrics import AUTH_EVENTS
from config.kernel import clock, limits
from config.kernel.addresses import client_address
from config.kernel.errors import Problem

log = structlog.get_logger(__name__)


class LoginForm(AdminAuthenticationForm):
    """Counts against the same limits as the login of the API, before a password is looked at."""

    otp = forms.CharField(
        label="Code",
        required=False,
        max_length=40,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
        help_text="If two-factor authentication is on: of your authenticator app, or a recovery code.",
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
            _note_refusal(problem.code)
            raise forms.ValidationError(problem.message, code=problem.code) from problem
        except forms.ValidationError:
            _note_refusal("invalid_credentials")
            raise
        if user is not None:
            login_delay.forget(user)
            AUTH_EVENTS.labels("admin_login", "accepted").inc()
            log.info("admin_login.accepted", user_id=user.pk)
        return cleaned


def _note_refusal(reason: str) -> None:
    AUTH_EVENTS.labels("admin_login", reason).inc()
    log.warning("admin_login.refused", reason=reason)
