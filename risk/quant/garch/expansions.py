"""Likelihoods around the places where searches ended."""

from dataclasses import dataclass

import numpy as np

from risk.quant.arrays import FloatArray
from risk.quant.garch.coordinates import Coordinates
from risk.quant.garch.fits import GarchFit
from risk.quant.garch.likelihood import Likelihood
from risk.quant.returns import Sequences
from risk.quant.status import is_ok

_STEP = 1e-4  # between the gradients that the observed information is made of


@dataclass(frozen=True, slots=True)
class Expansion:
    """Of a log-likelihood without a prior, in the coordinates of the search; NaN where there is no fit."""

    slope: FloatArray
    """Series x coordinates: not zero where a prior has drawn the fit from the likelihood's own top."""
    information: FloatArray
    """Series x coordinates x coordinates: minus the second derivatives."""


def expansion(sequences: Sequences, fits: GarchFit) -> Expansion:
    """The log-likelihood of the returns around the place where each search ended, to the second order.

    The information is made of differences of the exact gradient, one a coordinate for all series together; whether a
    step is made ahead alone or behind as well changes its fourth digit.
    """
    coordinates = Coordinates(fits.innovation, fits.asymmetry)
    rows = np.flatnonzero(is_ok(fits.status))
    place = fits.coordinates[rows]
    scale = np.sqrt(fits.omega[rows] / coordinates.parameters(place)[:, 1])
    problem = Likelihood(
        sequences.take(rows).divided(scale), coordinates, fits.backcast[rows] / scale**2, None, fits.engine
    )
    slope = np.full((len(sequences.size), coordinates.size), np.nan)
    information = np.full((len(sequences.size), coordinates.size, coordinates.size), np.nan)
    everybody = np.arange(rows.size)
    here = problem(place, everybody)[1]
    slope[rows] = -here
    for coordinate, step in enumerate(_STEP * np.eye(coordinates.size)):
        information[rows, coordinate] = (problem(place + step, everybody)[1] - here) / _STEP
    return Expansion(slope, 0.5 * (information + information.transpose(0, 2, 1)))
