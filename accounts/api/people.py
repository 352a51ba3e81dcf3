from http import HTTPStatus

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actions import api_keys, people
from accounts.api.admin import AdminView, Deed, reason_of
from accounts.api.callers import user_of
from accounts.api.idempotency import IdempotentView
from accounts.api.keys import CreatedKey, KeyFields, created
from accounts.api.serializers import Me
from accounts.models import User
from accounts.roles import Role
from config.kernel import clock
from config.kernel.errors import NotFound
from config.kernel.pages import CURSOR, link_header, newest_first, page
from config.kernel.serializers import Page


class PendingUser(Me):
    class Meta(Me.Meta):
        fields = [*Me.Meta.fields, "signup_address", "signup_flags"]
        read_only_fields = fields
        extra_kwargs = {name: {"required": True} for name in ("role", "status", "signup_address", "signup_flags")}


class PendingUserPage(Page):
    results = PendingUser(many=True)


class RoleChange(Deed):
    role = serializers.ChoiceField(Role.choices)


class NewService(RoleChange):
    username = serializers.CharField(max_length=64, help_text="Letters, digits and underscores.")


class ListPendingUsers(AdminView):
    """Who waits for approval, the latest first; `signup_flags` says why somebody deserves a second look."""

    parameters = CURSOR

    @extend_schema(responses={200: PendingUserPage})
    def get(self, request: Request) -> Response:
        pending = User.objects.pending()
        found, following = newest_first(pending, request._request, **self.values)
        results = PendingUser(found, many=True).data
        return Response(page(results, count=pending.count(), next=following), headers=link_header(next=following))


class ApproveUser(AdminView):
    """Let in somebody who has signed up."""

    @extend_schema(request=Deed, responses={200: Me})
    def post(self, request: Request, user_id: int) -> Response:
        reason, person = reason_of(request), self.person(user_id)
        people.approve(person, by=user_of(request), at=clock.now(), reason=reason)
        return Response(Me(person).data)


class DisableUser(AdminView):
    """Shut somebody out: every token of theirs stops working within a second."""

    @extend_schema(request=Deed, responses={200: Me})
    def post(self, request: Request, user_id: int) -> Response:
        reason, person = reason_of(request), self.person(user_id)
        people.disable(person, by=user_of(request), at=clock.now(), reason=reason)
        return Response(Me(person).data)


class EnableUser(AdminView):
    """Let somebody in again who was disabled."""

    @extend_schema(request=Deed, responses={200: Me})
    def post(self, request: Request, user_id: int) -> Response:
        reason, person = reason_of(request), self.person(user_id)
        people.enable(person, by=user_of(request), at=clock.now(), reason=reason)
        return Response(Me(person).data)


class ChangeRole(AdminView):
    """Give somebody another role; they have to log in anew."""

    @extend_schema(request=RoleChange, responses={200: Me})
    def post(self, request: Request, user_id: int) -> Response:
        body = RoleChange(data=request.data)
        body.is_valid(raise_exception=True)
        person = self.person(user_id)
        role = Role(body.validated_data["role"])
        people.set_role(person, role, by=user_of(request), at=clock.now(), reason=body.validated_data["reason"])
        return Response(Me(person).data)


class RevokeUserSessions(AdminView):
    """Make somebody log in anew everywhere."""

    @extend_schema(request=Deed, responses={200: Me})
    def post(self, request: Request, user_id: int) -> Response:
        reason, person = reason_of(request), self.person(user_id)
        people.revoke_sessions(person, by=user_of(request), at=clock.now(), reason=reason)
        return Response(Me(person).data)


class CreateService(IdempotentView, AdminView):
    """Make an account for a program: it has API keys and no password, and outlives who made it."""

    @extend_schema(request=NewService, responses={201: Me})
    def post(self, request: Request) -> Response:
        body = NewService(data=request.data)
        body.is_valid(raise_exception=True)
        service = people.create_service(
            body.validated_data["username"],
            Role(body.validated_data["role"]),
            by=user_of(request),
            at=clock.now(),
            reason=body.validated_data["reason"],
        )
        return Response(Me(service).data, status=HTTPStatus.CREATED)


class CreateServiceKey(AdminView):
    """Make an API key for a service."""

    key_scope = None  # a key that leaked must not make another that outlives it

    @extend_schema(request=KeyFields, responses={201: CreatedKey})
    def post(self, request: Request, user_id: int) -> Response:
        body = KeyFields(data=request.data)
        body.is_valid(raise_exception=True)
        service = self.person(user_id)
        if service.kind != User.Kind.SERVICE:  # people make their own
            raise NotFound
        key, text = api_keys.create(service, **body.validated_data, by=user_of(request), at=clock.now())
        return created(key, text)
