"""Apps import downwards only: the contracts in pyproject.toml."""

from pathlib import Path

from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

PROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"


def test_no_module_imports_what_its_layer_must_not_know(capsys):
    status = lint_imports(config_filename=str(PROJECT), no_cache=True)

    assert status == EXIT_STATUS_SUCCESS, capsys.readouterr().out
