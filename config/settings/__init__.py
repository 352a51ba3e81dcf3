"""Django's settings (first version; being completed)."""

import importlib.util
from pathlib import Path
from urllib.parse import unquote, urlsplit

from config.settings.environment import Environment

ENV = Environment()
BASE_DIR = Path(__file__).resolve().parents[2]
for _name, _value in ENV.first_version().items():
    globals()[_name.upper()] = _value.get_secret_value() if hasattr(_value, "get_secret_value") else _value

ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
AUTH_USER_MODEL = "accounts.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
APPEND_SLASH = False
USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "static"
MARKET_PROVIDERS = ["coingecko", "coinmarketcap"]
TRUSTED_PROXIES: list[str] = []
LOGIN_ATTEMPTS = 5
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "corsheaders",
    "django_celery_beat",
    "django_prometheus",
    "django_structlog",
    "accounts.apps.AccountsConfig",
    "markets.apps.MarketsConfig",
    "portfolios.apps.PortfoliosConfig",
    "risk.apps.RiskConfig",
    "reporting.apps.ReportingConfig",
]
_WANTED = [
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "config.kernel.correlation.CorrelationMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "config.kernel.limits.RateLimitHeadersMiddleware",
    "config.kernel.envelope.EnvelopeMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]


def _there(dotted: str) -> bool:
    return importlib.util.find_spec(dotted) is not None


MIDDLEWARE = [m for m in _WANTED if _there(m.rpartition(".")[0])]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
_db = urlsplit(ENV.database_url.get_secret_value())
DATABASES = {
    "default": {
        "ENGINE": "django_prometheus.db.backends.postgresql",
        "NAME": _db.path.lstrip("/"),
        "USER": unquote(_db.username or ""),
        "PASSWORD": unquote(_db.password or ""),
        "HOST": _db.hostname or "",
        "PORT": str(_db.port or ""),
    }
}
CACHES = {
    alias: {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": ENV.redis_url.get_secret_value(),
        "KEY_PREFIX": prefix,
        "OPTIONS": {
            "SERIALIZER": "django_redis.serializers.json.JSONSerializer",
            "SOCKET_CONNECT_TIMEOUT": 0.5,
            "SOCKET_TIMEOUT": 1,
        },
    }
    for alias, prefix in {"default": "cache", "counters": "limit"}.items()
}
RATELIMIT_USE_CACHE = "counters"
CELERY_BROKER_URL = ENV.redis_url.get_secret_value()
REST_FRAMEWORK = {
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_RENDERER_CLASSES": ["config.kernel.rendering.OrjsonRenderer"],
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.api.authentication.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "EXCEPTION_HANDLER": "config.kernel.envelope.exception_handler",
}
if _there("config.kernel.logs"):
    from config.kernel.logs import logging_config

    LOGGING = logging_config(ENV.log_level)
