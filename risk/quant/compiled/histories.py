"""Histories of squared returns under drawn parameters: an asset after the other, all paths a day at a time."""

import numpy as np
from numba import njit

from risk.quant.ewma import FAST, LASTING, RECENT, SLOW
from risk.quant.har import HORIZON, WINDOWS

FIRST_WINDOW = 11
_NEW, _NEW_LASTING, _NEW_FAST, _NEW_SLOW = 1.0 - RECENT, 1.0 - LASTING, 1.0 - FAST, 1.0 - SLOW


@njit(cache=True, error_model="numpy", nogil=True)
def histories(squares, size, drawn, fitted, start, begin, places, weights, ends):  # type: ignore[no-untyped-def]
    """Fill `ends`; `risk.quant.histories` says what everything is."""
    days, paths = places.shape
    square, other, heavy = np.empty(paths), np.empty(paths), np.empty(paths)
    for asset in range(squares.shape[0]):
        winsorised, happened, weighed = squares[asset, 0], squares[asset, 1], squares[asset, 2]
        number, behind = np.uint64(size[asset]), np.uint64(squares.shape[2] - size[asset])
        omega, alpha, beta = drawn[asset, 0], drawn[asset, 1], drawn[asset, 2]
        known_omega, known_alpha, known_beta = fitted[asset]
        end = ends[asset]
        end[:] = 0.0
        variance, believed, ahead, believed_ahead = end[0], end[1], end[2], end[3]
        recent, actual, lasting, fast, slow = end[4], end[5], end[6], end[7], end[8]
        before, weighed_before = end[9], end[10]
        variance[:], believed[:] = start[asset], start[asset]
        for day in range(begin[asset], days):
            # Apart from what is looked up the loops have no branch and no order: processors take several paths at once.
            for path in range(paths):
                place = behind + ((places[day, path] * number) >> np.uint64(31))
                square[path], other[path], heavy[path] = winsorised[place], happened[place], weighed[place]
            for path in range(paths):
                now = variance[path]
                square[path] *= now
                heavy[path] *= now
                actual[path] = RECENT * actual[path] + _NEW * (other[path] * now)
                variance[path] = omega[path] + alpha[path] * square[path] + beta[path] * now
            for path in range(paths):
                believed[path] = known_omega + known_alpha * square[path] + known_beta * believed[path]
                recent[path] = RECENT * recent[path] + _NEW * square[path]
                lasting[path] = LASTING * lasting[path] + _NEW_LASTING * square[path]
            for path in range(paths):
                fast[path] = FAST * fast[path] + _NEW_FAST * heavy[path]
                slow[path] = SLOW * slow[path] + _NEW_SLOW * heavy[path]
            age = day - begin[asset]
            if age < weights.shape[1]:
                for path in range(paths):
                    before[path] += weights[asset, age] * square[path]
                    weighed_before[path] += weights[asset, age] * heavy[path]
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
