"""Where a variable comes from, what it may say, and what happens when it is said twice."""

import json
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st

from config.settings.environment import Environment, load
from config.settings.parsing import parts

URL = "postgresql://app:pw@localhost:5432/crypto_portfolio"


def servers(environment: Environment) -> tuple[str | None, str]:
    database = environment.database_url
    return database.get_secret_value() if database else None, environment.redis_url.get_secret_value()


def test_a_process_that_was_told_nothing_is_a_developers_machine(bare):
    environment = load(bare)

    assert environment.environment == "development"
    assert (environment.debug, environment.demo, environment.admin_require_2fa) == (False, True, False)
    assert environment.database_url is None
    assert environment.redis_url.get_secret_value() == "redis://localhost:6379/0"


def test_the_process_overrides_the_file_which_overrides_the_environments_defaults(bare, monkeypatch):
    assert load(bare).demo is True  # development.toml; the model says False

    bare.write_text("DEMO=false\nPORT=8100\nRATE_LIMIT_PER_MINUTE=7\n")
    monkeypatch.setenv("PORT", "8200")

    environment = load(bare)
    assert (environment.demo, environment.port, environment.rate_limit_per_minute) == (False, 8200, 7)


def test_production_has_defaults_of_its_own(production, monkeypatch):
    monkeypatch.delenv("CORS_ALLOWED_ORIGINS")

    environment = load(production)

    assert (environment.demo, environment.admin_require_2fa, environment.cors_allowed_origins) == (False, True, [])


def test_an_empty_value_counts_as_not_given(bare, monkeypatch):
    bare.write_text("PORT=8100\nDATABASE_URL=\n")
    monkeypatch.setenv("PORT", "")

    environment = load(bare)

    assert (environment.port, environment.database_url) == (8100, None)


@pytest.mark.parametrize(
    ("word", "meaning"),
    [("local", "development"), ("dev", "development"), ("Development", "development"), ("staging", "staging")],
)
def test_names_of_an_environment(bare, monkeypatch, word, meaning):
    monkeypatch.setattr("config.settings.environment.refusals", lambda environment: [])
    monkeypatch.setenv("ENV", word)

    assert load(bare).environment == meaning


def test_prod_is_production(production, monkeypatch):
    monkeypatch.delenv("ENVIRONMENT")
    monkeypatch.setenv("ENV", "prod")

    environment = load(production)

    assert (environment.environment, environment.admin_require_2fa) == ("production", True)


def test_an_unknown_environment_is_refused(bare, monkeypatch):
    monkeypatch.setenv("ENVIRONMENT", "productoin")

    with pytest.raises(ImproperlyConfigured, match="ENVIRONMENT or ENV: Input should be 'development', 'staging' or"):
        load(bare)


@pytest.mark.parametrize(
    ("alias", "canonical", "value"),
    [("DB_URL", "DATABASE_URL", URL), ("JWT_SECRET", "JWT_SECRET_KEY", "s" * 40), ("ENV", "ENVIRONMENT", "dev")],
)
def test_the_other_name_of_a_variable_is_understood(bare, monkeypatch, alias, canonical, value):
    monkeypatch.setenv(canonical, value)
    by_its_name = load(bare)
    monkeypatch.delenv(canonical)
    monkeypatch.setenv(alias, value)

    by_its_other_name = load(bare)
    assert by_its_other_name == by_its_name
    assert canonical.lower() in by_its_other_name.model_fields_set


CONFLICTS = [
    ("DATABASE_URL", URL, "DB_URL", "postgresql://app:pw@elsewhere/other"),
    ("JWT_SECRET_KEY", "a" * 40, "JWT_SECRET", "b" * 40),
    ("ENVIRONMENT", "development", "ENV", "prod"),
]


