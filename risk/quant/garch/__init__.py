"""GARCH(1,1) and GJR by maximum likelihood over many series at once."""

from risk.quant.garch.coordinates import parameters_at
from risk.quant.garch.expansions import Expansion, expansion
from risk.quant.garch.fits import FEWEST, GarchFit, fit, given
from risk.quant.garch.prior import Prior, prior_from
from risk.quant.garch.recursion import Filtered, filtered, variance_forecast
from risk.quant.garch.variant import Asymmetry, Innovation

__all__ = [
    "FEWEST",
    "Asymmetry",
    "Expansion",
    "Filtered",
    "GarchFit",
    "Innovation",
    "Prior",
    "expansion",
    "filtered",
    "fit",
    "given",
    "parameters_at",
    "prior_from",
    "variance_forecast",
]
