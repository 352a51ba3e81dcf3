"""The roof of the product: settings, addresses, workers, pipelines."""

import os
from importlib.util import find_spec

# Before NumPy is loaded. Threads of BLAS beside processes of workers only wait for each other, and sums in another
# order are not the same to the last bit.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Tasks are sent through the application that is loaded, so every Django process loads ours. `make run` imports this
# package once before the dependencies are installed.
if find_spec("celery") is not None:
    from config.celery import app as celery_app

    __all__ = ["celery_app"]
