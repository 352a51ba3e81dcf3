"""What a server that others can reach must not start with."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from config.settings.variables import KNOWN_SECRET

if TYPE_CHECKING:
    from config.settings.environment import Environment

# RFC 7518, 3.2: a key at least as long as the hash.
JWT_KEY_LENGTH = {"HS256": 32, "HS384": 48, "HS512": 64}
PLACEHOLDERS = ("changeme", "replaceme", "placeholder", "example", "insecure", "development", "yoursecret")
ADVICE = "Make one with: openssl rand -hex 32"


def refusals(environment: "Environment") -> list[str]:
    """A sentence for each thing that keeps staging or production from starting; none in development.

    Values are never quoted: they may be secrets.
    """
    if environment.environment == "development":
        return []
    return [*_secrets(environment), *_servers(environment), *_doors(environment), *_mail(environment)]


def _secrets(environment: "Environment") -> Iterator[str]:
    keys = environment.encryption_master_key.get_secret_value().split(",")
    given = [
        ("SECRET_KEY", environment.secret_key.get_secret_value(), 32),
        ("JWT_SECRET_KEY", environment.jwt_secret_key.get_secret_value(), JWT_KEY_LENGTH[environment.jwt_algorithm]),
        *(("ENCRYPTION_MASTER_KEY", key.strip(), 32) for key in keys),
    ]
    seen: dict[str, str] = {}
    for variable, secret, length in given:
        if secret == KNOWN_SECRET.format(variable):
            yield f"{variable} is not set. {ADVICE}"
        elif _is_placeholder(secret):
            yield f"{variable} is a placeholder that anybody can guess. {ADVICE}"
        elif len(secret) < length:
            yield f"{variable} is shorter than {length} characters. {ADVICE}"
        elif secret in seen:
            yield f"{variable} has the same value as {seen[secret]}: give each secret a value of its own. {ADVICE}"
        seen.setdefault(secret, variable)


def _is_placeholder(secret: str) -> bool:
    letters = "".join(character for character in secret.lower() if character.isalnum())
    return any(word in letters for word in PLACEHOLDERS) or (len(secret) >= 8 and len(set(secret)) < 6)


def _servers(environment: "Environment") -> Iterator[str]:
    if environment.database_url is None:
        yield "DATABASE_URL is not set. Give the PostgreSQL of this deployment."
    if "redis_url" not in environment.model_fields_set:
        yield "REDIS_URL is not set. Give the Redis of this deployment."
    if environment.embedded_servers:
        yield "EMBEDDED_SERVERS is on: the servers of `make run` are for development. Give DATABASE_URL and REDIS_URL."


def _doors(environment: "Environment") -> Iterator[str]:
    if environment.debug:
        yield "DEBUG is on: error pages would show the source code. Turn it off."
    if environment.demo and environment.environment == "production":
        yield "DEMO is on: it makes logins with known passwords. Turn it off."
    if "allowed_hosts" not in environment.model_fields_set:
        yield "ALLOWED_HOSTS is not set. Name the hosts that this server answers to."
    if any("*" in host for host in environment.allowed_hosts):
        yield "ALLOWED_HOSTS has a wildcard. Name the hosts that this server answers to."
    if any("*" in origin or origin == "null" for origin in environment.cors_allowed_origins):
        yield "CORS_ALLOWED_ORIGINS has a wildcard. Name each origin, like https://app.example.com."
    if any(origin.lower().startswith("http://") for origin in environment.cors_allowed_origins):
        yield "CORS_ALLOWED_ORIGINS has an origin without TLS. Use https:// origins only."


def _mail(environment: "Environment") -> Iterator[str]:
    if environment.brevo_api_key and not environment.brevo_sender_email:
        yield "BREVO_SENDER_EMAIL is not set. Name the address that mail comes from: the mail server refuses others."
    if environment.brevo_api_key and "public_base_url" not in environment.model_fields_set:
        yield "PUBLIC_BASE_URL is not set. Say where people reach this server: links in mails begin with it."
