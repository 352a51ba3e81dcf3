"""The shapes of the accounts API."""

from rest_framework import serializers

from accounts.models import User


class Credentials(serializers.Serializer):
    username = serializers.CharField(max_length=254, help_text="User name or e-mail address.")
    password = serializers.CharField(max_length=1_024, trim_whitespace=False, style={"input_type": "password"})


class RefreshRequest(serializers.Serializer):
    refresh_token = serializers.CharField(
        required=False, help_text="May come as `Authorization: Bearer` instead of in the body."
    )


class AccessToken(serializers.Serializer):
    access_token = serializers.CharField()
    token_type = serializers.CharField(default="bearer")


class TokenPair(AccessToken):
    refresh_token = serializers.CharField()


class Me(serializers.ModelSerializer):
    class Meta:
        model = User
        fields = ["id", "username", "email", "role", "status", "created_at", "updated_at"]
        read_only_fields = fields


class JobError(serializers.Serializer):
    code = serializers.CharField(source="error_code")
    message = serializers.CharField(source="error_message")
