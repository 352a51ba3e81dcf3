"""What a server that others can reach does not start with."""

import os
import subprocess
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.settings.environment import Environment, load, names_of
from config.settings.variables import KNOWN_SECRET
from tests.config.conftest import PRODUCTION

GOOD = "7e1f05c9a8b34d62f01c5e97ab3d48627c90e1fb5a2d8346"
SECRETS = ["SECRET_KEY", "JWT_SECRET_KEY", "ENCRYPTION_MASTER_KEY"]

REFUSALS = [
    *((secret, None, f"{secret} is not set") for secret in SECRETS),
    *((secret, KNOWN_SECRET.format(secret), f"{secret} is not set") for secret in SECRETS),
    *((secret, "CHANGE_ME", f"{secret} is a placeholder") for secret in SECRETS),
    *((secret, "please-change-me-" + GOOD, f"{secret} is a placeholder") for secret in SECRETS),
    *((secret, "x" * 64, f"{secret} is a placeholder") for secret in SECRETS),
    *((secret, GOOD[:31], f"{secret} is shorter than 32 characters") for secret in SECRETS),
    ("JWT_SECRET_KEY", PRODUCTION["SECRET_KEY"], "JWT_SECRET_KEY has the same value as SECRET_KEY"),
    ("ENCRYPTION_MASTER_KEY", PRODUCTION["SECRET_KEY"], "ENCRYPTION_MASTER_KEY has the same value as SECRET_KEY"),
    ("ENCRYPTION_MASTER_KEY", f"{GOOD},{PRODUCTION['JWT_SECRET_KEY']}", "has the same value as JWT_SECRET_KEY"),
    ("ENCRYPTION_MASTER_KEY", f"{GOOD},", "ENCRYPTION_MASTER_KEY is shorter than 32 characters"),
    ("JWT_ALGORITHM", "HS512", "JWT_SECRET_KEY is shorter than 64 characters"),
    ("DATABASE_URL", None, "DATABASE_URL is not set"),
    ("REDIS_URL", None, "REDIS_URL is not set"),
    ("EMBEDDED_SERVERS", "true", "EMBEDDED_SERVERS is on"),
    ("DEBUG", "true", "DEBUG is on"),
    ("DEMO", "1", "DEMO is on"),
    ("ALLOWED_HOSTS", None, "ALLOWED_HOSTS is not set"),
    ("ALLOWED_HOSTS", "api.example.com,*", "ALLOWED_HOSTS has a wildcard"),
    ("ALLOWED_HOSTS", "*.example.com", "ALLOWED_HOSTS has a wildcard"),
    ("CORS_ALLOWED_ORIGINS", "*", "CORS_ALLOWED_ORIGINS has a wildcard"),
    ("CORS_ALLOWED_ORIGINS", "https://app.example.com,null", "CORS_ALLOWED_ORIGINS has a wildcard"),
    ("CORS_ALLOWED_ORIGINS", "HTTP://app.example.com", "CORS_ALLOWED_ORIGINS has an origin without TLS"),
]


def test_production_starts_with_what_it_needs(production):
    assert load(production).environment == "production"


@pytest.mark.parametrize(
    ("environment", "variable", "value", "sentence"),
    [
        *(("production", *refusal) for refusal in REFUSALS),
        *(("staging", *refusal) for refusal in REFUSALS if refusal[0] != "DEMO"),
    ],
)
def test_refused_outside_development(production, monkeypatch, environment, variable, value, sentence):
    monkeypatch.setenv("ENVIRONMENT", environment)
    if value is None:
        monkeypatch.delenv(variable)
    else:
        monkeypatch.setenv(variable, value)

    with pytest.raises(ImproperlyConfigured) as refusal:
        load(production)

    (problem,) = str(refusal.value).splitlines()[1:]
    assert sentence in problem
    if value and variable in SECRETS:
        assert value not in problem


@pytest.mark.parametrize(("variable", "value", "sentence"), [row for row in REFUSALS if row[1] is not None])
def test_the_same_is_a_developers_own_business(bare, monkeypatch, variable, value, sentence):
    monkeypatch.setenv(variable, value)

    assert load(bare).environment == "development"


def test_staging_may_show_the_demo(production, monkeypatch):
    monkeypatch.setenv("ENVIRONMENT", "staging")
    monkeypatch.setenv("DEMO", "true")

    assert load(production).demo is True


@pytest.mark.parametrize("missing", ["BREVO_SENDER_EMAIL", "PUBLIC_BASE_URL"])
def test_who_sends_mails_says_from_where(production, monkeypatch, missing):
    given = {"BREVO_SENDER_EMAIL": "post@example.com", "PUBLIC_BASE_URL": "https://api.example.com"}
    for variable, value in {**given, "BREVO_API_KEY": "xkeysib-1"}.items():
        monkeypatch.setenv(variable, value)
    assert load(production).public_base_url == "https://api.example.com"

    monkeypatch.delenv(missing)
    with pytest.raises(ImproperlyConfigured, match=f"{missing} is not set"):
        load(production)

    monkeypatch.delenv("BREVO_API_KEY")
    assert load(production).brevo_api_key is None


def test_keys_that_were_rotated_out_may_stay(production, monkeypatch):
    monkeypatch.setenv("ENCRYPTION_MASTER_KEY", f"{GOOD}, {PRODUCTION['ENCRYPTION_MASTER_KEY']}")

    assert load(production).environment == "production"


def test_production_without_anything_names_all_that_is_missing(bare, monkeypatch):
    monkeypatch.setenv("ENV", "prod")
    monkeypatch.setenv("DEBUG", "1")

    with pytest.raises(ImproperlyConfigured) as refusal:
        load(bare)

    assert [line.split()[1] for line in str(refusal.value).splitlines()[1:]] == [
        "SECRET_KEY",
        "JWT_SECRET_KEY",
        "ENCRYPTION_MASTER_KEY",
        "DATABASE_URL",
        "REDIS_URL",
        "DEBUG",
        "ALLOWED_HOSTS",
    ]


def boot(*command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Start a process of the product that was told `variables` and nothing else."""
    known = {name for field_name in Environment.model_fields for name in names_of(field_name)}
    environment = {name: value for name, value in os.environ.items() if name not in known}
    arguments = [sys.executable, *command]
    return subprocess.run(
        arguments, env=environment | variables, capture_output=True, text=True, check=False, timeout=60
    )


def test_a_production_process_with_a_placeholder_does_not_start():
    started = boot("manage.py", "check", **PRODUCTION | {"SECRET_KEY": "CHANGE_ME"})

    assert started.returncode != 0
    assert "SECRET_KEY is a placeholder that anybody can guess" in started.stderr
    assert "CHANGE_ME" not in started.stdout + started.stderr


@pytest.mark.slow
def test_a_production_process_passes_djangos_own_check_of_deployments():
    started = boot("manage.py", "check", "--deploy", "--fail-level", "WARNING", **PRODUCTION)

    assert (started.returncode, started.stderr) == (0, "")
