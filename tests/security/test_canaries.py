"""Secrets that are looked for everywhere once an account has been used in every way."""

import json
import re

import pyotp
import pytest
from django.core import mail as outbox
from django.db import connection
from prometheus_client import REGISTRY, generate_latest

from accounts.actions import mails
from accounts.models import Mail, User
from accounts.roles import Role
from config.kernel import clock
from tests.accounts.factories import UserFactory

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

PASSWORD, NEW_PASSWORD, RESET_PASSWORD, WRONG = (
    f"canary-of-the-{which}-password" for which in ("first", "second", "third", "wrong")
)
ADDRESS = "canary.mailbox@example.com"
TEXTS = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"


@pytest.fixture
def rows():
    """Everything the database holds, by table."""

    def rows() -> dict[str, str]:
        found = {}
        with connection.cursor() as cursor:
            cursor.execute(TEXTS)
            for (table,) in cursor.fetchall():
                cursor.execute(f"SELECT coalesce(string_agg(to_jsonb(t)::text, ' '), '') FROM \"{table}\" t")  # noqa: S608
                found[table] = cursor.fetchone()[0]
        return found

    return rows


def test_no_secret_of_an_account_is_left_behind_anywhere(send, bearer, settings, capfd, rows, redis_server):
    settings.LOGIN_ATTEMPTS = settings.SIGNUP_ATTEMPTS = 1_000
    boss = bearer(UserFactory.create(username="boss", role=Role.ADMIN))
    secrets = {"password": PASSWORD, "new password": NEW_PASSWORD, "reset password": RESET_PASSWORD, "wrong": WRONG}

    def call(method, path, body=None, *, token=None, status=200, scheme="Bearer"):
        headers = {"Authorization": f"{scheme} {token}"} if token else boss if path.startswith("/api/v1/admin") else {}
        answer = send(method, path, body, headers=headers)
        assert answer.status_code == status, (path, answer.content)
        return answer.json()

    def log_in(password, **more):
        pair = call("POST", "/api/v1/login", {"username": "canary", "password": password, **more})
        secrets.update(
            {f"access {len(secrets)}": pair["access_token"], f"refresh {len(secrets)}": pair["refresh_token"]}
        )
        return pair

    call("POST", "/api/v1/signup", {"username": "canary", "email": ADDRESS, "password": PASSWORD}, status=201)
    person = User.objects.get(username="canary")
    call("POST", f"/api/v1/admin/approve/{person.pk}", {"reason": "known"})
    # What people type into the wrong field, or wrongly.
    call("POST", "/api/v1/login", {"username": PASSWORD, "password": "x"}, status=401)
    call("POST", "/api/v1/login", {"username": "canary", "password": WRONG}, status=401)
    call("POST", "/api/v1/login", {"username": "canary", "password": PASSWORD, PASSWORD: 1}, status=400)
    pair = log_in(PASSWORD)
    enrolment = call("POST", "/api/v1/auth/2fa/setup", {"password": PASSWORD}, token=pair["access_token"])
    secrets["seed"] = enrolment["secret"]
    codes = call(
        "POST", "/api/v1/auth/2fa/confirm", {"otp": pyotp.TOTP(enrolment["secret"]).now()}, token=pair["access_token"]
    )["recovery_codes"]
    secrets.update({f"recovery code {n}": code for n, code in enumerate(codes)})
    pair = log_in(PASSWORD, otp=codes[0])
    renewed = call("POST", "/api/v1/refresh", {"refresh_token": pair["refresh_token"]})
    secrets.update({"renewed access": renewed["access_token"], "renewed refresh": renewed["refresh_token"]})
    key = call(
        "POST",
        "/api/v1/auth/keys",
        {"name": "robot", "scopes": ["tasks"], "password": PASSWORD},
        token=pair["access_token"],
        status=201,
    )["key"]
    secrets["key"] = key
    call("GET", "/api/v1/auth/keys/current", token=key, scheme="Api-Key")
    call("GET", "/api/v1/me", token=key, scheme="Api-Key", status=403)
    call(
        "POST",
        "/api/v1/auth/password/change",
        {"current_password": PASSWORD, "new_password": NEW_PASSWORD},
        token=pair["access_token"],
    )
    call("POST", "/api/v1/auth/password/reset", {"email": ADDRESS}, status=202)
    reset = Mail.objects.values_list("context__token", flat=True).get(template="password_reset")
    secrets["reset token"] = reset
    outbox.outbox.clear()
    for queued in Mail.objects.all():
        mails.deliver(queued.pk, at=clock.now())
    sent = [message for message in outbox.outbox if message.extra_headers["X-Template"] == "password_reset"]
    assert reset in sent[0].body
    call("POST", "/api/v1/auth/password/reset/confirm", {"token": reset, "new_password": RESET_PASSWORD})
    for queued in Mail.objects.all():
        mails.deliver(queued.pk, at=clock.now())

    log = capfd.readouterr()
    told = {
        "log": log.out + log.err,
        "metrics": generate_latest(REGISTRY).decode(),
        "Redis": str([(key, redis_server.dump(key)) for key in redis_server.keys("*")]),
        **{f"table {table}": text for table, text in rows().items()},
    }
    assert "login.accepted" in told["log"]
    assert all(json.loads(line) for line in told["log"].splitlines() if line.startswith("{"))
    leaks = [(place, name) for place, text in told.items() for name, secret in secrets.items() if secret in text]
    assert leaks == []
    # The mailbox itself is known to the account and to its mails, and to nobody else.
    assert {place for place, text in told.items() if ADDRESS in text} == {"table accounts_user", "table accounts_mail"}
    assert not re.search(r"canary\.mailbox", told["log"])
