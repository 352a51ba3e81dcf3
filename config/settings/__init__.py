"""Django's settings: what `ENV` says, and what is the same everywhere.

Every variable of the environment is a setting of the same name, in its own type (secrets as text). A setting below that
is not a variable is a decision of the product, with its reason.
"""

from datetime import timedelta
from email.utils import formataddr
from hashlib import sha256
from typing import Any

from pydantic import SecretStr

from config.kernel.logs import logging_config
from config.settings.databases import database
from config.settings.environment import BASE_DIR, load

ENV = load()
DEPLOYED = ENV.environment != "development"


def _text(secret: SecretStr | None) -> str:
    return secret.get_secret_value() if secret else ""


# --- where this runs ------------------------------------------------------------------------------------------------
ENVIRONMENT = ENV.environment
DEBUG = ENV.debug
DEMO = ENV.demo
PORT = ENV.port
ALLOWED_HOSTS = ENV.allowed_hosts
CORS_ALLOWED_ORIGINS = ENV.cors_allowed_origins
TRUSTED_PROXIES = ENV.trusted_proxies
REAL_DATA_DIR = ENV.real_data_dir
LOG_LEVEL = ENV.log_level
LOGGING = logging_config(LOG_LEVEL)

# --- what is installed ----------------------------------------------------------------------------------------------
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "config.admin_site.AdminConfig",
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
    "config.apps.ProductConfig",
]
MIDDLEWARE = [  # outermost first
    "config.kernel.metrics.MetricsMiddleware",
    "config.kernel.correlation.CorrelationMiddleware",
    "config.kernel.limits.RateLimitHeadersMiddleware",
    "config.kernel.browsers.SecurityMiddleware",
    "config.kernel.browsers.CorsMiddleware",  # also puts its headers on refusals
    "config.kernel.browsers.WhiteNoiseMiddleware",
    "config.kernel.envelope.EnvelopeMiddleware",
    "config.kernel.browsers.SessionMiddleware",
    "config.kernel.browsers.CommonMiddleware",
    "config.kernel.browsers.CsrfViewMiddleware",
    "config.kernel.browsers.AuthenticationMiddleware",
    "config.kernel.browsers.MessageMiddleware",
    "config.kernel.browsers.XFrameOptionsMiddleware",
]
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

# --- time, language, addresses --------------------------------------------------------------------------------------
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-us"
USE_I18N = False
FORMAT_MODULE_PATH = "config.formats"
APPEND_SLASH = False  # every route answers with and without a slash; a redirect would lose the body of a POST

# --- database -------------------------------------------------------------------------------------------------------
DATABASES = {"default": database(_text(ENV.database_url) or None, web=ENV.database_pool)}
DATABASE_POOL = ENV.database_pool
DATABASE_OWNER_URL = _text(ENV.database_owner_url) or _text(ENV.database_url)  # migrations run with it
PROMETHEUS_EXPORT_MIGRATIONS = False  # it would query the database in every process that starts

# --- Redis: cache, limits, tasks ------------------------------------------------------------------------------------
REDIS_URL = _text(ENV.redis_url)
CACHES: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "cache",
        "TIMEOUT": 300,
        "OPTIONS": {
            # Never pickle: whoever can write to Redis could run code here.
            "SERIALIZER": "django_redis.serializers.json.JSONSerializer",
            "SOCKET_CONNECT_TIMEOUT": 0.5,
            "SOCKET_TIMEOUT": 1,
            "IGNORE_EXCEPTIONS": True,  # a cache that is away is a miss
        },
    },
    "counters": {
        "BACKEND": "config.kernel.counters.CounterCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "limit",
    },
}
DJANGO_REDIS_LOG_IGNORED_EXCEPTIONS = True

CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 3_900,  # longer than any task may run, else it would be delivered a second time
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,  # what a dead worker held comes back in seconds instead of minutes
    "health_check_interval": 25,
    "socket_keepalive": True,
    "socket_timeout": 10,
    "socket_connect_timeout": 3,
}
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SERIALIZER = "json"
CELERY_TASK_IGNORE_RESULT = True  # the job's row is the result
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_ACKS_ON_FAILURE_OR_TIMEOUT = True  # retries are decided by the job's row, not by the broker
CELERY_TASK_SOFT_TIME_LIMIT = 540
CELERY_TASK_TIME_LIMIT = 600
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0, "interval_step": 0.1, "interval_max": 0.1}
CELERY_TASK_SEND_SENT_EVENT = True
CELERY_WORKER_SEND_TASK_EVENTS = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_MAX_TASKS_PER_CHILD = 200
CELERY_WORKER_MAX_MEMORY_PER_CHILD = 600_000  # KiB
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 25
CELERY_TIMEZONE = "UTC"  # daylight saving would skip and repeat runs
CELERY_BEAT_SCHEDULER = "config.beat:Scheduler"
DJANGO_STRUCTLOG_CELERY_ENABLED = True
SCHEDULER_ENABLED = ENV.scheduler_enabled