@pytest.mark.parametrize("where", ["process", "file", "both"])
@pytest.mark.parametrize(("one", "value", "other", "another_value"), CONFLICTS)
def test_two_names_that_differ_are_both_named(bare, monkeypatch, where, one, value, other, another_value):
    told = {one: value, other: another_value}
    in_process = {"process": told, "file": {}, "both": {other: another_value}}[where]
    bare.write_text("".join(f"{name}={text}\n" for name, text in told.items() if name not in in_process))
    for name, text in in_process.items():
        monkeypatch.setenv(name, text)

    with pytest.raises(ImproperlyConfigured) as refusal:
        load(bare)

    assert f"{one} and {other} are two names of one variable and differ" in str(refusal.value)
    assert "a" * 40 not in str(refusal.value)
    assert "pw@" not in str(refusal.value)


def test_two_names_that_agree_are_no_conflict(bare, monkeypatch):
    bare.write_text(f"DATABASE_URL={URL}\nENVIRONMENT=development\n")
    monkeypatch.setenv("DB_URL", URL.replace("postgresql:", "postgresql+asyncpg:"))
    monkeypatch.setenv("ENV", "local")

    assert servers(load(bare))[0] == URL


def test_the_process_may_replace_what_the_file_says_under_the_same_name(bare, monkeypatch):
    bare.write_text("DATABASE_URL=postgresql://app:pw@elsewhere/other\n")
    monkeypatch.setenv("DATABASE_URL", URL)

    assert servers(load(bare))[0] == URL


@pytest.mark.parametrize("driver", ["+asyncpg", "+psycopg", "+psycopg2", "+ASYNCPG", ""])
def test_the_driver_of_another_library_is_left_out(bare, monkeypatch, driver):
    monkeypatch.setenv("DATABASE_URL", f"postgresql{driver}://app:pw@localhost:5432/crypto_portfolio")

    assert servers(load(bare))[0] == URL


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("DATABASE_URL", "sqlite+aiosqlite:///./backend.db", "SQLite cannot hold exact amounts"),
        ("DB_URL", "sqlite:///backend.db", "SQLite cannot hold exact amounts"),
        ("DATABASE_URL", "mysql://u:hidden@h/x", "must look like postgresql://"),
        ("DATABASE_URL", "postgresql://u:hidden%@h/x", "is not a URL that PostgreSQL understands"),
        ("DATABASE_URL", "postgresql://u:hidden@h", "must end with the name of a database"),
        ("REDIS_URL", "valkey://:hidden@h:6379/0", "must look like redis://"),
        ("REDIS_URL", "memory://", "must look like redis://"),
        ("JWT_ALGORITHM", "none", "JWT_ALGORITHM: Input should be 'HS256'"),
        ("JWT_ALGORITHM", "RS256", "JWT_ALGORITHM: Input should be 'HS256'"),
        ("LOG_LEVEL", "chatty", "LOG_LEVEL: Input should be"),
        ("RATE_LIMIT_PER_MINUTE", "0", "RATE_LIMIT_PER_MINUTE: Input should be greater than or equal to 1"),
        ("PORT", "70000", "PORT: Input should be less than or equal to 65535"),
        ("TRUSTED_PROXIES", "10.0.0.0/8,hidden", "TRUSTED_PROXIES: value is not a valid"),
        ("HEARTBEAT_CRON", "hourly", "HEARTBEAT_CRON: String should match"),
        *(
            ("PUBLIC_BASE_URL", url, "PUBLIC_BASE_URL: must look like https://api.example.com")
            for url in (
                "hidden",
                "ftp://hidden",
                "https://",
                "https://hidden?x=1",
                "https://hidden#x",
                "https://u@hidden",
            )
        ),
        ("BASELINE_EQUITY", "-1", "BASELINE_EQUITY: Input should be greater than 0"),
    ],
)
def test_what_a_variable_may_not_say(bare, monkeypatch, variable, value, sentence):
    monkeypatch.setenv(variable, value)

    with pytest.raises(ImproperlyConfigured) as refusal:
        load(bare)

    assert sentence in str(refusal.value)
    assert "hidden" not in str(refusal.value)


@pytest.mark.parametrize(
    "given", ["https://api.example.com", "https://api.example.com/", " https://api.example.com// "]
)
def test_links_never_have_two_slashes(bare, monkeypatch, given):
    monkeypatch.setenv("PUBLIC_BASE_URL", given)

    assert load(bare).public_base_url == "https://api.example.com"


