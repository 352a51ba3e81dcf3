"""Who looks after incidents when the schedule does not: a dead scheduler cannot ask for a look at itself.

Each web process has one. Web processes are what a load balancer watches from outside, so they are there when nothing
else is; and they do not fork, which a worker with a thread of this kind would.
"""

from __future__ import annotations

import threading

import structlog
from django.db import connection

from accounts.actions import heartbeats, watch
from config.kernel import clock

log = structlog.get_logger(__name__)

PAUSE = 60.0  # seconds; also before the first look, because the scheduler may be about to start


def start() -> None:
    """Begin to look in, in a thread that ends with the process."""
    threading.Thread(target=_keep_looking, name="watchman", daemon=True).start()


def look_in() -> None:
    """Look after incidents if nobody else has for a minute."""
    try:
        at = clock.now()
        if watch.is_overdue(at):
            log.warning("watchman.stands_in", instance=heartbeats.this_process())
            watch.look(at=at)
    except Exception as error:
        # Whatever it was, the next look may see.
        log.warning("watchman.blind", error=type(error).__name__, reason=str(error))
    finally:
        connection.close()


def _keep_looking() -> None:
    pause = threading.Event()
    while not pause.wait(PAUSE):
        look_in()
