"""What Django's settings promise."""

import json

import pytest
from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password
from django.core.cache import cache
from django.utils.module_loading import import_string

from config import settings as product
from tests.config.conftest import PRODUCTION
from tests.config.test_refusals import boot

SHOW = (
    "import json; from config import settings; print(json.dumps({name: getattr(settings, name, None) for name in %r}))"
)


def settings_of(names: list[str], **variables: str) -> dict[str, object]:
    """What a process of its own, told `variables` and nothing else, has under `names`."""
    started = boot("-c", SHOW % names, **variables)
    assert started.returncode == 0, started.stderr
    found: dict[str, object] = json.loads(started.stdout)
    return found


def test_every_middleware_and_class_that_is_named_exists():
    named = [*settings.MIDDLEWARE, *settings.PASSWORD_HASHERS, settings.CSRF_FAILURE_VIEW]
    named += [product.CACHES[alias]["BACKEND"] for alias in ("default", "counters")]
    named += [validator["NAME"] for validator in product.AUTH_PASSWORD_VALIDATORS]

    for path in named:
        assert callable(import_string(path)), path


def test_a_password_is_hashed_with_argon2id():
    encoded = make_password("correct horse battery staple")

    assert encoded.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")
    assert check_password("correct horse battery staple", encoded)
    assert not check_password("correct horse battery stable", encoded)


def test_a_bcrypt_hash_is_verified_and_upgraded():
    old = make_password("correct horse", hasher="bcrypt_sha256")
    upgraded: list[str] = []

    assert old.startswith("bcrypt_sha256$$2b$12$")
    assert check_password("correct horse", old, setter=upgraded.append)
    assert upgraded == ["correct horse"]


def test_the_cache_holds_json_and_never_pickles(redis_server):
    cache.set("answer", {"price": 4970.79})

    (key,) = redis_server.keys("cache:*")
    assert json.loads(redis_server.get(key)) == {"price": 4970.79}
    with pytest.raises(TypeError, match="not JSON serializable"):
        cache.set("thing", object())


def test_a_cache_that_is_away_is_a_miss(settings):
    location = {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}
    settings.CACHES = {**settings.CACHES, "default": location}

    cache.set("answer", 42)

    assert cache.get("answer", "nothing") == "nothing"


def test_no_task_may_outlive_its_message():
    visibility = settings.CELERY_BROKER_TRANSPORT_OPTIONS["visibility_timeout"]

    assert settings.CELERY_TASK_SOFT_TIME_LIMIT < settings.CELERY_TASK_TIME_LIMIT < visibility


def test_production_sends_the_admins_cookies_over_tls_only():
    names = ["SESSION_COOKIE_NAME", "CSRF_COOKIE_NAME", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE"]

    assert settings_of(names, **PRODUCTION) == dict(
        zip(names, ["__Host-session", "__Host-csrf", True, True], strict=True)
    )
    assert settings_of(names[2:]) == {"SESSION_COOKIE_SECURE": None, "CSRF_COOKIE_SECURE": None}


def test_the_word_of_a_proxy_counts_only_where_one_is_trusted():
    name = "SECURE_PROXY_SSL_HEADER"

    assert settings_of([name], **PRODUCTION) == {name: None}
    trusted = PRODUCTION | {"TRUSTED_PROXIES": "10.0.0.0/8"}
    assert settings_of([name], **trusted) == {name: ["HTTP_X_FORWARDED_PROTO", "https"]}


@pytest.mark.parametrize(
    ("variables", "plan"),
    [
        ({}, "keyless"),
        ({"COINGECKO_API_KEY": "k"}, "demo"),
        ({"MARKET_DATA_API_KEY": "k"}, "demo"),
        ({"COINGECKO_API_KEY": "k", "COINGECKO_PLAN": "pro"}, "pro"),
    ],
)
def test_the_plan_of_coingecko_follows_from_its_key(variables, plan):
    assert settings_of(["COINGECKO_PLAN"], **variables) == {"COINGECKO_PLAN": plan}


def test_migrations_fall_back_to_the_only_database_there_is():
    only = {"DATABASE_URL": "postgresql://app:pw@db/x"}
    both = only | {"DATABASE_OWNER_URL": "postgresql://owner:pw@db/x"}

    assert settings_of(["DATABASE_OWNER_URL"], **only) == {"DATABASE_OWNER_URL": "postgresql://app:pw@db/x"}
    assert settings_of(["DATABASE_OWNER_URL"], **both) == {"DATABASE_OWNER_URL": "postgresql://owner:pw@db/x"}


def test_mail_goes_to_brevo_with_a_key_and_to_the_log_without():
    names = ["EMAIL_BACKEND", "EMAIL_HOST", "EMAIL_PORT", "EMAIL_HOST_USER", "EMAIL_HOST_PASSWORD", "EMAIL_USE_TLS"]
    server = ["smtp-relay.brevo.com", 587, "apikey"]
    own = {
        "BREVO_API_KEY": "k",
        "BREVO_SMTP_SERVER": "smtp.example.com",
        "BREVO_PORT": "2525",
        "BREVO_SMTP_LOGIN": "us",
    }

    assert list(settings_of(names).values()) == ["config.kernel.mail_log.LogBackend", *server, "", True]
    assert list(settings_of(names, BREVO_API_KEY="k").values()) == [
        "django.core.mail.backends.smtp.EmailBackend",
        *server,
        "k",
        True,
    ]
    assert list(settings_of(names[1:5], **own).values()) == ["smtp.example.com", 2525, "us", "k"]


@pytest.mark.parametrize(
    ("variables", "sender"),
    [
        ({}, "Crypto platform <no-reply@localhost>"),
        ({"BREVO_SENDER_EMAIL": "post@acme.example", "BREVO_SENDER_NAME": "Acme"}, "Acme <post@acme.example>"),
    ],
)
def test_mail_comes_from_who_is_named(variables, sender):
    assert settings_of(["DEFAULT_FROM_EMAIL"], **variables) == {"DEFAULT_FROM_EMAIL": sender}


def test_the_environment_is_there_for_whoever_needs_more():
    assert product.ENV.environment == settings.ENVIRONMENT
