"""An account from the first request to the last, as its owner and an administrator see it."""

import json
import re
import time

import pyotp
import pytest
from django.test import Client

from accounts.actions import role_groups
from accounts.models import AuditEntry, Mail, User
from accounts.roles import Role
from tests.accounts.factories import PASSWORD, UserFactory

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

ALICE = {"username": "alice", "password": "seven green bottles"}


@pytest.fixture
def api(settings):
    """One person's program: a token, once there is one, goes along."""
    settings.LOGIN_ATTEMPTS = 100

    class Api:
        token = None

        def __call__(self, method, path, body=None, *, authorization=None):
            headers = {"authorization": authorization or f"Bearer {self.token}"} if authorization or self.token else {}
            return Client().generic(
                method,
                path,
                json.dumps(body) if body is not None else "",
                content_type="application/json",
                headers=headers,
            )

    return Api()


@pytest.fixture
def boss(client):
    role_groups.sync()
    boss = UserFactory.create(username="boss", role=Role.ADMIN)
    answer = client.post("/admin/login/?next=/admin/", {"username": "boss", "password": PASSWORD})
    assert answer.status_code == 302
    return boss


def test_account_from_sign_up_to_the_end(api, boss, client, monkeypatch):
    def decide(action, person, reason):
        return client.post(
            "/admin/accounts/user/", {"action": action, "_selected_action": person.pk, "reason": reason}, follow=True
        )

    signed_up = api("POST", "/api/v1/signup", {**ALICE, "email": "alice@example.com"})
    assert (signed_up.status_code, signed_up.json()) == (
        201,
        {"message": "Signup received. Await approval.", "status": "pending"},
    )
    refused = api("POST", "/api/v1/login", ALICE)
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "inactive_account")

    alice = User.objects.get(username="alice")
    assert b"1 approved." in decide("approve", alice, "Known to us.").content
    tokens = api("POST", "/api/v1/login", ALICE).json()
    api.token = tokens["access_token"]
    assert api("GET", "/api/v1/me").json()["status"] == "active"

    enrolment = api("POST", "/api/v1/auth/2fa/setup", {"password": ALICE["password"]}).json()
    assert enrolment["qr_svg"].startswith("<svg")
    app = pyotp.TOTP(enrolment["secret"])
    confirmed = api("POST", "/api/v1/auth/2fa/confirm", {"otp": app.now()})
    recovery_codes = confirmed.json()["recovery_codes"]
    assert len(recovery_codes) == 10
    assert api("POST", "/api/v1/login", ALICE).json()["error"]["code"] == "otp_required"
    assert api("POST", "/api/v1/login", {**ALICE, "otp": recovery_codes[0]}).status_code == 200

    listed = api("GET", "/api/auth/sessions").json()
    assert [session["is_current"] for session in listed["results"]] == [False, True]
    other = listed["results"][0]["id"]
    assert api("POST", f"/api/auth/sessions/{other}/revoke").status_code == 200
    assert api("GET", "/api/auth/sessions").json()["count"] == 1

    key = api(
        "POST",
        "/api/v1/auth/keys",
        {"name": "dashboard", "scopes": ["market:read"], "password": ALICE["password"]},
    ).json()["key"]
    current = api("GET", "/api/v1/auth/keys/current", authorization=f"Api-Key {key}").json()
    assert (current["owner"], current["effective_scopes"]) == ("alice", ["market:read"])
    assert api("GET", "/api/v1/me", authorization=f"Api-Key {key}").json()["error"]["code"] == "scope_missing"

    assert b"1 disabled." in decide("disable", alice, "Left us.").content
    monkeypatch.setattr("accounts.revocations.time.monotonic", _a_second_later(time.monotonic))
    assert api("GET", "/api/v1/me").json()["error"]["code"] == "token_revoked"
    assert api("GET", "/api/v1/auth/keys/current", authorization=f"Api-Key {key}").status_code == 401
    assert api("POST", "/api/v1/refresh", {"refresh_token": tokens["refresh_token"]}).status_code == 401
    assert api("POST", "/api/v1/login", ALICE).json()["error"]["code"] == "inactive_account"

    assert [verb for verb in AuditEntry.objects.about(alice).verbs() if verb.startswith("accounts.user.")] == [
        "accounts.user.signed_up",
        "accounts.user.approved",
        "accounts.user.disabled",
    ]
    assert {mail.template for mail in Mail.objects.all()} >= {"account_approved", "two_factor_changed"}
    trail = str(list(AuditEntry.objects.values()))
    assert not [secret for secret in (key, enrolment["secret"], *recovery_codes, ALICE["password"]) if secret in trail]


def _a_second_later(monotonic):
    return lambda: monotonic() + 1.0


def test_administrator_enrols_in_the_site_where_a_second_factor_is_asked_for(boss, client, settings):
    settings.ADMIN_REQUIRE_2FA = True

    sent_away = client.get("/admin/accounts/user/", follow=True)
    assert sent_away.redirect_chain[-1] == ("/admin/two-factor/", 302)
    page = client.post("/admin/two-factor/", {"step": "begin", "password": PASSWORD}).content.decode()
    (secret,) = re.findall(r"<code>([A-Z2-7]{32})</code>", page)
    done = client.post("/admin/two-factor/", {"step": "confirm", "otp": pyotp.TOTP(secret).now()}).content.decode()
    assert done.count("-") >= 10

    # Turning it on withdraws tokens, not the page one is on.
    assert client.get("/admin/accounts/user/").status_code == 200
    client.logout()
    without = client.post("/admin/login/?next=/admin/", {"username": "boss", "password": PASSWORD})
    assert b"This code is not right" in without.content
    assert client.get("/admin/").status_code == 302
