"""The product's settings for a worker that also knows the benchmark's work."""

from config.settings import *  # noqa: F403

JOB_KINDS = "config.bench.job_work.KINDS"
CELERY_IMPORTS = ["config.bench.job_work"]
