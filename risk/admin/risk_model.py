from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.db.models import Max, Q, QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.safestring import SafeString

from accounts.admin import reasons
from accounts.admin.person import signed_in
from accounts.admin.read_only import ReadOnlyAdmin
from config.kernel import clock
from markets.admin.amounts import MISSING
from risk.actions import risk_models
from risk.admin import signs
from risk.models import RiskModel, ScoreRun


@admin.register(RiskModel)
class RiskModelAdmin(ReadOnlyAdmin):
    """Versions are registered by a command and never edited; administrators decide which of them score."""

    list_display = ["version", "condition", "is_headline", "scored", "created_at", "changed_at"]
    list_filter = ["state"]
    search_fields = ["version"]
    fields = [("version", "condition", "is_headline"), "parameters", ("created_at", "changed_at")]
    readonly_fields = ["condition"]
    actions = ["activate", "make_headline", "retire"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        finished = Q(runs__state=ScoreRun.State.FINISHED)
        models: QuerySet[Any] = super().get_queryset(request).annotate(newest=Max("runs__as_of", filter=finished))
        return models

    @admin.display(description="state", ordering="state")
    def condition(self, model: RiskModel) -> SafeString:
        return signs.of_model(model)

    @admin.display(description="scored as of", ordering="newest", empty_value=MISSING)
    def scored(self, model: Any) -> Any:
        return model.newest

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("risk.change_riskmodel")

    @admin.action(description="Let selected models score…", permissions=["decide"])
    def activate(self, request: HttpRequest, queryset: QuerySet[RiskModel]) -> TemplateResponse | None:
        return self._ask(request, queryset, risk_models.activate, "activate", "Let these models score?", "scores now")

    @admin.action(description="Make selected model the headline…", permissions=["decide"])
    def make_headline(self, request: HttpRequest, queryset: QuerySet[RiskModel]) -> TemplateResponse | None:
        question = "Show this model's scores where no version is asked for?"
        return self._ask(request, queryset, risk_models.make_headline, "make_headline", question, "is the headline")

    @admin.action(description="Retire selected models…", permissions=["decide"])
    def retire(self, request: HttpRequest, queryset: QuerySet[RiskModel]) -> TemplateResponse | None:
        question = "Let these models score no more? What they scored stays."
        return self._ask(request, queryset, risk_models.retire, "retire", question, "retired")

    def _ask(
        self,
        request: HttpRequest,
        queryset: QuerySet[RiskModel],
        change: Callable[..., None],
        action: str,
        question: str,
        done: str,
    ) -> TemplateResponse | None:
        def deed(model: RiskModel, reason: str) -> str:
            change(model, by=signed_in(request), at=clock.now(), reason=reason)
            return done

        return reasons.ask(self, request, queryset, action=action, question=question, button="Yes, do it", deed=deed)
