"""Asking for scores by hand."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.callers import user_of
from accounts.api.idempotency import IdempotentView
from accounts.api.serializers import TaskStartedAnswer
from accounts.api.tasks import accepted
from accounts.roles import Role
from config.kernel import clock
from config.kernel.parameters import Instant, Parameters, Text
from config.kernel.schema import Problem
from risk.api.schemas import Reason
from risk.runs import scoring


class StartScoring(IdempotentView):
    """Score every listed asset as of a day's close, once more or for the first time.

    A day that a version has scored, or is scoring, stays as it is: the result names no run for it. A version that was
    retired is refused with 409 `risk_model_not_active`, a day before all prices with 422 `nothing_to_score`.
    """

    minimum_rank = Role.OPERATOR.rank
    parameters = Parameters(
        as_of=Instant(description="The UTC day, which must be over; default: the last one."),
        model=Text(max_length=64, description="A version of the model, also a draft; default: every active one."),
    )

    @extend_schema(request=Reason, responses={202: TaskStartedAnswer, 404: Problem, 409: Problem, 422: Problem})
    def post(self, request: Request) -> Response:
        body = Reason(data=request.data)
        body.is_valid(raise_exception=True)
        as_of = self.values["as_of"]
        parameters = scoring.Parameters(None if as_of is None else as_of.date().isoformat(), self.values["model"])
        reason = body.validated_data["reason"]
        return accepted(scoring.request_by_hand(parameters, by=user_of(request), at=clock.now(), reason=reason))