# --- jobs -----------------------------------------------------------------------------------------------------------
JOB_KINDS = "config.pipelines.KINDS"
JOB_LEASE_SECONDS = 60  # a worker that is silent for so long has lost its job ...
JOB_HEARTBEAT_SECONDS = 15  # ... so three beats may fail
JOB_SWEEP_SECONDS = 15  # between two looks for such jobs: a lost worker costs 75 s at most
JOB_RELAY_SECONDS = 30  # after which a job that nobody has taken up is announced again
JOB_RESULT_RETENTION_HOURS = ENV.job_result_retention_hours

# --- the API --------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.api.authentication.CallerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": [
        "rest_framework.permissions.IsAuthenticated"
    ],  # a view opens itself, never by default
    "DEFAULT_PARSER_CLASSES": ["config.kernel.bodies.JsonParser"],
    "DEFAULT_RENDERER_CLASSES": ["config.kernel.rendering.OrjsonRenderer"],
    "DEFAULT_SCHEMA_CLASS": "config.kernel.schema.OperationSchema",
    "EXCEPTION_HANDLER": "config.kernel.envelope.exception_handler",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "TEST_REQUEST_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "URL_FORMAT_OVERRIDE": None,  # `?format=` would be a parameter that no view declares
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Crypto platform API",
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.0",  # 3.0 cannot say that an object may be null
    "DESCRIPTION": """Cryptocurrency listings, honest risk scores and portfolio tools.

Sign in and read:

    TOKEN=$(curl -s $BASE/api/v1/auth/login -H 'Content-Type: application/json' \\
        -d '{"username": "...", "password": "..."}' |
        python3 -c 'import json, sys; print(json.load(sys.stdin)["access_token"])')
    curl -s $BASE/api/v1/me -H "Authorization: Bearer $TOKEN"

Times are UTC, ISO 8601; periods include their start and exclude their end. Scores are opinions of models, not
financial advice.
""",
    "LICENSE": {"name": "MIT"},
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "RoleEnum": "accounts.roles.Role",
        "AccountStatusEnum": "accounts.models.User.Status",
        "MissingPriceReasonEnum": ["no_quote", "not_reported"],
        "MissingIndicatorReasonEnum": ["never_observed"],
        "MissingRegimeReasonEnum": ["no_bars", "insufficient_history"],
        "RiskConfidenceEnum": "risk.models.RiskScore.Confidence",
        "RiskBandEnum": "risk.models.RiskScore.Band",
        "RiskStatusEnum": "risk.models.RiskScore.Status",
        "StateEnum": ["active", "retired"],
        "RiskModelStateEnum": "risk.models.RiskModel.State",
        "RiskVerdictStatusEnum": "risk.api.schemas.STATUSES",
        "MissingRankingReasonEnum": ["no_model", "no_run"],
        "MissingRiskHistoryReasonEnum": ["no_model", "not_scored"],
        "MissingCalibrationReasonEnum": ["no_outcomes"],
        "PriceIntervalEnum": ["5m", "1h", "1d"],
        "IndicatorIntervalEnum": ["1h", "1d"],
        "TaskStatusEnum": ["PENDING", "STARTED", "RETRY", "SUCCESS", "FAILURE", "REVOKED", "PROGRESS"],
    },
}
RATELIMIT_USE_CACHE = "counters"
# The defaults, looked up for every request: one that is not written down costs an exception each time.
RATELIMIT_ENABLE, RATELIMIT_CACHE_PREFIX, RATELIMIT_HASH_ALGORITHM = True, "rl:", sha256
RATE_LIMIT_PER_MINUTE = ENV.rate_limit_per_minute
SYNC_RATE_LIMIT_PER_MINUTE = ENV.sync_rate_limit_per_minute
LOGIN_ATTEMPTS = 5  # in 15 minutes
SIGNUP_ATTEMPTS = 10  # in an hour, password resets included
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_048_576

