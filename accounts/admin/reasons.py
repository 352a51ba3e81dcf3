"""Deeds on selected rows that ask for a reason first, on a page of its own."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db import models
from django.http import HttpRequest
from django.template.response import TemplateResponse

from accounts.actions.reasons import MAX_LENGTH
from config.kernel.errors import Problem

MOST_AT_ONCE = 200
"""Rows are done one by one while somebody waits."""


class ReasonForm(forms.Form):
    reason = forms.CharField(
        max_length=MAX_LENGTH,
        widget=forms.Textarea(attrs={"rows": 3, "cols": 80, "autofocus": True}),
        help_text="Kept in the audit trail.",
        error_messages={"required": "Say why."},
    )


def ask(
    model_admin: ModelAdmin,
    request: HttpRequest,
    queryset: models.QuerySet[Any],
    *,
    action: str,
    question: str,
    button: str,
    deed: Callable[[Any, str], str],
) -> TemplateResponse | None:
    """Show the question until a reason is given; then do the deed to each row, in a transaction of its own.

    `action` is the name of the admin action that calls. `deed(row, reason)` returns what became of the row in a few
    words; a row at which it raises a `Problem` is named with the problem's message, and the others go on.
    """
    rows = list(queryset[: MOST_AT_ONCE + 1])
    if len(rows) > MOST_AT_ONCE:
        model_admin.message_user(request, f"Select at most {MOST_AT_ONCE} rows at once.", messages.ERROR)
        return None
    form = ReasonForm(request.POST if "reason" in request.POST else None)
    if not form.is_valid():
        context = {
            **model_admin.admin_site.each_context(request),
            "title": question,
            "opts": model_admin.opts,
            "rows": rows,
            "form": form,
            "action": action,
            "button": button,
            "checkbox": ACTION_CHECKBOX_NAME,
        }
        return TemplateResponse(request, "admin/accounts/reason.html", context)
    done: Counter[str] = Counter()
    for row in rows:
        try:
            done[deed(row, form.cleaned_data["reason"])] += 1
        except Problem as problem:
            model_admin.message_user(request, f"{row}: {problem.message}", messages.ERROR)
    for outcome, count in done.items():
        model_admin.message_user(request, f"{count} {outcome}.", messages.SUCCESS)
    return None
