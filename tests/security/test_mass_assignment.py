"""Fields that nobody asked for."""

import pytest

from accounts.models import ApiKey, Session, User
from accounts.roles import Role
from tests.accounts.factories import PASSWORD, UserFactory

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

FIELDS = sorted(
    {field.name for model in (User, Session, ApiKey) for field in model._meta.get_fields()}
    | {field.attname for model in (User, Session, ApiKey) for field in model._meta.concrete_fields}
    | {
        "is_staff",
        "is_superuser",
        "is_active",
        "pk",
        "owner",
        "token_version",
        "__class__",
        "_state",
        "by",
        "at",
        "actor",
    }
)
BODIES: dict[str, dict[str, object]] = {
    "/api/v1/signup": {"username": "mallory", "email": "mallory@example.com", "password": "seven green bottles"},
    "/api/v1/login": {"username": "alice", "password": PASSWORD},
    "/api/v1/refresh": {"refresh_token": "a.b.c"},
    "/api/v1/auth/logout": {},
    "/api/v1/auth/password/change": {"current_password": PASSWORD, "new_password": "seven green bottles"},
    "/api/v1/auth/password/reset": {"email": "alice@example.com"},
    "/api/v1/auth/password/reset/confirm": {"token": "x", "new_password": "seven green bottles"},
    "/api/v1/auth/2fa/setup": {"password": PASSWORD},
    "/api/v1/auth/2fa/confirm": {"otp": "000000"},
    "/api/v1/auth/2fa/disable": {"password": PASSWORD, "otp": "000000"},
    "/api/v1/auth/2fa/recovery-codes": {"password": PASSWORD, "otp": "000000"},
    "/api/v1/auth/keys": {"name": "x", "scopes": ["tasks"], "password": PASSWORD},
    "/api/v1/admin/approve/{bob}": {},
    "/api/v1/admin/disable/{bob}": {},
    "/api/v1/admin/enable/{bob}": {},
    "/api/v1/admin/role/{bob}": {"role": "analyst"},
    "/api/v1/admin/revoke-sessions/{bob}": {},
    "/api/v1/admin/service-accounts": {"username": "robots", "role": "viewer"},
    "/api/v1/admin/service-accounts/{robot}/keys": {"name": "x", "scopes": ["tasks"]},
}


def everything():
    return [list(model.objects.order_by("pk").values()) for model in (User, ApiKey, Session)]


@pytest.mark.parametrize("path", BODIES)
def test_every_field_of_a_model_is_refused_by_name_and_nothing_happens(send, bearer, settings, path):
    settings.LOGIN_ATTEMPTS = settings.SIGNUP_ATTEMPTS = settings.RATE_LIMIT_PER_MINUTE = 1_000
    alice = UserFactory.create(username="alice", email="alice@example.com", role=Role.ADMIN)
    bob, robot = UserFactory.create(), UserFactory.create(kind=User.Kind.SERVICE)
    headers = bearer(alice)
    path, body = path.format(bob=bob.pk, robot=robot.pk), BODIES[path]
    before = everything()

    for field in FIELDS:
        if field in body:
            continue
        answer = send("POST", path, {**body, field: 1}, headers=headers)

        assert answer.status_code == 400, field
        assert field in answer.json()["error"]["details"]["fields"], field
    assert everything() == before
