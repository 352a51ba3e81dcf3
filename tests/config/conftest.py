from pathlib import Path

import pytest

from config.settings.environment import Environment, names_of

PRODUCTION = {
    "ENVIRONMENT": "production",
    "DATABASE_URL": "postgresql://app:pw@db.internal:5432/crypto_portfolio",
    "REDIS_URL": "redis://:pw@redis.internal:6379/0",
    "SECRET_KEY": "3f9a1c77e0b24d58a6c3915be7f2048d1a6b9c3e5f7082146c1e5a0b7d92f438",
    "JWT_SECRET_KEY": "b81d6e02f4a95c37d0e83b6a72c1f594e6072d9a8c3b15f0",
    "ENCRYPTION_MASTER_KEY": "5c0e7d93a2f648b1907e4ad35bf16c82d94370ea6b8f21c5",
    "ALLOWED_HOSTS": "api.example.com",
    "CORS_ALLOWED_ORIGINS": "https://app.example.com",
}


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A process that was told nothing, in a checkout without a running stack; the path is its `.env`, not there yet."""
    for field_name in Environment.model_fields:
        for name in names_of(field_name):
            monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("config.settings.environment.BASE_DIR", tmp_path)
    return tmp_path / ".env"


@pytest.fixture
def production(bare: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A process that was told all that production needs."""
    for name, value in PRODUCTION.items():
        monkeypatch.setenv(name, value)
    return bare