def test_everything_that_is_wrong_is_said_at_once(bare, monkeypatch):
    for name, value in {"PORT": "x", "JWT_ALGORITHM": "none", "JWT_SECRET": "a", "JWT_SECRET_KEY": "b"}.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(ImproperlyConfigured) as refusal:
        load(bare)

    problems = [line.split(":")[0] for line in str(refusal.value).splitlines()[1:]]
    assert problems == [
        "  - JWT_SECRET_KEY and JWT_SECRET are two names of one variable and differ",
        "  - JWT_ALGORITHM",
        "  - PORT",
    ]


def test_lists_are_separated_by_commas(bare, monkeypatch):
    monkeypatch.setenv("CORS_ALLOWED_ORIGINS", "https://a.example.com, https://b.example.com,")
    monkeypatch.setenv("TRUSTED_PROXIES", "10.0.0.0/8,fd00::/8")

    environment = load(bare)

    assert environment.cors_allowed_origins == ["https://a.example.com", "https://b.example.com"]
    assert [str(network) for network in environment.trusted_proxies] == ["10.0.0.0/8", "fd00::/8"]


@given(st.lists(st.text(st.characters(exclude_characters=",")).map(str.strip).filter(bool)))
def test_a_comma_list_is_read_back_as_it_was_written(words):
    assert parts(" , ".join(words)) == words


@pytest.mark.parametrize(
    ("providers", "coingecko", "coinmarketcap"),
    [("coingecko,coinmarketcap", "general", ""), ("coinmarketcap,coingecko", "", "general"), ("file", "", "")],
)
def test_the_general_key_stands_in_for_the_primary_providers(bare, monkeypatch, providers, coingecko, coinmarketcap):
    monkeypatch.setenv("MARKET_DATA_API_KEY", "general")
    monkeypatch.setenv("MARKET_PROVIDERS", providers)

    environment = load(bare)

    assert environment.provider_key("coingecko") == coingecko
    assert environment.provider_key("coinmarketcap") == coinmarketcap


def test_a_providers_own_key_comes_first(bare, monkeypatch):
    monkeypatch.setenv("MARKET_DATA_API_KEY", "general")
    monkeypatch.setenv("COINGECKO_API_KEY", "own")

    assert load(bare).provider_key("coingecko") == "own"


@pytest.fixture
def running_stack(bare: Path) -> dict[str, str]:
    stack = {"base_url": "http://127.0.0.1:8000", "database_url": URL, "redis_url": "redis://:pw@127.0.0.1:7000/0"}
    run_file = bare.parent / ".local" / "run.json"
    run_file.parent.mkdir()
    run_file.write_text(json.dumps(stack))
    return stack


def test_a_command_finds_the_servers_of_a_running_stack(bare, running_stack):
    assert servers(load(bare)) == (running_stack["database_url"], running_stack["redis_url"])


def test_a_given_redis_is_kept_beside_a_running_stack(bare, running_stack, monkeypatch):
    monkeypatch.setenv("REDIS_URL", "redis://elsewhere:6379/0")

    assert servers(load(bare)) == (URL, "redis://elsewhere:6379/0")


def test_a_process_with_the_stacks_database_gets_its_redis(bare, running_stack, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", URL)

    assert servers(load(bare)) == (URL, running_stack["redis_url"])


def test_a_process_with_another_database_gets_nothing_of_a_running_stack(bare, running_stack, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://app:pw@elsewhere/other")

    assert servers(load(bare)) == ("postgresql://app:pw@elsewhere/other", "redis://localhost:6379/0")


def test_production_never_takes_the_servers_of_a_running_stack(production, running_stack, monkeypatch):
    monkeypatch.delenv("DATABASE_URL")
    monkeypatch.delenv("REDIS_URL")

    with pytest.raises(ImproperlyConfigured) as refusal:
        load(production)

    assert "DATABASE_URL is not set" in str(refusal.value)
    assert "REDIS_URL is not set" in str(refusal.value)


def test_a_broken_note_of_a_stack_counts_as_none(bare, running_stack):
    (bare.parent / ".local" / "run.json").write_text("{")

    assert servers(load(bare)) == (None, "redis://localhost:6379/0")
