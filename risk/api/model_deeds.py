"""What administrators decide about the versions of the model, as in the admin."""

from collections.abc import Callable
from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.admin import AdminView
from accounts.api.callers import user_of
from config.kernel import clock
from config.kernel.pages import page
from config.kernel.schema import Problem
from risk.actions import risk_models
from risk.api.models import row
from risk.api.schemas import AnyModelList, AnyModelRow, Reason
from risk.queries import models


class ListAllModels(AdminView):
    """Every version of the risk model, drafts too, the one in charge first."""

    @extend_schema(responses={200: AnyModelList})
    def get(self, request: Request) -> Response:
        known = models.all_of_them()
        return Response(page([row(model, model.scored_as_of) for model in known], count=len(known)))


class _ModelDeed(AdminView):
    deed: ClassVar[Callable[..., None]]

    def post(self, request: Request, model_version: str) -> Response:
        body = Reason(data=request.data)
        body.is_valid(raise_exception=True)
        model = risk_models.named(model_version)
        type(self).deed(model, by=user_of(request), at=clock.now(), reason=body.validated_data["reason"])
        model.refresh_from_db()
        return Response(row(model, models.scored_as_of(model)))


_ANSWERS = {200: AnyModelRow, 404: Problem, 409: Problem}


@extend_schema(request=Reason, responses=_ANSWERS)
class ActivateModel(_ModelDeed):
    """Let a draft score from the next run on, beside the others."""

    deed = staticmethod(risk_models.activate)


@extend_schema(request=Reason, responses=_ANSWERS)
class MakeHeadline(_ModelDeed):
    """Show an active model's scores where no version is asked for.

    Refused with 409 `risk_model_not_scored` until it has a finished run as new as those that are shown, which
    `POST /risk/runs` asks for.
    """

    deed = staticmethod(risk_models.make_headline)


@extend_schema(request=Reason, responses=_ANSWERS)
class RetireModel(_ModelDeed):
    """Let an active model score no more; what it scored stays. The headline cannot be retired."""

    deed = staticmethod(risk_models.retire)
