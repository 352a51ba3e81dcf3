"""Every variable the product understands, by subject.

The name of a field in capitals is the name of the variable; a `validation_alias` lists the other names that are
understood. The title of a subject and the description of each field are also what `.env.example` says.
"""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AliasChoices, BeforeValidator, Field, IPvAnyNetwork, SecretStr
from pydantic_settings import BaseSettings

from config.settings.parsing import broker_url, capitals, database_url, environment_name, parts

# What a process without secrets of its own uses; a server that others can reach refuses to start with them.
KNOWN_SECRET = "development-only {}: everybody knows it and only a developer's machine accepts it"  # noqa: S105

Words = Annotated[list[str], BeforeValidator(parts)]
DatabaseUrl = Annotated[SecretStr, BeforeValidator(database_url)]
BrokerUrl = Annotated[SecretStr, BeforeValidator(broker_url)]


class Deployment(BaseSettings):
    """Where this runs"""

    environment: Annotated[Literal["development", "staging", "production"], BeforeValidator(environment_name)] = Field(
        "development",
        validation_alias=AliasChoices("ENVIRONMENT", "ENV"),
        description="development, staging or production (local, dev and prod are understood)",
    )
    debug: bool = Field(False, description="Error pages with source code; refused outside development")
    demo: bool = Field(False, description="Fill an empty database with a simulated market and demo logins")
    port: int = Field(8000, ge=1, le=65535, description="Port of the web server; `make run` takes the next free one")
    log_level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], BeforeValidator(capitals)] = Field(
        "INFO", description="Least severity that is logged: DEBUG, INFO, WARNING, ERROR or CRITICAL"
    )
    allowed_hosts: Words = Field(
        ["localhost", "127.0.0.1", "[::1]"], description="Host names this server answers to, separated by commas"
    )
    cors_allowed_origins: Words = Field(
        ["http://localhost", "http://localhost:3000"],
        description="Browser origins that may read the API, separated by commas",
    )
    trusted_proxies: Annotated[list[IPvAnyNetwork], BeforeValidator(parts)] = Field(
        [], description="Networks whose X-Forwarded-* headers are believed, like 10.0.0.0/8, separated by commas"
    )


class Servers(BaseSettings):
    """Servers; without DATABASE_URL and REDIS_URL, `make run` starts its own"""

    database_url: DatabaseUrl | None = Field(
        None,
        validation_alias=AliasChoices("DATABASE_URL", "DB_URL"),
        description="PostgreSQL 15 or later, as the role that reads and writes rows",
        examples=["postgresql://app:password@localhost:5432/crypto_portfolio"],
    )
    database_owner_url: DatabaseUrl | None = Field(
        None,
        description="The same database as the role that owns the tables and migrates; by default DATABASE_URL",
        examples=["postgresql://owner:password@localhost:5432/crypto_portfolio"],
    )
    database_pool: bool = Field(
        False, description="On in processes that answer HTTP: pooled connections and short time limits"
    )
    redis_url: BrokerUrl = Field(
        SecretStr("redis://localhost:6379/0"), description="Redis 7 or compatible: cache, limits and task queues"
    )
    embedded_servers: bool = Field(
        False, description="Set by `make run` for its own servers; refused outside development"
    )


class Secrets(BaseSettings):
    """Secrets; make each with `openssl rand -hex 32`"""

    secret_key: SecretStr = Field(SecretStr(KNOWN_SECRET.format("SECRET_KEY")), description="Signs admin sessions")
    jwt_secret_key: SecretStr = Field(
        SecretStr(KNOWN_SECRET.format("JWT_SECRET_KEY")),
        validation_alias=AliasChoices("JWT_SECRET_KEY", "JWT_SECRET"),
        description="Signs access and refresh tokens",
    )
    encryption_master_key: SecretStr = Field(
        SecretStr(KNOWN_SECRET.format("ENCRYPTION_MASTER_KEY")),
        description="Encrypts stored secrets; when rotating, keep the old ones behind the new: new,old",
    )


