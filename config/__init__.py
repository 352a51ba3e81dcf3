"""The roof of the product: settings, addresses, workers, pipelines."""

from importlib.util import find_spec

# Tasks are sent through the application that is loaded, so every Django process loads ours. `make run` imports this
# package once before the dependencies are installed.
if find_spec("celery") is not None:
    from config.celery import app as celery_app

    __all__ = ["celery_app"]
