"""What a run says: for people as text, for machines as JSON."""

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from statistics import median
from typing import Any

import orjson

from config.bench.contest import Result, Sample

PACKAGES = (
    *("django", "djangorestframework", "psycopg", "granian", "orjson", "numpy", "msgspec", "numba"),
    *("fastapi", "sqlalchemy", "asyncpg", "pydantic", "uvicorn", "arch", "pandas"),
)
_YES = {True: "reached", False: "NOT reached", None: "for context"}


def machine() -> dict[str, Any]:
    """Where the figures come from."""
    model = "unknown processor"
    try:
        with open("/proc/cpuinfo") as cpuinfo:  # noqa: PTH123  # a pseudo file
            model = next((line.partition(":")[2].strip() for line in cpuinfo if line.startswith("model name")), model)
    except OSError:
        pass
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}",
        "load": list(os.getloadavg()),
    }


def versions() -> dict[str, str]:
    """Of the packages that both sides are made of."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "absent"
    return found


def lines(result: Result) -> list[str]:
    """One contest as text."""
    contest, ratios = result.contest, result.ratios
    kind = "of the time" if contest.target is not None and contest.target.is_about_time else "x"
    wanted = f"; target {contest.target}" if contest.target is not None else ""
    text = [
        f"{contest.name}: {result.ratio:.3g} {kind} ({min(ratios):.3g} .. {max(ratios):.3g}"
        f" in {len(ratios)} rounds){wanted}: {_YES[result.is_reached]}"
    ]
    for name, samples in (
        (contest.product.name, [entry.product for entry in result.rounds]),
        (contest.reference.name, [entry.reference for entry in result.rounds]),
    ):
        text.append(f"  {name:<32} {_speed(samples):>12} {contest.unit}/s{_latency(samples)}")
    if result.tail_is_below_median is not None:
        text.append(f"  p99 below the reference's p50: {'yes' if result.tail_is_below_median else 'NO'}")
    disturbed = sum(entry.is_disturbed for entry in result.rounds)
    if disturbed:
        foreign = [entry.foreign for entry in result.rounds]
        text.append(f"  {disturbed} of {len(ratios)} rounds disturbed: others used {max(foreign):.2f} cores at worst")
    return text


def _speed(samples: Sequence[Sample]) -> str:
    return f"{median(sample.speed for sample in samples):,.0f}"


def _latency(samples: Sequence[Sample]) -> str:
    if samples[0].p50 is None:
        return ""
    p50, p99 = median(sample.p50 or 0.0 for sample in samples), median(sample.p99 or 0.0 for sample in samples)
    return f"   p50 {p50:.1f} ms   p99 {p99:.1f} ms"


def as_json(results: Mapping[str, Sequence[Result]], *, at: datetime, settings: Mapping[str, Any]) -> bytes:
    """The whole run, every round of it."""
    return orjson.dumps(
        {
            "at": at,
            "machine": machine(),
            "versions": versions(),
            **settings,
            "suites": {suite: [_contest(result) for result in held] for suite, held in results.items()},
        },
        option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z,
    )


def _contest(result: Result) -> dict[str, Any]:
    target = result.contest.target
    return {
        "name": result.contest.name,
        "unit": result.contest.unit,
        "product": result.contest.product.name,
        "reference": result.contest.reference.name,
        "ratio": {"median": result.ratio, "minimum": min(result.ratios), "maximum": max(result.ratios)},
        "target": None if target is None else asdict(target),
        "is_reached": result.is_reached,
        "tail_is_below_median": result.tail_is_below_median,
        "rounds": [
            {
                "ratio": ratio,
                "product": asdict(entry.product) | {"speed": entry.product.speed},
                "reference": asdict(entry.reference) | {"speed": entry.reference.speed},
                "usage": None if entry.usage is None else asdict(entry.usage),
                "is_disturbed": entry.is_disturbed,
            }
            for ratio, entry in zip(result.ratios, result.rounds, strict=True)
        ],
    }
