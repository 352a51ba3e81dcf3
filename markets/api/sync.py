"""Asking for a sync by hand."""

from typing import cast

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.idempotency import IdempotentView
from accounts.api.serializers import TaskStartedAnswer
from accounts.api.tasks import accepted
from accounts.models import User
from accounts.roles import Role
from config.kernel import clock, limits
from config.kernel.parameters import Choice, Integer, Parameters
from markets.providers.registry import FACTORIES
from markets.runs import sync

_SYNC = Parameters(
    limit=Integer(default=sync.DEFAULT_LIMIT, minimum=1, maximum=sync.MAX_LIMIT, description="How many assets."),
    provider=Choice(tuple(FACTORIES), description="Whom to ask; default: in the order of the settings."),
)


class StartSync(IdempotentView):
    """Fetch the latest quotes of the largest assets now."""

    minimum_rank = Role.OPERATOR.rank
    limit_scope = limits.SYNC
    parameters = _SYNC

    @extend_schema(request=None, responses={202: TaskStartedAnswer})
    def post(self, request: Request) -> Response:
        parameters = sync.Parameters(limit=self.values["limit"], provider=self.values["provider"])
        person = cast(User, request.user)  # the rank admits nobody else
        return accepted(sync.request(person, parameters, at=clock.now()))
