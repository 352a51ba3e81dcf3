from http import HTTPStatus

from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actions import api_keys, passwords
from accounts.api.admin import SecondFactorRequired, lacks_second_factor
from accounts.api.callers import user_of
from accounts.credentials import Credential
from accounts.models import ApiKey
from accounts.scopes import Scope
from config.kernel import clock
from config.kernel.errors import NotFound
from config.kernel.pages import CURSOR, link_header, newest_first, page
from config.kernel.parameters import NONE, Parameters
from config.kernel.serializers import Page, PasswordField, StrictSerializer
from config.kernel.views import ANY_KEY, ApiView


class KeyFields(StrictSerializer):
    name = serializers.CharField(max_length=64, help_text="What it is for.")
    scopes = serializers.ListField(child=serializers.ChoiceField(Scope.choices), min_length=1, max_length=len(Scope))
    networks = serializers.ListField(
        child=serializers.CharField(max_length=43),
        max_length=50,
        required=False,
        help_text="Addresses or networks it may be used from, like 203.0.113.0/24; none: anywhere.",
    )
    expires_at = serializers.DateTimeField(required=False)


class NewKey(KeyFields):
    password = PasswordField(help_text="Yours, once more.")


class ShownKey(serializers.ModelSerializer):
    class Meta:
        model = ApiKey
        fields = [
            "id",
            "name",
            "prefix",
            "scopes",
            "networks",
            "created_at",
            "expires_at",
            "last_used_at",
            "last_used_from",
            "disabled_at",
        ]
        read_only_fields = fields
        extra_kwargs = {
            name: {"required": True}
            for name in ("networks", "expires_at", "last_used_at", "last_used_from", "disabled_at")
        }


class CreatedKey(ShownKey):
    key = serializers.SerializerMethodField(help_text="The key itself. It is not shown again.")

    class Meta(ShownKey.Meta):
        fields = [*ShownKey.Meta.fields, "key"]
        read_only_fields = fields

    def get_key(self, key: ApiKey) -> str:
        return str(self.context["text"])


class CurrentKey(ShownKey):
    owner = serializers.CharField(source="owner.username")
    role = serializers.CharField(source="owner.role")
    effective_scopes = serializers.SerializerMethodField(help_text="What the owner's role leaves of the scopes.")

    class Meta(ShownKey.Meta):
        fields = [*ShownKey.Meta.fields, "owner", "role", "effective_scopes"]
        read_only_fields = fields

    def get_effective_scopes(self, key: ApiKey) -> list[str]:
        return sorted(self.context["scopes"])


class KeyPage(Page):
    results = ShownKey(many=True)


class Keys(ApiView):
    """Your API keys: what a program calls with, as `Authorization: Api-Key tp_live_...`."""

    def parameters_of(self, method: str) -> Parameters:
        return NONE if method == "POST" else CURSOR

    @extend_schema(responses={200: KeyPage})
    def get(self, request: Request) -> Response:
        own = ApiKey.objects.filter(owner=user_of(request))
        found, following = newest_first(own, request._request, **self.values)
        return Response(
            page(ShownKey(found, many=True).data, count=own.count(), next=following),
            headers=link_header(next=following),
        )

    @extend_schema(request=NewKey, responses={201: CreatedKey})
    def post(self, request: Request) -> Response:
        body = NewKey(data=request.data)
        body.is_valid(raise_exception=True)
        fields = dict(body.validated_data)
        user = user_of(request)
        if Scope.ADMIN in fields["scopes"] and lacks_second_factor(request.auth):
            raise SecondFactorRequired  # the key would not be asked for one
        passwords.require(user, fields.pop("password"))
        key, text = api_keys.create(user, **fields, by=user, at=clock.now())
        return created(key, text)


def created(key: ApiKey, text: str) -> Response:
    """The answer that shows a key, this once."""
    return Response(
        CreatedKey(key, context={"text": text}).data,
        status=HTTPStatus.CREATED,
        headers={"Location": reverse("key", kwargs={"key_id": key.pk})},
    )


class OneKey(ApiView):
    """One of your API keys."""

    def key(self, request: Request, key_id: int) -> ApiKey:
        key = ApiKey.objects.filter(pk=key_id, owner=user_of(request)).first()
        if key is None:
            raise NotFound
        return key

    @extend_schema(responses={200: ShownKey})
    def get(self, request: Request, key_id: int) -> Response:
        return Response(ShownKey(self.key(request, key_id)).data)

    @extend_schema(request=None, responses={200: ShownKey})
    def delete(self, request: Request, key_id: int) -> Response:
        """Disable it, for good; its row stays."""
        key = self.key(request, key_id)
        api_keys.disable(key, by=user_of(request), at=clock.now())
        return Response(ShownKey(key).data)


class ShowCurrentKey(ApiView):
    """The key that this request was made with, and what it may do."""

    key_scope = ANY_KEY

    @extend_schema(responses={200: CurrentKey})
    def get(self, request: Request) -> Response:
        credential = request.auth
        if not isinstance(credential, Credential) or credential.key is None:
            raise NotFound("This request was not made with an API key.")
        context = {"scopes": credential.scopes or ()}
        return Response(CurrentKey(credential.key, context=context).data)