class Sessions(BaseSettings):
    """Tokens and sessions"""

    jwt_algorithm: Literal["HS256", "HS384", "HS512"] = Field("HS256", description="HS256, HS384 or HS512")
    access_token_expires_min: int = Field(15, ge=1, description="Minutes an access token lives")
    refresh_token_expires_days: int = Field(7, ge=1, description="Days a refresh token lives")
    session_timeout_minutes: int = Field(30, ge=0, description="Minutes without use that end a session; 0 = never")
    max_session_ttl_hours: int = Field(24, ge=0, description="Hours after which a session ends anyway; 0 = never")
    admin_require_2fa: bool = Field(False, description="Administrators need a second factor")


class Limits(BaseSettings):
    """Rate limits"""

    rate_limit_per_minute: int = Field(60, ge=1, description="Requests a minute from one address")
    sync_rate_limit_per_minute: int = Field(10, ge=1, description="Requests a minute to start a synchronisation")


class Market(BaseSettings):
    """Market data"""

    market_providers: Words = Field(
        ["coingecko", "coinmarketcap"], description="Sources in order of preference: the first is the primary one"
    )
    coingecko_api_key: SecretStr | None = Field(None, description="Key for CoinGecko; without one its keyless plan")
    coingecko_plan: Literal["keyless", "demo", "pro"] | None = Field(
        None, description="keyless, demo or pro; by default demo with a key and keyless without"
    )
    coinmarketcap_api_key: SecretStr | None = Field(None, description="Key for CoinMarketCap; without one it is off")
    market_data_api_key: SecretStr | None = Field(
        None, description="Key for the primary source where its own variable is not set"
    )
    public_market_data: bool = Field(True, description="Market data may be read without a login")
    market_snapshot: bool = Field(True, description="Web processes keep the latest quotes in memory")
    price_history_retention_days: int = Field(365, ge=0, description="Days intraday prices are kept; 0 = for ever")
    daily_history_retention_days: int = Field(0, ge=0, description="Days daily prices are kept; 0 = for ever")


class Schedule(BaseSettings):
    """Scheduled work and the trading account"""

    scheduler_enabled: bool = Field(True, description="Periodic tasks run")
    equity_snapshot_interval_minutes: int = Field(10, ge=1, description="Minutes between two equity snapshots")
    baseline_equity: Decimal | None = Field(
        None, gt=0, description="Equity that profit is measured from; by default the earliest snapshot"
    )
    heartbeat_cron: str = Field(
        "0 2,8,14,20 * * *",
        pattern=r"^\S+( \S+){4}$",
        description="When the balance is pushed to devices, as a crontab line in Chicago time",
    )


class Jobs(BaseSettings):
    """Jobs"""

    job_result_retention_hours: int = Field(24, ge=1, description="Hours that finished jobs and their results are kept")


class Notifications(BaseSettings):
    """Mail and push; without them nothing is sent"""

    brevo_api_key: SecretStr | None = Field(None, description="Password of the mail server")
    brevo_smtp_server: str = Field("smtp-relay.brevo.com", description="Mail server")
    brevo_port: int = Field(587, ge=1, le=65535, description="Its port, spoken to with STARTTLS")
    brevo_sender_email: str | None = Field(None, description="Address that mail comes from")
    brevo_sender_name: str | None = Field(None, description="Name that mail comes from")
    admin_notification_email: str | None = Field(None, description="Address that hears of new sign-ups")
    firebase_credentials: SecretStr | None = Field(
        None, description="Path of the Firebase service account, or its JSON"
    )


class Tests(BaseSettings):
    """Only for the test suite"""

    real_data_dir: str | None = Field(None, description="Folder of recorded market data; its tests skip without it")


SUBJECTS: tuple[type[BaseSettings], ...] = (
    Deployment,
    Servers,
    Secrets,
    Sessions,
    Limits,
    Market,
    Schedule,
    Jobs,
    Notifications,
    Tests,
)
