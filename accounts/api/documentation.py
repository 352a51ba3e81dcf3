"""What drf-spectacular cannot find out by itself; loaded when the app is ready."""

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema

from accounts.api.authentication import CallerAuthentication


class CallerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # its base has no types
    """How the documentation speaks of `CallerAuthentication`."""

    target_class = CallerAuthentication
    name = ["bearerAuth", "apiKey"]

    def get_security_requirement(self, auto_schema: AutoSchema) -> list[dict[str, list[str]]]:
        return [{name: []} for name in self.name]  # either will do

    def get_security_definition(self, auto_schema: AutoSchema) -> list[dict[str, str]]:
        return [
            {
                "type": "http",
                "scheme": "bearer",
                "bearerFormat": "JWT",
                "description": "The access_token of POST /api/v1/auth/login.",
            },
            {
                "type": "apiKey",
                "in": "header",
                "name": "Authorization",
                "description": "`Api-Key tp_live_...`: a key of POST /api/v1/auth/keys, within its scopes.",
            },
        ]
