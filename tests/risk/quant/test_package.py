import subprocess
import sys
from pathlib import Path

import pytest

import risk.quant
from risk.quant import engine
from risk.quant.engine import Engine

HEAVY = ("numba", "arch", "statsmodels", "pandas", "scipy", "numpy", "django")
ROOT = Path(__file__).resolve().parents[3]
MODULES = sorted(path.stem for path in Path(risk.quant.__file__).parent.glob("*.py"))


def loaded_after(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_package_itself_loads_nothing():
    assert loaded_after("import risk.quant") == set()


def test_no_module_loads_a_compiler_or_a_statistics_library_before_it_is_used():
    names = ", ".join(f"risk.quant.{name}" for name in MODULES if name != "__init__")

    assert loaded_after(f"import {names}") == {"numpy", "scipy"}


@pytest.mark.parametrize(("spec", "expected"), [(object(), Engine.NUMBA), (None, Engine.NUMPY)])
def test_engine_is_compiled_where_the_compiler_is_installed(monkeypatch, spec, expected):
    monkeypatch.setattr(engine, "find_spec", lambda name: spec)

    assert engine.installed.__wrapped__() is expected
