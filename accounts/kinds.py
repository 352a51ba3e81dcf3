"""What kinds of jobs there are. The engine knows none by name: `JOB_KINDS` says where the table is, in the roof."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import cast

from django.conf import settings
from django.utils.module_loading import import_string

from accounts.models import Job
from config.kernel.errors import Problem, ServiceUnavailable


class UnknownKind(LookupError):
    """Code of ours asked for work that nobody performs."""


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a job is attempted, after which problems, and how long it waits before the next attempt.

    The wait doubles from `first` up to `longest`; half of it is left to chance, so that jobs that failed together do
    not all come back together.
    """

    attempts: int = 3
    first: timedelta = timedelta(seconds=5)
    longest: timedelta = timedelta(minutes=5)
    after: tuple[type[Problem], ...] = (ServiceUnavailable,)
    """A part that was away may be back; what was wrong with the work itself will be wrong again."""
    unless: tuple[type[Problem], ...] = ()
    """Of these, those that no further attempt can change."""

    def is_worthwhile(self, problem: Problem) -> bool:
        return isinstance(problem, self.after) and not isinstance(problem, self.unless)

    def wait(self, attempt: int, chance: float) -> timedelta:
        """How long to wait after the attempt of this number, the first being 1; `chance` is from 0 to 1."""
        # Beyond some doublings only the cap counts, and a timedelta could not hold the product.
        whole = min(self.longest, self.first * 2.0 ** min(attempt - 1, 30))
        return whole * (0.5 + chance / 2)


@dataclass(frozen=True, slots=True)
class Kind:
    """What performs a job, in which queue it waits, how it is retried, and after how many seconds it is stopped."""

    perform: Callable[[Job], Mapping[str, object]]
    queue: Job.Queue = Job.Queue.DEFAULT
    retry: Retry = field(default_factory=Retry)
    time_limit: int = 540


def known() -> Mapping[str, Kind]:
    """Every kind by its name."""
    return cast("Mapping[str, Kind]", import_string(settings.JOB_KINDS))


def named(name: str) -> Kind:
    """The kind of this name, or `UnknownKind`."""
    try:
        return known()[name]
    except KeyError:
        raise UnknownKind(name) from None