# --- people, passwords, tokens --------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
PASSWORD_HASHERS = [
    "config.settings.hashers.Argon2idHasher",
    "django.contrib.auth.hashers.BCryptSHA256PasswordHasher",  # verified, and upgraded at the next login
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS: list[dict[str, Any]] = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "accounts.password_rules.ContextWordsValidator"},
    {"NAME": "accounts.password_rules.MaximumLengthValidator"},
]
SECRET_KEY = _text(ENV.secret_key)
JWT_SECRET_KEY = _text(ENV.jwt_secret_key)
JWT_ALGORITHM = ENV.jwt_algorithm
ENCRYPTION_MASTER_KEY = _text(ENV.encryption_master_key)
ACCESS_TOKEN_EXPIRES_MIN = ENV.access_token_expires_min
REFRESH_TOKEN_EXPIRES_DAYS = ENV.refresh_token_expires_days
SESSION_TIMEOUT_MINUTES = ENV.session_timeout_minutes
MAX_SESSION_TTL_HOURS = ENV.max_session_ttl_hours
ADMIN_REQUIRE_2FA = ENV.admin_require_2fa
PASSWORD_RESET_TIMEOUT = 3_600  # seconds

# --- mail -----------------------------------------------------------------------------------------------------------
PUBLIC_BASE_URL = ENV.public_base_url
ADMIN_NOTIFICATION_EMAIL = ENV.admin_notification_email
EMAIL_HOST = ENV.brevo_smtp_server
EMAIL_PORT = ENV.brevo_port
EMAIL_HOST_USER = ENV.brevo_smtp_login
EMAIL_HOST_PASSWORD = _text(ENV.brevo_api_key)
EMAIL_USE_TLS = True  # STARTTLS, or nothing is sent
EMAIL_TIMEOUT = 10
EMAIL_BACKEND = (
    "django.core.mail.backends.smtp.EmailBackend" if EMAIL_HOST_PASSWORD else "config.kernel.mail_log.LogBackend"
)
MAIL_SENDER_NAME = ENV.brevo_sender_name or "Crypto platform"
DEFAULT_FROM_EMAIL = formataddr((MAIL_SENDER_NAME, ENV.brevo_sender_email or "no-reply@localhost"))

# --- market data ----------------------------------------------------------------------------------------------------
MARKET_PROVIDERS = ENV.market_providers
COINGECKO_API_KEY = ENV.provider_key("coingecko")
COINMARKETCAP_API_KEY = ENV.provider_key("coinmarketcap")
COINGECKO_PLAN = ENV.coingecko_plan or ("demo" if COINGECKO_API_KEY else "keyless")
PUBLIC_MARKET_DATA = ENV.public_market_data
MARKET_SNAPSHOT = ENV.market_snapshot
PRICE_HISTORY_RETENTION_DAYS = ENV.price_history_retention_days
DAILY_HISTORY_RETENTION_DAYS = ENV.daily_history_retention_days

# --- the admin's cookies, headers, TLS ------------------------------------------------------------------------------
SESSION_COOKIE_AGE = int(timedelta(minutes=ENV.session_timeout_minutes or 14 * 24 * 60).total_seconds())
SESSION_SAVE_EVERY_REQUEST = True  # so that the age counts from the last use
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "config.kernel.envelope.csrf_failure"
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
if DEPLOYED:
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    # Browsers take cookies of these names from this very host over TLS only.
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-session", "__Host-csrf"
    SECURE_HSTS_SECONDS = int(timedelta(days=365).total_seconds())
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SILENCED_SYSTEM_CHECKS = [
        # These look for the names of Django's own middlewares for headers, frames and CSRF; ours are subclasses.
        *("security.W001", "security.W002", "security.W003"),
        "security.W021",  # a browser's preload list is for the owner of the domain to enter
    ]
    SECURE_SSL_REDIRECT = True
    # Pages only: a redirected API call has already sent its token in clear, and probes speak plain HTTP.
    SECURE_REDIRECT_EXEMPT = [r"^api/", r"^(health|livez|readyz|metrics)/?$"]
    if TRUSTED_PROXIES:
        # TLS ends at the ingress, which sets this header anew; nothing else can reach the port.
        SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# --- static files of the admin and the documentation ----------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "static"
if DEPLOYED:  # collected once, under names that change with the content
    _STATIC = "whitenoise.storage.CompressedManifestStaticFilesStorage"
else:  # straight from the packages, without `collectstatic`
    _STATIC = "django.contrib.staticfiles.storage.StaticFilesStorage"
    WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = True
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": _STATIC},
}
