"""The product's settings with short leases, and kinds of jobs that can be killed, frozen and counted."""

from config.settings import *  # noqa: F403

JOB_KINDS = "tests.faults.kinds.KINDS"
JOB_LEASE_SECONDS = 3
JOB_HEARTBEAT_SECONDS = 1
JOB_SWEEP_SECONDS = 1
JOB_RELAY_SECONDS = 2
