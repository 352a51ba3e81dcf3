"""What the tree holds, and what it does not."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FRONT_END = {".js", ".mjs", ".css", ".scss", ".ts", ".jsx", ".tsx", ".vue", ".woff", ".woff2", ".ttf", ".map"}
LIBRARIES = ("jquery", "bootstrap", "chart", "react", "vue", "swagger", "redoc", "htmx", "alpine", "d3", "plotly")


@pytest.fixture(scope="module")
def files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [Path(name) for name in listed.stdout.split("\0") if name]


def test_no_front_end_library_is_copied_into_the_tree(files):
    copied = [
        file
        for file in files
        if file.suffix in FRONT_END and (".min." in file.name or file.stem.lower().startswith(LIBRARIES))
    ]

    assert copied == []


def test_no_page_loads_anything_from_another_server(files):
    pages = [file for file in files if file.suffix == ".html" and file.parts[0] != "tests"]

    loading = [
        file for file in pages for word in ('src="http', 'src="//', 'href="//') if word in (ROOT / file).read_text()
    ]
    assert loading == []


@pytest.mark.parametrize("name", ["utils", "helpers", "common", "misc", "services", "managers"])
def test_no_module_is_named_for_nothing(files, name):
    assert [file for file in files if file.suffix == ".py" and name in (file.stem, *file.parts[:-1])] == []


def test_no_file_with_secrets_is_tracked(files):
    assert [file for file in files if file.name in {".env", "run.json", "secrets.json"}] == []
