"""Make `.venv` with the locked dependencies: the first step of every `make` target, on the standard library alone.

    python3 -I config/bootstrap.py [LOCK...]     # names of requirements/*.txt, `dev` when none is given

A lock that is already installed costs one hash.
"""

import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
OLDEST_PYTHON = (3, 11)


class BootstrapFailed(Exception):
    """What is missing, and how to get it."""


def main(arguments: Sequence[str], repository: Path = REPOSITORY) -> int:
    """Install the named locks; returns the exit code."""
    try:
        if sys.version_info < OLDEST_PYTHON:
            raise BootstrapFailed(f"Python 3.11 or newer is needed; this is {sys.version.split()[0]}.")
        (repository / ".local").mkdir(mode=0o700, exist_ok=True)
        with (repository / ".local" / "bootstrap.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # `make run` and `make test` may begin together
            for name in arguments or ["dev"]:
                install(name, repository)
    except (BootstrapFailed, PermissionError) as failure:
        say(str(failure))
        return 1
    return 0


def install(name: str, repository: Path) -> None:
    """Bring the environment to what `requirements/<name>.txt` says."""
    environment = repository / ".venv"
    lock = repository / "requirements" / f"{name}.txt"
    stamp = environment / f".installed-{name}"
    if not lock.exists():
        raise BootstrapFailed(f"{lock} is missing; `make lock` writes it.")
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    python = environment / "bin" / "python"
    if not works(python):
        make_environment(environment)
    if stamp.exists() and stamp.read_text() == digest:
        return
    log = repository / ".local" / "install.log"
    say(f"Installing the dependencies of requirements/{name}.txt")
    report(lock, pip_output(python, lock, log), log)
    stamp.write_text(digest)


def works(python: Path) -> bool:
    """Whether the environment's interpreter runs and is new enough."""
    if not python.exists():
        return False
    question = f"import sys; sys.exit(sys.version_info < {OLDEST_PYTHON})"
    return subprocess.run([python, "-c", question], capture_output=True, check=False).returncode == 0  # noqa: S603 - our own interpreter


def make_environment(environment: Path) -> None:
    """Make the virtual environment anew, without pip of its own where the system cannot provide one."""
    say(f"Making the virtual environment {environment} with Python {sys.version.split()[0]}")
    if environment.exists():
        shutil.rmtree(environment)
    bundled_pip = importlib.util.find_spec("ensurepip") is not None  # Debian ships it in another package
    command = [sys.executable, "-m", "venv", *([] if bundled_pip else ["--without-pip"]), str(environment)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own interpreter
    if done.returncode:
        raise BootstrapFailed(f"The virtual environment cannot be made:\n{done.stdout}{done.stderr}".strip())


def pip(python: Path) -> list[str | Path]:
    """How to call pip for the environment: its own, or that of the interpreter that runs this."""
    if any((python.parents[1] / "lib").glob("python*/site-packages/pip")):
        return [python, "-m", "pip"]
    if importlib.util.find_spec("pip") is None:
        raise BootstrapFailed(
            f"pip is missing: install it for {sys.executable} (on Debian: apt-get install python3-venv)."
        )
    return [sys.executable, "-m", "pip", "--python", python]


def pip_output(python: Path, lock: Path, log: Path) -> Iterator[str]:
    """Install the lock; yields the lines that pip says and raises when it fails."""
    # The lock is complete. Left to resolve it again, an older pip takes an extra (`coverage[toml]`) for a package
    # without a pin as soon as a newer release exists, and refuses the whole lock.
    command = [
        *pip(python),
        "install",
        "--no-deps",
        "--require-hashes",
        "--no-input",
        "--progress-bar",
        "off",
        "-r",
        lock,
    ]
    with log.open("w") as record:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=pip_environment(os.environ)
        )
        lines = []
        for line in process.stdout or ():
            record.write(line)
            lines.append(line)
            yield line
    if process.wait():
        raise BootstrapFailed(
            "".join([*lines[-15:], f"The dependencies could not be installed; all of pip's output: {log}"])
        )


def pip_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment without a user's settings that would install elsewhere."""
    kept = {name: value for name, value in environment.items() if name not in ("PIP_USER", "PIP_TARGET", "PIP_PREFIX")}
    return {**kept, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def report(lock: Path, lines: Iterable[str], log: Path) -> None:
    """Show how far pip is: one line that grows in a terminal, one line for every 25 packages elsewhere."""
    total = len(re.findall(r"(?m)^[A-Za-z0-9][^=\s]*==", lock.read_text()))
    terminal = sys.stdout.isatty()
    met = 0
    for line in lines:
        if match := re.match(r"(?:Collecting|Requirement already satisfied:|Ignoring) ([A-Za-z0-9._-]+)", line):
            met += 1
            if terminal:
                sys.stdout.write(f"\r\x1b[K  {met} of {total}  {match[1]}")
                sys.stdout.flush()
            elif met % 25 == 0:
                say(f"  {met} of {total}")
        elif line.startswith("Installing collected packages"):
            say("\r\x1b[K  unpacking" if terminal else "  unpacking")
    if terminal:
        sys.stdout.write("\r\x1b[K")
    say(f"  installed (pip's output: {log})")


def say(message: str) -> None:
    """Tell the person at the terminal at once, also when the output goes through a pipe."""
    sys.stdout.write(f"{message}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
