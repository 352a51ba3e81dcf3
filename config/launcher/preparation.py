"""What must be done before the product can serve: the migrations, static files, schedules and the demo market."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from config.embedded.errors import ServersError
from config.launcher.state import Logins


class Preparation:
    """Runs `manage.py` commands in order; what they say goes to a log, and to the screen when one fails."""

    def __init__(self, repository: Path, log: Path, say: Callable[[str], None]) -> None:
        self._repository = repository
        self._log = log
        self._say = say

    def run(self, environment: Mapping[str, str], *, owner_url: str, demo: bool) -> Logins:
        """Prepare the database and the static files; returns the logins that were made just now."""
        self._log.write_text("")
        self._say("Bringing the database up to date")
        self._manage({**environment, "DATABASE_URL": owner_url}, "migrate", "--noinput")
        self._manage(environment, "collectstatic", "--noinput")
        self._manage(environment, "sync_roles")
        self._manage(environment, "sync_schedules")
        if not demo:
            self._manage(environment, "register_model")
            return {}
        self._say("Looking after the demo market")
        # Log lines may come before the answer, which is the last line.
        *_, answer = self._manage(environment, "demo", "--json", shows_progress=True).splitlines()
        logins: Logins = json.loads(answer)["logins"]
        self._show_newest(environment)
        return logins

    def _show_newest(self, environment: Mapping[str, str]) -> None:
        """The demo shows what this code makes, once its prices are there to be scored; elsewhere somebody decides."""
        try:
            self._manage(environment, "register_model", "--activate", "The demo shows the newest.", shows_progress=True)
        except ServersError as error:
            self._say(str(error))

    def ask_for_scores(self, environment: Mapping[str, str]) -> None:
        """Let the workers score the demo market; what goes wrong with it does not keep the product from serving."""
        try:
            self._manage(environment, "score_universe", "--request")
        except ServersError as error:
            self._say(str(error))

    def _manage(self, environment: Mapping[str, str], *arguments: str, shows_progress: bool = False) -> str:
        """What the command wrote to its standard output."""
        with self._log.open("a") as log:
            done = subprocess.run(  # noqa: S603 - our own commands
                [sys.executable, "manage.py", *arguments],
                cwd=self._repository,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=None if shows_progress and sys.stderr.isatty() else log,
                text=True,
                check=False,
            )
            if not shows_progress:  # the answer holds passwords
                log.write(done.stdout)
        if done.returncode:
            end = "".join(self._log.read_text().splitlines(keepends=True)[-15:])
            raise ServersError(f"`manage.py {arguments[0]}` failed; {self._log} ends:\n{end}")
        return done.stdout
