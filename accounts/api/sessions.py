from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actions import sessions
from accounts.api.callers import session_of, user_of
from accounts.api.serializers import Message
from accounts.credentials import Credential
from accounts.models import Session
from config.kernel import clock
from config.kernel.errors import NotFound, Unauthenticated
from config.kernel.pages import CURSOR, link_header, newest_first, page
from config.kernel.serializers import Page, StrictSerializer
from config.kernel.views import ApiView


class LogOutRequest(StrictSerializer):
    refresh_token = serializers.CharField(required=False, help_text="Withdrawn as well, with the session it is of.")


class ShownSession(serializers.ModelSerializer):
    id = serializers.UUIDField()
    is_current = serializers.SerializerMethodField(help_text="Whether this request was made in it.")

    class Meta:
        model = Session
        fields = ["id", "device", "user_agent", "address", "second_factor", "created_at", "last_seen_at", "is_current"]
        read_only_fields = fields
        extra_kwargs = {
            "second_factor": {"required": True},
            "user_agent": {"required": True},
            "address": {"required": True},
        }

    def get_is_current(self, session: Session) -> bool:
        return bool(session.pk == self.context["current"])


class SessionPage(Page):
    results = ShownSession(many=True)


class LogOut(ApiView):
    """End this session: its access and refresh tokens stop working at once."""

    @extend_schema(request=LogOutRequest, responses={200: Message})
    def post(self, request: Request) -> Response:
        body = LogOutRequest(data=request.data)
        body.is_valid(raise_exception=True)
        credential = request.auth
        if not (isinstance(credential, Credential) and credential.session_id and credential.jti):
            raise Unauthenticated
        sessions.log_out(
            credential.session_id,
            credential.jti,
            refresh_token=body.validated_data.get("refresh_token"),
            by=user_of(request),
            at=clock.now(),
        )
        return Response({"message": "Logged out"})


class LogOutEverywhere(ApiView):
    """End every session of yours, this one included."""

    @extend_schema(request=None, responses={200: Message})
    def post(self, request: Request) -> Response:
        sessions.log_out_everywhere(user_of(request), at=clock.now())
        return Response({"message": "Logged out"})


class ListSessions(ApiView):
    """Where you are logged in, the latest login first."""

    parameters = CURSOR

    @extend_schema(responses={200: SessionPage})
    def get(self, request: Request) -> Response:
        live = Session.objects.live(clock.now()).filter(user=user_of(request))
        found, following = newest_first(live, request._request, **self.values)
        shown_sessions = ShownSession(found, many=True, context={"current": session_of(request)}).data
        return Response(page(shown_sessions, count=live.count(), next=following), headers=link_header(next=following))


class RevokeSession(ApiView):
    """End one of your sessions."""

    @extend_schema(request=None, responses={200: Message})
    def post(self, request: Request, session_id: UUID) -> Response:
        user = user_of(request)
        session = Session.objects.open().filter(pk=session_id, user=user).first()
        if session is None:
            raise NotFound
        sessions.end(session, Session.Ending.REVOKED, by=user, at=clock.now())
        return Response({"message": "Session revoked"})
