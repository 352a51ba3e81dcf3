import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from config import bootstrap

pytestmark = pytest.mark.integration


@pytest.fixture
def repository(tmp_path):
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "dev.txt").write_text("# nothing\n")
    return tmp_path


def has_pip(repository):
    return any((repository / ".venv" / "lib").glob("python*/site-packages/pip"))


def test_first_run_makes_the_environment_and_the_second_has_nothing_to_do(repository, capsys):
    assert bootstrap.main(["dev"], repository) == 0
    first = capsys.readouterr().out
    assert bootstrap.main(["dev"], repository) == 0
    second = capsys.readouterr().out

    assert "Making the virtual environment" in first
    assert "Installing the dependencies of requirements/dev.txt" in first
    assert second == ""
    assert bootstrap.works(repository / ".venv" / "bin" / "python")


def test_changed_lock_is_installed_into_the_same_environment(repository, capsys):
    bootstrap.main([], repository)
    created = (repository / ".venv" / "pyvenv.cfg").stat().st_ino
    capsys.readouterr()
    (repository / "requirements" / "dev.txt").write_text("# still nothing\n")

    assert bootstrap.main([], repository) == 0

    assert capsys.readouterr().out.startswith("Installing the dependencies")
    assert (repository / ".venv" / "pyvenv.cfg").stat().st_ino == created


def test_system_without_ensurepip_lends_its_own_pip(repository, monkeypatch):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "ensurepip" else find_spec(name))

    assert bootstrap.main(["dev"], repository) == 0

    assert not has_pip(repository)
    assert (repository / ".venv" / ".installed-dev").exists()


def test_system_without_any_pip_is_told_what_to_install(repository, monkeypatch, capsys):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    assert bootstrap.main(["dev"], repository) == 1

    assert "pip is missing: install it for" in capsys.readouterr().out
    assert not (repository / ".venv" / ".installed-dev").exists()


def test_environment_of_a_python_that_is_gone_is_made_anew(repository, capsys):
    (repository / ".venv" / "bin").mkdir(parents=True)
    (repository / ".venv" / "bin" / "python").symlink_to("/nowhere/python")
    (repository / ".venv" / "left").touch()

    assert bootstrap.main(["dev"], repository) == 0

    assert "Making the virtual environment" in capsys.readouterr().out
    assert not (repository / ".venv" / "left").exists()


def test_failed_installation_shows_what_pip_said_and_is_tried_again(repository, capsys):
    (repository / "requirements" / "dev.txt").write_text("-r absent.txt\n")

    assert [bootstrap.main(["dev"], repository) for _ in range(2)] == [1, 1]

    said = capsys.readouterr().out
    assert said.count("Could not open requirements file") == 2
    assert said.rstrip().endswith(f"all of pip's output: {repository / '.local' / 'install.log'}")


def test_lock_is_installed_as_it_is_and_not_resolved_again(repository, monkeypatch):
    # The interpreter is one that writes down how it was called.
    (repository / "called").write_text('#!/bin/sh\necho "$@"\n')
    (repository / "called").chmod(0o755)
    monkeypatch.setattr(bootstrap, "pip", lambda python: [repository / "called"])

    said = bootstrap.pip_output(
        repository / ".venv" / "bin" / "python", repository / "requirements" / "dev.txt", repository / "install.log"
    )

    assert {"--no-deps", "--require-hashes"} <= set("".join(said).split())


def test_lock_that_does_not_exist_is_named(repository, capsys):
    assert bootstrap.main(["bench"], repository) == 1

    assert capsys.readouterr().out == f"{repository}/requirements/bench.txt is missing; `make lock` writes it.\n"
    assert not (repository / ".venv").exists()


def test_environment_that_cannot_be_made_is_explained(repository, monkeypatch, capsys):
    monkeypatch.setattr(sys, "executable", "/bin/false")

    assert bootstrap.main(["dev"], repository) == 1

    assert "The virtual environment cannot be made" in capsys.readouterr().out


def test_old_python_is_refused(repository, monkeypatch, capsys):
    monkeypatch.setattr(sys, "version_info", (3, 10, 4))

    assert bootstrap.main(["dev"], repository) == 1

    assert capsys.readouterr().out.startswith("Python 3.11 or newer is needed; this is ")
    assert not (repository / ".venv").exists()


def test_users_own_pip_settings_do_not_move_the_installation():
    environment = bootstrap.pip_environment({"PIP_USER": "1", "PIP_TARGET": "/x", "PIP_INDEX_URL": "u", "HOME": "/h"})

    assert environment == {"PIP_INDEX_URL": "u", "HOME": "/h", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


LINES = ["Collecting a==1\n", "Requirement already satisfied: b==2 in x\n", "Installing collected packages: a\n"]


def test_progress_grows_on_one_line_of_a_terminal(tmp_path, monkeypatch, capsys):
    lock = tmp_path / "lock"
    lock.write_text("a==1 \\\n    --hash=x\nb==2 \\\n    --hash=y\n    # via a\n")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)

    bootstrap.report(lock, LINES, tmp_path / "log")

    assert capsys.readouterr().out == (
        "\r\x1b[K  1 of 2  a\r\x1b[K  2 of 2  b\r\x1b[K  unpacking\n\r\x1b[K"
        f"  installed (pip's output: {tmp_path / 'log'})\n"
    )


def test_progress_is_sparse_in_a_log(tmp_path, capsys):
    lock = tmp_path / "lock"
    lock.write_text("".join(f"p{number}==1\n" for number in range(60)))

    bootstrap.report(lock, [f"Collecting p{number}==1\n" for number in range(60)], tmp_path / "log")

    assert capsys.readouterr().out.splitlines()[:-1] == ["  25 of 60", "  50 of 60"]


def test_script_needs_no_installed_package(repository):
    script = Path(bootstrap.__file__)
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import runpy; runpy.run_path({str(script)!r})"],
        capture_output=True,
        text=True,
    )

    assert (done.returncode, done.stderr) == (0, "")
