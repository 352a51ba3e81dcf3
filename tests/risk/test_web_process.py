"""The web process stays light: the libraries that calculate are for the workers."""

import subprocess
import sys

HEAVY = ("numba", "arch", "statsmodels", "scipy", "pandas")
ASK = f"""
import sys
from django.conf import settings
from config import wsgi
from django.test import RequestFactory
import io
for path in ("/livez", "/api/v1/risk/models", "/api/v1/openapi.json"):
    environ = RequestFactory().get(path).environ
    response = wsgi.application(environ, lambda status, headers, error=None: None)
    b"".join(response); response.close()
from accounts import kinds
import risk.models, risk.queries.calibration, risk.actions.risk_models, risk.tasks
assert "score_universe" in kinds.known()
print([name for name in {HEAVY!r} if name in sys.modules])
"""


def test_web_process_imports_nothing_that_calculates():
    done = subprocess.run([sys.executable, "-c", ASK], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"


def test_blas_of_every_process_has_one_thread():
    ask = "import config, os; print(os.environ['OMP_NUM_THREADS'])"
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "1"
