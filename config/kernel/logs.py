"""One JSON object per line, from structlog and from the standard library alike, without secrets.

Servers and workers write to stdout. A command answers its caller there, so its log goes to stderr: `manage.py` says so.
"""

import logging
import logging.config
import sys
import threading
from typing import Any
from uuid import UUID

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from config.kernel import clock
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
    return _line(redact(event))


def _line(event: EventDict) -> str:
    line = orjson.dumps(event, option=orjson.OPT_UTC_Z)
    if not line.isascii():
        for raw, escaped in _LINE_SEPARATORS:
            line = line.replace(raw, escaped)
    return line.decode()


class PlainLog:
    """Writes events that have no secret in them, at level `info`: the same line in a tenth of the time."""

    least_level = logging.INFO

    def __init__(self, name: str) -> None:
        self._name = name
        self._lines = LineLogger(name)

    def info(self, event: str, **fields: str | int | float | UUID | None) -> None:
        """Write one line. What is not our own text must have been through `redaction.scrub`."""
        if self.least_level <= logging.INFO:
            place = {"event": event, "logger": self._name, "level": "info", "timestamp": clock.now()}
            self._lines.write(_line(fields | place))


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
    PlainLog.least_level = getattr(logging, level.upper())
    structlog.configure(
        processors=[_name, *_COMMON, render],
        wrapper_class=structlog.make_filtering_bound_logger(PlainLog.least_level),
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
