"""Histories of squared returns under drawn parameters: an asset after the other, all paths a day at a time."""

import numpy as np
from numba import njit

from risk.quant.ewma import LASTING, RECENT
from risk.quant.har import HORIZON, WINDOWS

FIRST_WINDOW = 8
_NEW, _SLOW = 1.0 - RECENT, 1.0 - LASTING


@njit(cache=True, error_model="numpy", nogil=True)
def histories(squares, size, drawn, fitted, start, begin, places, weights, ends):  # type: ignore[no-untyped-def]
    """Fill `ends`; `risk.quant.histories` says what everything is."""
    days, paths = places.shape
    square, other = np.empty(paths), np.empty(paths)
    for asset in range(squares.shape[0]):
        winsorised, happened = squares[asset, 0], squares[asset, 1]
        number, behind = np.uint64(size[asset]), np.uint64(squares.shape[2] - size[asset])
        omega, alpha, beta = drawn[asset, 0], drawn[asset, 1], drawn[asset, 2]
        known_omega, known_alpha, known_beta = fitted[asset]
        end = ends[asset]
        end[:] = 0.0
        variance, believed, ahead, believed_ahead = end[0], end[1], end[2], end[3]
        recent, actual, lasting, before = end[4], end[5], end[6], end[7]
        variance[:], believed[:] = start[asset], start[asset]
        for day in range(begin[asset], days):
            # Apart from what is looked up the loops have no branch and no order: processors take several paths at once.
            for path in range(paths):
                place = behind + ((places[day, path] * number) >> np.uint64(31))
                square[path], other[path] = winsorised[place], happened[place]
            for path in range(paths):
                now = variance[path]
                square[path] *= now
                actual[path] = RECENT * actual[path] + _NEW * (other[path] * now)
                variance[path] = omega[path] + alpha[path] * square[path] + beta[path] * now
            for path in range(paths):
                believed[path] = known_omega + known_alpha * square[path] + known_beta * believed[path]
                recent[path] = RECENT * recent[path] + _NEW * square[path]
                lasting[path] = LASTING * lasting[path] + _SLOW * square[path]
            age = day - begin[asset]
            if age < weights.shape[1]:
                for path in range(paths):
                    before[path] += weights[asset, age] * square[path]
            for window in range(len(WINDOWS)):
                if days - day <= WINDOWS[window]:
                    total = end[FIRST_WINDOW + window]
                    for path in range(paths):
                        total[path] += square[path]
        now, belief = square, other
        now[:], belief[:] = variance, believed
        for _ in range(HORIZON):
            for path in range(paths):
                ahead[path] += now[path]
                believed_ahead[path] += belief[path]
                now[path] = omega[path] + (alpha[path] + beta[path]) * now[path]
                belief[path] = known_omega + (known_alpha + known_beta) * belief[path]
