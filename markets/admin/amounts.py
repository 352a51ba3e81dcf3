"""Numbers of a market as people read them; a missing one is a dash."""

import math

MISSING = "-"


def usd(value: float | None) -> str:
    """A price in US dollars: cents from one dollar on, four significant digits below."""
    if value is None:
        return MISSING
    if value >= 1 or value == 0:
        return f"{value:,.2f}"
    if value < 1e-15:
        return f"{value:.3e}"
    return f"{value:.{3 - math.floor(math.log10(value))}f}"


def whole(value: float | None) -> str:
    """A large amount, without decimals."""
    return MISSING if value is None else f"{value:,.0f}"


def per_cent(value: float | None) -> str:
    """A change, with its sign."""
    return MISSING if value is None else f"{value:+,.2f}\N{NO-BREAK SPACE}%"


def short(value: float) -> str:
    """A round number beside an axis, without trailing zeros."""
    if value >= 1:
        return f"{value:,.2f}".rstrip("0").rstrip(".")
    if value < 1e-12:
        return f"{value:.1e}"
    return f"{value:.{2 - math.floor(math.log10(value))}f}".rstrip("0")
