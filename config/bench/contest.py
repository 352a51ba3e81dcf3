"""The product and a reference, measured in turns: rounds of two samples seconds apart, in changing order.

Speeds of one run only mean something beside each other, so what counts is the ratio within each round.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import Protocol

from config.bench.processor import Meter, Usage

DISTURBED = 0.15
"""Cores in foreign use above which a round is repeated."""

ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Sample:
    """What one side did: so many units (rows, requests) within so many seconds; latencies in milliseconds."""

    units: float
    seconds: float
    p50: float | None = None
    p99: float | None = None

    @property
    def speed(self) -> float:
        return self.units / self.seconds


class Side(Protocol):
    """One of the two. `attempt` is a new number for each pair of samples, so that both can use the same fresh input."""

    name: str

    def prepare(self, attempt: int) -> None:
        """Everything that belongs before the clock starts."""

    def measure(self, attempt: int) -> Sample: ...


@dataclass
class Work:
    """A side that is a function: it does its work and returns how many units that were."""

    name: str
    work: Callable[[int], float]
    before: Callable[[int], None] = lambda attempt: None
    after: Callable[[int], None] = lambda attempt: None
    """Outside the clock: what makes the work possible, and what proves that it was done."""

    def prepare(self, attempt: int) -> None:
        self.before(attempt)

    def measure(self, attempt: int) -> Sample:
        started = perf_counter()
        units = self.work(attempt)
        sample = Sample(units, perf_counter() - started)
        self.after(attempt)
        return sample


@dataclass(frozen=True, slots=True)
class Target:
    """The median that is wanted: `at_least` in speed, or `at_most` in time, as a multiple of the reference's."""

    at_least: float | None = None
    at_most: float | None = None

    @property
    def is_about_time(self) -> bool:
        return self.at_most is not None

    def is_reached(self, ratio: float) -> bool:
        return ratio <= self.at_most if self.at_most is not None else ratio >= (self.at_least or 0.0)

    def __str__(self) -> str:
        return f"at most {self.at_most:g} of the time" if self.is_about_time else f"at least {self.at_least:g} x"


@dataclass(frozen=True, slots=True)
class Contest:
    """What is compared. Without a target it is context; `tail_below_median` also wants the product's p99 below the
    reference's p50."""

    name: str
    unit: str
    product: Side
    reference: Side
    target: Target | None = None
    tail_below_median: bool = False


@dataclass(frozen=True, slots=True)
class Round:
    """One sample of each side, and how much others had of the machine meanwhile."""

    product: Sample
    reference: Sample
    usage: Usage | None = None

    @property
    def foreign(self) -> float:
        return self.usage.foreign if self.usage else 0.0

    @property
    def is_disturbed(self) -> bool:
        return self.foreign > DISTURBED


@dataclass(frozen=True, slots=True)
class Result:
    """All rounds of a contest."""

    contest: Contest
    rounds: Sequence[Round]

    @property
    def ratios(self) -> list[float]:
        """Of each round: product to reference, in time where the target is about time, else in speed."""
        speeds = [entry.product.speed / entry.reference.speed for entry in self.rounds]
        target = self.contest.target
        return [1 / speed for speed in speeds] if target is not None and target.is_about_time else speeds

    @property
    def ratio(self) -> float:
        return median(self.ratios)

    @property
    def is_reached(self) -> bool | None:
        """Whether the median meets the target; None without one."""
        return None if self.contest.target is None else self.contest.target.is_reached(self.ratio)

    @property
    def tail_is_below_median(self) -> bool | None:
        """Whether the product's slow requests are faster than the reference's ordinary ones; None where not asked."""
        if not self.contest.tail_below_median:
            return None
        tails = [entry.product.p99 for entry in self.rounds]
        medians = [entry.reference.p50 for entry in self.rounds]
        return median(tail or 0.0 for tail in tails) < median(middle or 0.0 for middle in medians)


class Attempts:
    """Numbers that never come twice within one benchmark."""

    def __init__(self) -> None:
        self._last = 0

    def next(self) -> int:
        self._last += 1
        return self._last


def hold(contest: Contest, *, rounds: int, meter: Meter, attempts: Attempts, say: Callable[[str], None]) -> Result:
    """Warm both sides up, then measure `rounds` rounds; one that others disturb is repeated up to twice."""
    for side in (contest.product, contest.reference):
        number = attempts.next()
        side.prepare(number)
        side.measure(number)
    held = []
    for index in range(rounds):
        tries: list[Round] = []
        while not tries or (tries[-1].is_disturbed and len(tries) < ATTEMPTS):
            tries.append(_round(contest, attempts.next(), product_first=index % 2 == 0, meter=meter))
        # Of disturbed tries the least disturbed stands.
        held.append(min(tries, key=lambda entry: entry.foreign))
        mark = f", disturbed by {held[-1].foreign:.2f} cores" if held[-1].is_disturbed else ""
        say(f"  round {index + 1}: {held[-1].product.speed / held[-1].reference.speed:.2f} x in speed{mark}")
    return Result(contest, held)


def _round(contest: Contest, attempt: int, *, product_first: bool, meter: Meter) -> Round:
    sides = [contest.product, contest.reference] if product_first else [contest.reference, contest.product]
    samples: dict[str, Sample] = {}
    usages: list[Usage | None] = []
    for side in sides:
        side.prepare(attempt)
        meter.start()
        samples[side.name] = side.measure(attempt)
        usages.append(meter.stop())
    known = [usage for usage in usages if usage is not None]
    worst = max(known, key=lambda usage: usage.foreign, default=None)
    return Round(samples[contest.product.name], samples[contest.reference.name], worst)
