import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from risk.quant import formulas

ROOT = Path(__file__).resolve().parents[3]


def said_in(folder: Path, statement: str) -> str:
    done = subprocess.run([sys.executable, "-c", statement], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """The sources elsewhere, where they can be changed."""
    shutil.copytree(ROOT / "risk" / "quant", tmp_path / "risk" / "quant", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "risk" / "__init__.py").touch()
    return tmp_path


def test_a_changed_constant_is_another_digest(copied: Path) -> None:
    ask = "from risk.quant import formulas; print(formulas.digest().hex())"
    assert said_in(copied, ask) == formulas.digest().hex()

    (copied / "risk/quant/har.py").write_text(
        (copied / "risk/quant/har.py").read_text().replace("HORIZON = 30", "HORIZON = 31")
    )

    assert said_in(copied, ask) != formulas.digest().hex()


def test_machine_code_of_other_sources_is_not_used(copied: Path) -> None:
    pytest.importorskip("numba")
    ask = "import numba, risk.quant.compiled; print(numba.core.config.CACHE_DIR)"
    before = said_in(copied, ask)

    (copied / "risk/quant/garch/loops.py").write_text("BLOCK = 64\n")

    after = said_in(copied, ask)
    assert Path(before).parent == Path(after).parent
    assert before != after
