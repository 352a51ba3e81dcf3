"""What the launcher keeps in `.local/`: secrets, logins and how to reach the product while it runs."""

import contextlib
import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.embedded.errors import ServersError
from config.embedded.given import Given
from config.embedded.home import write_private

Logins = dict[str, dict[str, str]]  # role -> {"username", "password"}
SECRETS = ("SECRET_KEY", "JWT_SECRET_KEY", "ENCRYPTION_MASTER_KEY")


@dataclass(frozen=True, slots=True)
class Address:
    """How scripts and clients attach: the content of `run.json`, there while the product runs."""

    base_url: str
    database_url: str
    redis_url: str
    database_owner_url: str
    logins: Logins


class State:
    """The private files of one checkout."""

    def __init__(self, repository: Path) -> None:
        self.directory = repository / ".local"
        self.logs = self.directory / "logs"
        self.metrics = self.directory / "metrics"
        self.lock = self.directory / "run.lock"
        self._run = self.directory / "run.json"
        try:
            self.logs.mkdir(mode=0o700, parents=True, exist_ok=True)
            (self.logs / "setup.log").touch(mode=0o600)
        except PermissionError as error:
            raise ServersError(f"{self.directory} belongs to another user; remove it or start as that user.") from error

    def secrets(self, given: Given) -> dict[str, str]:
        """The secrets that the user has not given, made once for the checkout."""
        kept = self._read("secrets.json")
        missing = {name: secrets.token_urlsafe(48) for name in SECRETS if name not in kept}
        if missing:
            kept |= missing
            write_private(self.directory / "secrets.json", kept)
        return {name: kept[name] for name in SECRETS if given.get(name) is None}

    def remember(self, new: Logins) -> Logins:
        """Add the logins just made to those from before; their passwords are stored nowhere else."""
        logins: Logins = self._read("logins.json") | new
        if new:
            write_private(self.directory / "logins.json", logins)
        return logins

    def publish(self, address: Address) -> None:
        """Say how to reach the product."""
        content = {name: getattr(address, name) for name in Address.__slots__}
        write_private(self._run, content)

    def published(self) -> dict[str, Any] | None:
        """What is published at this moment."""
        with contextlib.suppress(FileNotFoundError):
            content: dict[str, Any] = json.loads(self._run.read_text())
            return content
        return None

    def withdraw(self) -> None:
        """The product is not to be reached any more."""
        self._run.unlink(missing_ok=True)

    def _read(self, name: str) -> dict[str, Any]:
        path = self.directory / name
        try:
            content: dict[str, Any] = json.loads(path.read_text())
        except FileNotFoundError:
            return {}
        except ValueError as error:
            raise ServersError(f"{path} cannot be read ({error}). Repair it, or move it away.") from error
        return content
