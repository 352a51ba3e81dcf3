"""One JSON object per line, from structlog and from the standard library alike, without secrets.

Servers and workers write to stdout. A command answers its caller there, so its log goes to stderr: `manage.py` says so.
"""

import logging
import logging.config
import sys
import threading
from typing import Any

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from config.kernel.redaction import redact

# orjson writes these raw; some readers of logs take each for the end of a line.
_LINE_SEPARATORS = ((b"\xe2\x80\xa8", b"\\u2028"), (b"\xe2\x80\xa9", b"\\u2029"), (b"\xc2\x85", b"\\u0085"))


stream_name = "stdout"


class LineLogger:
    """Writes finished lines. One lock per process: a line is never cut by another thread's."""

    _lock = threading.Lock()

    def __init__(self, name: str = "root") -> None:
        self.name = name

    def write(self, line: str) -> None:
        """Write `line`, without its end, to what stdout or stderr is at this moment."""
        with self._lock:
            stream = getattr(sys, stream_name)
            stream.write(line + "\n")
            stream.flush()

    debug = info = warning = warn = error = critical = fatal = exception = failure = log = msg = write


def _name(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    event["logger"] = logger.name
    return event


def render(logger: WrappedLogger, method: str, event: EventDict) -> str:
    """The last processor: redacted, one line, whatever is in it."""
    line = orjson.dumps(redact(event))
    for raw, escaped in _LINE_SEPARATORS:
        line = line.replace(raw, escaped)
    return line.decode()


_COMMON: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
]


class JsonFormatter(structlog.stdlib.ProcessorFormatter):
    """Gives records of the standard library the same shape."""

    def __init__(self) -> None:
        super().__init__(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *_COMMON],
            keep_exc_info=False,
            keep_stack_info=False,
        )


def logging_config(level: str = "INFO") -> dict[str, Any]:
    """Django's `LOGGING`; also points structlog to the same lines. `level` is a name such as `INFO`."""
    structlog.configure(
        processors=[_name, *_COMMON, render],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=LineLogger,
        cache_logger_on_first_use=True,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": JsonFormatter}},
        "handlers": {
            "lines": {"class": "logging.StreamHandler", "stream": f"ext://sys.{stream_name}", "formatter": "json"}
        },
        "root": {"handlers": ["lines"], "level": level.upper()},
        "loggers": {
            # Every request has its own line already, with its id.
            "django.server": {"handlers": [], "propagate": False},
            "django.request": {"level": "CRITICAL"},
            # Django's own handlers for these would write plain text beside ours.
            "django": {"handlers": [], "propagate": True},
        },
    }
