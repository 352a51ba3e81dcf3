from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.serializers import Me
from config.kernel.views import ApiView


class ShowMe(ApiView):
    """The person whom the token stands for."""

    @extend_schema(responses={200: Me})
    def get(self, request: Request) -> Response:
        return Response(Me(request.user).data)
