"""What the process was told: every environment variable of the product, typed."""

from typing import Any

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Environment(BaseSettings):
    model_config = SettingsConfigDict(env_file=".env", extra="ignore", case_sensitive=False)

    environment: str = "development"
    debug: bool = True
    database_url: SecretStr = SecretStr("")
    database_owner_url: SecretStr = SecretStr("")
    redis_url: SecretStr = SecretStr("redis://localhost:6379/0")
    secret_key: SecretStr = SecretStr("development-only-secret-key-change-me-0123456789abcdef")
    jwt_secret_key: SecretStr = SecretStr("development-only-jwt-secret-change-me-0123456789abcdef")
    jwt_algorithm: str = "HS256"
    access_token_expires_min: int = 15
    refresh_token_expires_days: int = 7
    rate_limit_per_minute: int = 60
    sync_rate_limit_per_minute: int = 10
    public_market_data: bool = True
    log_level: str = "INFO"
    demo: bool = False
    port: int = 8000
    price_history_retention_days: int = 365
    daily_history_retention_days: int = 0
    coingecko_api_key: str = ""
    coinmarketcap_api_key: str = ""
    market_data_api_key: str = ""
    coingecko_plan: str = "keyless"
    market_snapshot: bool = True
    scheduler_enabled: bool = True
    real_data_dir: str = ""

    def first_version(self) -> dict[str, Any]:
        return self.model_dump()
