"""What answers HTTP carries no compiler and no statistics library."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

HEAVY = ("numba", "arch", "statsmodels", "scipy", "pandas", "llvmlite")

# Every address resolved, the admin and its views with it, and a job asked for, which looks at what performs it.
PROCESS = f"""
import sys
import config.wsgi
from django.urls import get_resolver
from accounts import kinds
assert get_resolver().reverse_dict and kinds.known()["score_universe"]
print(*[name for name in {HEAVY!r} if name in sys.modules])
"""


@pytest.mark.slow
def test_a_web_process_loads_none_of_them() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROCESS],
        cwd=Path(settings.BASE_DIR),
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.split() == []
