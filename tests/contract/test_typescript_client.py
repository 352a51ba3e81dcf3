"""A TypeScript client whose types are generated from the committed schema compiles and talks to the product."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from django.conf import settings

from config.kernel import clock
from markets.runs import simulation
from tests.accounts.factories import UserFactory

SCHEMA = Path(settings.BASE_DIR) / "docs" / "api" / "openapi.yaml"
SOURCES = Path(__file__).parent / "typescript"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.integration,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not (shutil.which("node") and shutil.which("npm")), reason="node and npm are not installed"),
]


def run(*command: str | Path, folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def generated(tmp_path: Path) -> Path:
    """A folder with the compiled client."""
    folder = shutil.copytree(SOURCES, tmp_path / "client", ignore=shutil.ignore_patterns("node_modules"))
    run("npm", "ci", "--ignore-scripts", "--no-update-notifier", folder=folder)
    programs = folder / "node_modules" / ".bin"
    run(programs / "openapi-typescript", SCHEMA, "--output", "schema.d.ts", folder=folder)
    run(programs / "tsc", "--project", ".", folder=folder)
    return folder


def test_it_lists_reads_and_signs_in(generated: Path, base_url: str) -> None:
    simulation.perform(simulation.Parameters(assets=3, days=30, seed=1), at=clock.now())
    person = UserFactory.create()
    person.set_password("a long enough secret")
    person.save()

    told = run("node", "out/client.js", base_url, person.username, "a long enough secret", folder=generated)

    assert json.loads(told) == {"count": 3, "symbol": "BTC", "by": "symbol", "points": 5, "username": person.username}
