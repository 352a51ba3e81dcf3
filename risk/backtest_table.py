"""A backtest as a table for people: the command prints it, the admin shows it."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

Entry = Mapping[str, Any]
"""What is stored of a method at a level; numbers that could not be told are null or missing."""


class Column(NamedTuple):
    title: str
    said: Callable[[Entry], str]


def _told(entry: Entry, name: str, form: str, factor: float = 1) -> str:
    value = entry.get(name)
    return "-" if value is None else format(factor * value, form)


def _percent(name: str, places: int = 1) -> Callable[[Entry], str]:
    return lambda entry: _told(entry, name, f".{places}f", 100)


def _number(name: str, form: str = ".3f") -> Callable[[Entry], str]:
    return lambda entry: _told(entry, name, form)


def _method(entry: Entry) -> str:
    return f"{entry['method']}{'*' if entry.get('baseline') else ''}"


def _interval(entry: Entry) -> str:
    low, high = (_told(entry, name, ".2f", 100) for name in ("rate_low", "rate_high"))
    return low if low == high else f"{low}-{high}"


def _lights(entry: Entry) -> str:
    shares = [_told(entry, f"traffic_light_{zone}", ".0f", 100) for zone in ("green", "yellow", "red")]
    return "-" if "-" in shares else "/".join(shares)


def _confidence_set(entry: Entry) -> str:
    kept = entry.get("in_confidence_set")
    return "-" if kept is None else f"{'in' if kept else 'out'} {_told(entry, 'confidence_set_p_value', '.3f')}"


COLUMNS = (
    Column("method", _method),
    Column("level", lambda entry: f"{100 * entry['level']:g}"),
    Column("forecasts", _number("forecasts", "d")),
    Column("hits %", _percent("rate", 2)),
    Column("95 % interval", _interval),
    Column("AS", _number("shortfall_statistic", "+.3f")),
    Column("assets", _number("tested_assets", "d")),
    Column("Kupiec %", _percent("kupiec_passed")),
    Column("Chr. %", _percent("christoffersen_passed")),
    Column("DQ %", _percent("dynamic_quantile_passed")),
    Column("sim. %", _percent("simulated_dynamic_quantile_passed")),
    Column("g/y/r %", _lights),
    Column("FZ0", _number("fz0")),
    Column("less FHS", _number("fz0_difference", "+.3f")),
    Column("p", _number("fz0_p_value")),
    Column("MCS 10 %", _confidence_set),
)
NOTES = (
    "* Shown for comparison, never used. The interval of the hits allows for days on which everything falls together.",
    "AS: Acerbi and Szekely's statistic; above 0 the expected shortfall was too small.",
    "Kupiec, Christoffersen, dynamic quantile (DQ): shares of the assets with 100 forecasts that pass at 5 %; sim.: DQ",
    "by the law that its statistic has with so few exceedances rather than by chi-square; of a true model 95 % pass.",
    "g/y/r: assets by the traffic light of Basel, by their last 250 days.",
    "FZ0: means of days on the forecasts that all methods made; the difference to EWMA-filtered simulation (FHS), its",
    "p-value after Diebold and Mariano, and whether the model confidence set keeps the method, with its p-value.",
)
