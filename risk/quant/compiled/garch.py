"""GARCH(1,1) and GJR: the likelihood of many series side by side, and the search for its top.

A processor that multiplies eight numbers at once idles in a recursion that goes from day to day. So `LANES` series run
beside each other, and a lane whose series has reached its top takes the next one. No lane knows of its neighbours. The
formulas are those of `risk.quant.garch.loops`, `garch` and `minimisation`, whose steps are taken in the same order.

The limits of the search are arguments, so that a caller may ask for others. The loops over lanes read whatever they may
need before they choose: a read that hangs on a condition would keep the compiler from using wide registers.
"""

from math import exp, inf, isfinite, lgamma, log, pi, sqrt

import numpy as np
from numba import njit

LANES = 48
"""A day waits for the one before it, so that other lanes are worked on in the meantime: 48 were 1.7 times as fast as
16, and no slower than 64. A thousand days of them are 1.5 megabytes."""
MOST_COORDINATES = 6
MOST_BASINS = 8

# What a lane knows, `LANES` numbers of each in one array: with distances known to the compiler it sees that the lanes
# do not touch each other.
_MEAN, _OMEGA, _ALPHA, _FALLING, _BETA, _TAIL, _HALF, _WEIGHT = (LANES * place for place in range(8))
_BEFORE, _INITIAL, _SIZE, _AHEAD = (LANES * place for place in range(8, 12))
_VARIANCES, _DENSITIES, _SHARE, _PULL = (LANES * place for place in range(12, 16))
_CARRIED, _BY_MEAN, _BY_OMEGA, _BY_ALPHA, _BY_GAMMA, _BY_BETA, _LANES_END = (LANES * place for place in range(16, 23))
# The same of a day.
_VALUE, _BEGINS, _VARIANCE, _SLOPE, _DAY = (LANES * place for place in range(5))

_GRID, _START, _CLIMB = range(3)
_VECTOR, _MATRIX, _CHOICES = (MOST_COORDINATES,), (MOST_COORDINATES, MOST_COORDINATES), (MOST_BASINS,)
_SEARCH = np.dtype(
    [
        ("series", np.int64),
        ("stage", np.int64),
        ("place", np.int64),
        ("rank", np.int64),
        ("heights", np.float64, _CHOICES),
        ("chosen", np.int64, _CHOICES),
        ("order", np.int64, _CHOICES),
        ("height", np.float64),
        ("trial", np.float64, _VECTOR),
        ("new", np.float64, _VECTOR),
        ("x", np.float64, _VECTOR),
        ("f", np.float64),
        ("gradient", np.float64, _VECTOR),
        ("inverse", np.float64, _MATRIX),
        ("direction", np.float64, _VECTOR),
        ("slope", np.float64),
        ("step", np.float64),
        ("cuts", np.int64),
        ("settled", np.int64),
        ("tried", np.int64),
    ]
)
"""Where the search of a lane's series is: in the grid or climbing from the basin of a rank (-1: from an earlier fit),
the best height so far, the trial with its gradient, and where it climbs from with all that is known there."""


@njit(cache=True, error_model="numpy", nogil=True)
def aligned(size):  # type: ignore[no-untyped-def]
    """So many zeros that begin with a line of the cache: wide registers read and write whole ones."""
    whole = np.zeros(size + 8)
    skipped = -(whole.ctypes.data >> 3) & 7
    return whole[skipped : skipped + size]


@njit(cache=True, error_model="numpy", nogil=True)
def student_day(day, lanes, t, width):  # type: ignore[no-untyped-def]
    """A day of `width` lanes with Student's t innovations."""
    for lane in range(width):
        initial, ahead = lanes[_INITIAL + lane], lanes[_AHEAD + lane]
        alpha, falling = lanes[_ALPHA + lane], lanes[_FALLING + lane]
        is_real = t < lanes[_SIZE + lane]
        s = initial if day[_BEGINS + lane] != 0.0 else ahead
        e = day[_VALUE + lane] - lanes[_MEAN + lane]
        square = e * e
        density = square + s * lanes[_TAIL + lane]
        inverse = 1.0 / (density * s)
        r = inverse * s
        lanes[_VARIANCES + lane] *= s if is_real else 1.0
        lanes[_DENSITIES + lane] *= density if is_real else 1.0
        lanes[_SHARE + lane] += s * r if is_real else 0.0
        lanes[_PULL + lane] += e * r if is_real else 0.0
        day[_SLOPE + lane] = lanes[_HALF + lane] * (inverse * density) - lanes[_WEIGHT + lane] * r
        day[_VARIANCE + lane] = s
        lanes[_AHEAD + lane] = lanes[_OMEGA + lane] + (falling if e < 0.0 else alpha) * square + lanes[_BETA + lane] * s


@njit(cache=True, error_model="numpy", nogil=True)
def normal_day(day, lanes, t, width):  # type: ignore[no-untyped-def]
    """The same with normal innovations."""
    for lane in range(width):
        initial, ahead = lanes[_INITIAL + lane], lanes[_AHEAD + lane]
        alpha, falling = lanes[_ALPHA + lane], lanes[_FALLING + lane]
        is_real = t < lanes[_SIZE + lane]
        s = initial if day[_BEGINS + lane] != 0.0 else ahead
        e = day[_VALUE + lane] - lanes[_MEAN + lane]
        inverse = 1.0 / s
        square = e * e
        lanes[_VARIANCES + lane] *= s if is_real else 1.0
        lanes[_SHARE + lane] += square * inverse if is_real else 0.0
        lanes[_PULL + lane] += e * inverse if is_real else 0.0
        day[_SLOPE + lane] = 0.5 * inverse * (square * inverse - 1.0)
        day[_VARIANCE + lane] = s
        lanes[_AHEAD + lane] = lanes[_OMEGA + lane] + (falling if e < 0.0 else alpha) * square + lanes[_BETA + lane] * s


@njit(cache=True, error_model="numpy", nogil=True)
def day_back(day, before_it, lanes, t, width):  # type: ignore[no-untyped-def]
    """Carry the slope of a day's variances back through the recursion."""
    for lane in range(width):
        e, s = before_it[_VALUE + lane] - lanes[_MEAN + lane], before_it[_VARIANCE + lane]
        before, beta = lanes[_BEFORE + lane], lanes[_BETA + lane]
        alpha, falling = lanes[_ALPHA + lane], lanes[_FALLING + lane]
        moving = day[_SLOPE + lane] + lanes[_CARRIED + lane]
        adjoint = moving if t < lanes[_SIZE + lane] else 0.0
        begins = day[_BEGINS + lane] != 0.0
        falls = e < 0.0
        moved, held = adjoint * e, adjoint * before
        square = moved * e
        lanes[_BY_OMEGA + lane] += adjoint
        lanes[_BY_ALPHA + lane] += held if begins else square
        lanes[_BY_GAMMA + lane] += 0.5 * held if begins else (square if falls else 0.0)
        lanes[_BY_MEAN + lane] += 0.0 if begins else moved * (falling if falls else alpha)
        lanes[_BY_BETA + lane] += adjoint * (before if begins else s)
        lanes[_CARRIED + lane] = 0.0 if begins else beta * adjoint


@njit(cache=True, error_model="numpy", nogil=True)
def load(values, is_first, start, row, daily, lanes, lane):  # type: ignore[no-untyped-def]
    """Give a lane its series, the first return on day 0."""
    size = values.shape[1] - start[row]
    lanes[_SIZE + lane] = size
    series, begins = values[row, start[row] :], is_first[row, start[row] :]
    for t in range(size):
        daily[t * _DAY + _VALUE + lane] = series[t]
        daily[t * _DAY + _BEGINS + lane] = 1.0 if begins[t] else 0.0
    daily[_BEGINS + lane] = 1.0
    # What the last series left behind this one is calm, and counts for nothing.
    for t in range(size, values.shape[1]):
        daily[t * _DAY + _VALUE + lane] = 0.0
        daily[t * _DAY + _BEGINS + lane] = 0.0


@njit(cache=True, error_model="numpy", nogil=True)
def aim(parameters, before, lanes, lane, is_student):  # type: ignore[no-untyped-def]
    """Give a lane the parameters of its next evaluation."""
    mu, omega, alpha, gamma, beta, nu = parameters
    lanes[_MEAN + lane] = mu
    lanes[_OMEGA + lane], lanes[_ALPHA + lane], lanes[_BETA + lane] = omega, alpha, beta
    lanes[_FALLING + lane] = alpha + gamma
    lanes[_BEFORE + lane] = before
    lanes[_INITIAL + lane] = omega + (alpha + 0.5 * gamma + beta) * before
    if is_student:
        lanes[_TAIL + lane], lanes[_HALF + lane] = nu - 2.0, 0.5 * nu
        lanes[_WEIGHT + lane] = 0.5 * (nu + 1.0) * (nu - 2.0)


@njit(cache=True, error_model="numpy", nogil=True)
def evaluate(daily, lanes, logs, is_student, with_gradient, block, width):  # type: ignore[no-untyped-def]
    """All lanes at once: what their likelihoods and gradients are made of; `logs` are lanes x 2."""
    days = 0
    for lane in range(width):
        days = max(days, int(lanes[_SIZE + lane]))
    for field in (_SHARE, _PULL, _CARRIED, _BY_MEAN, _BY_OMEGA, _BY_ALPHA, _BY_GAMMA, _BY_BETA):
        lanes[field : field + LANES] = 0.0
    lanes[_VARIANCES : _VARIANCES + LANES], lanes[_DENSITIES : _DENSITIES + LANES] = 1.0, 1.0
    logs[:] = 0.0
    for t in range(days):
        day = daily[t * _DAY : (t + 1) * _DAY]
        if is_student:
            student_day(day, lanes, float(t), width)
        else:
            normal_day(day, lanes, float(t), width)
        if t % block == block - 1 or t == days - 1:
            for lane in range(width):
                logs[lane, 0] += log(lanes[_VARIANCES + lane])
                lanes[_VARIANCES + lane] = 1.0
                if is_student:
                    logs[lane, 1] += log(lanes[_DENSITIES + lane])
                    lanes[_DENSITIES + lane] = 1.0
    if not with_gradient:
        return
    for t in range(days - 1, 0, -1):
        day_back(daily[t * _DAY : (t + 1) * _DAY], daily[(t - 1) * _DAY : t * _DAY], lanes, float(t), width)
    for lane in range(width):
        adjoint = daily[_SLOPE + lane] + lanes[_CARRIED + lane]
        held = adjoint * lanes[_BEFORE + lane]
        lanes[_BY_OMEGA + lane] += adjoint
        lanes[_BY_ALPHA + lane] += held
        lanes[_BY_GAMMA + lane] += 0.5 * held
        lanes[_BY_BETA + lane] += held


@njit(cache=True, error_model="numpy", nogil=True)
def digamma(x):  # type: ignore[no-untyped-def]
    """Of x > 0: the recurrence up to 10 and the asymptotic series; Abramowitz and Stegun (1964), 6.3.5 and 6.3.18."""
    result = 0.0
    while x < 10.0:
        result -= 1.0 / x
        x += 1.0
    square = 1.0 / (x * x)
    series = 1.0 / 252.0 - square * (1.0 / 240.0 - square * (1.0 / 132.0 - square * (691.0 / 32760.0 - square / 12.0)))
    return result + log(x) - 0.5 / x - square * (1.0 / 12.0 - square * (1.0 / 120.0 - square * series))


@njit(cache=True, error_model="numpy", nogil=True)
def likelihood_of(lane, lanes, logs, nu, is_student, by_parameter):  # type: ignore[no-untyped-def]
    """The log-likelihood of a lane, and its gradient by mean, omega, alpha, gamma, beta and degrees of freedom."""
    size, share, pull = lanes[_SIZE + lane], lanes[_SHARE + lane], lanes[_PULL + lane]
    log_variance, log_density = logs[lane, 0], logs[lane, 1]
    by_parameter[1], by_parameter[2] = lanes[_BY_OMEGA + lane], lanes[_BY_ALPHA + lane]
    by_parameter[3], by_parameter[4] = lanes[_BY_GAMMA + lane], lanes[_BY_BETA + lane]
    if not is_student:
        by_parameter[0] = pull - 2.0 * lanes[_BY_MEAN + lane]
        by_parameter[5] = 0.0
        return -0.5 * (size * log(2.0 * pi) + log_variance + share)
    half, tail = 0.5 * (nu + 1.0), nu - 2.0
    constant = lgamma(half) - lgamma(0.5 * nu) - 0.5 * log(pi * tail) + half * log(tail)
    slope = 0.5 * (digamma(half) - digamma(0.5 * nu) - 1.0 / tail + log(tail)) + half / tail
    by_parameter[0] = (nu + 1.0) * pull - 2.0 * lanes[_BY_MEAN + lane]
    by_parameter[5] = size * slope + 0.5 * (log_variance - log_density) - half * share
    return size * constant + 0.5 * nu * log_variance - half * log_density


@njit(cache=True, error_model="numpy", nogil=True)
def likelihoods(values, is_first, start, rows, parameters, backcasts, is_student, block, width, found, gradients):  # type: ignore[no-untyped-def]
    """Fill the log-likelihoods `found` and, unless it is empty, the `gradients` of the asked `rows`."""
    lanes, logs = aligned(_LANES_END), np.zeros((LANES, 2))
    daily = aligned(values.shape[1] * _DAY)
    spare = np.empty(6)
    for first in range(0, rows.shape[0], LANES):
        asked = min(LANES, rows.shape[0] - first)
        for lane in range(asked):
            load(values, is_first, start, rows[first + lane], daily, lanes, lane)
            aim(parameters[first + lane], backcasts[rows[first + lane]], lanes, lane, is_student)
        evaluate(daily, lanes, logs, is_student, gradients.shape[0] > 0, block, width)
        for lane in range(asked):
            into = gradients[first + lane] if gradients.shape[0] else spare
            found[first + lane] = likelihood_of(lane, lanes, logs, parameters[first + lane, 5], is_student, into)


@njit(cache=True, error_model="numpy", nogil=True)
def parameters_of(x, shares, is_student, space, parameters):  # type: ignore[no-untyped-def]
    """`garch.coordinates.Coordinates.parameters` of one series."""
    odds = np.zeros(3)
    total = 0.0
    for place in range(shares):
        odds[place] = exp(min(max(x[2 + place], -space.odds), space.odds))
        total += odds[place]
    left = 0.0
    for place in range(shares):
        odds[place] = odds[place] / (1.0 + total)
        left += odds[place]
    parameters[0] = x[0]
    parameters[1] = exp(min(max(x[1], -space.long_run), space.long_run)) * (1.0 - left)
    if shares == 2:
        parameters[2], parameters[3], parameters[4] = odds[0], 0.0, odds[1]
    else:
        parameters[2], parameters[3], parameters[4] = 2.0 * odds[0], 2.0 * (odds[1] - odds[0]), odds[2]
    parameters[5] = space.least_degrees + exp(min(max(x[2 + shares], -space.odds), space.tail)) if is_student else inf


@njit(cache=True, error_model="numpy", nogil=True)
def gradient_of(x, shares, is_student, space, parameters, by, gradient):  # type: ignore[no-untyped-def]
    """`garch.coordinates.Coordinates.gradient` of one series."""
    share, by_share = np.zeros(3), np.zeros(3)
    if shares == 2:
        share[0], share[1] = parameters[2], parameters[4]
        by_share[0], by_share[1] = by[2], by[4]
    else:
        share[0], share[1], share[2] = 0.5 * parameters[2], 0.5 * parameters[2] + 0.5 * parameters[3], parameters[4]
        by_share[0], by_share[1], by_share[2] = 2.0 * (by[2] - by[3]), 2.0 * by[3], by[4]
    by_long_run = by[1] * parameters[1]
    drift = 0.0
    for place in range(shares):
        drift += share[place] * by_share[place]
    drift += by_long_run
    gradient[0] = by[0]
    gradient[1] = by_long_run if abs(x[1]) < space.long_run else 0.0
    for place in range(shares):
        inside = abs(x[2 + place]) < space.odds
        gradient[2 + place] = share[place] * (by_share[place] - drift) if inside else 0.0
    if is_student:
        inside = -space.odds < x[2 + shares] < space.tail
        gradient[2 + shares] = by[5] * (parameters[5] - space.least_degrees) if inside else 0.0


@njit(cache=True, error_model="numpy", nogil=True)
def largest(vector, size):  # type: ignore[no-untyped-def]
    """The largest magnitude; NaN where there is one."""
    result = 0.0
    for place in range(size):
        magnitude = abs(vector[place])
        if not magnitude <= result:
            result = magnitude
    return result


@njit(cache=True, error_model="numpy", nogil=True)
def penalty(x, prior, gradient, size):  # type: ignore[no-untyped-def]
    """What the prior adds to a value, and adds to its gradient."""
    total = 0.0
    for i in range(2, size):
        apart = (x[i] - prior[0, i - 2]) / prior[1, i - 2]
        total += apart * apart
        gradient[i] += apart / prior[1, i - 2]
    return 0.5 * total


@njit(cache=True, error_model="numpy", nogil=True)
def set_out(climb, limits, size):  # type: ignore[no-untyped-def]
    """`minimisation._directions` of one problem."""
    climb.slope, longest = 0.0, 0.0
    for i in range(size):
        total = 0.0
        for j in range(size):
            total += climb.inverse[i, j] * climb.gradient[j]
        climb.direction[i] = -total
        climb.slope += climb.direction[i] * climb.gradient[i]
        longest = max(longest, abs(climb.direction[i]))
    climb.step = min(1.0, limits.longest_step / max(longest, 1e-300))


@njit(cache=True, error_model="numpy", nogil=True)
def learn(climb, size):  # type: ignore[no-untyped-def]
    """`minimisation._updated` of one problem, in place: what the way from `x` to `trial` says of the curvature."""
    s, y, hy = np.zeros(MOST_COORDINATES), np.zeros(MOST_COORDINATES), np.zeros(MOST_COORDINATES)
    sy, yy, ss, along = 0.0, 0.0, 0.0, 0.0
    for i in range(size):
        s[i], y[i] = climb.trial[i] - climb.x[i], climb.new[i] - climb.gradient[i]
        sy += s[i] * y[i]
        yy += y[i] * y[i]
        ss += s[i] * s[i]
    if not sy > 1e-12 * sqrt(ss * yy):
        return
    for i in range(size):
        for j in range(size):
            hy[i] += climb.inverse[i, j] * y[j]
        along += hy[i] * y[i]
    factor = (1.0 + along / sy) / sy
    for i in range(size):
        for j in range(size):
            climb.inverse[i, j] += factor * (s[i] * s[j]) - (hy[i] * s[j] + hy[j] * s[i]) / sy


@njit(cache=True, error_model="numpy", nogil=True)
def cut(rise, expected, limits):  # type: ignore[no-untyped-def]
    """`minimisation._cut` of one problem."""
    factor = -expected / (2.0 * (rise - expected))
    return min(max(factor, limits.shortest_cut), limits.longest_cut) if isfinite(factor) else limits.shortest_cut


@njit(cache=True, error_model="numpy", nogil=True)
def arrive(climb, value, limits, size):  # type: ignore[no-untyped-def]
    """Make the trial the place from which the search goes on."""
    climb.f = value
    for i in range(size):
        climb.x[i], climb.gradient[i] = climb.trial[i], climb.new[i]
    climb.cuts = 0
    set_out(climb, limits, size)


@njit(cache=True, error_model="numpy", nogil=True)
def begin(climb, value, inverse_curvature, days, limits, size):  # type: ignore[no-untyped-def]
    """The first evaluation of `minimisation.minimise`."""
    for i in range(size):
        for j in range(size):
            climb.inverse[i, j] = inverse_curvature[i, j] / days
    climb.settled, climb.tried = 0, 1
    arrive(climb, value, limits, size)


@njit(cache=True, error_model="numpy", nogil=True)
def go_on(climb, value, limits, size):  # type: ignore[no-untyped-def]
    """Each later one."""
    climb.tried += 1
    is_good = isfinite(value) and isfinite(largest(climb.new, size))
    if is_good and value <= climb.f + limits.sufficient_decrease * climb.step * climb.slope:
        learn(climb, size)
        climb.settled = climb.settled + 1 if climb.f - value < limits.settled_decrease else 0
        arrive(climb, value, limits, size)
    else:
        climb.step *= cut(value - climb.f, climb.step * climb.slope, limits)
        climb.cuts += 1


@njit(cache=True, error_model="numpy", nogil=True)
def next_basin(lane, is_flat, choices, space):  # type: ignore[no-untyped-def]
    """The rank of the next basin to climb from, as `garch.search._in_steps` chooses; their number when none is left."""
    rank = lane.rank + 1
    while rank < choices:
        is_rival = lane.heights[lane.order[rank]] < lane.heights[lane.order[0]] + space.hopeless
        if not is_flat or (is_rival and lane.heights[choices - 1] < lane.height + space.clear_memory):
            break
        rank += 1
    return rank


@njit(cache=True, error_model="numpy", nogil=True)
def search(  # type: ignore[no-untyped-def]
    values,
    is_first,
    start,
    backcasts,
    means,
    warm,
    places,
    basins,
    inverse_curvature,
    prior,
    shares,
    is_student,
    space,
    limits,
    block,
    width,
    points,
    is_flat,
    evaluations,
):
    """`garch.search._in_steps`: fill `points` (where each search ended), `is_flat` and `evaluations`.

    `places` are where the grid is, without the mean, `basins` the basin of each, in ascending order; `prior` holds mean
    and deviation of the last coordinates, a row each, or nothing. `width` is `LANES`: a number that the compiler must
    not know, or it would unroll the loops over lanes.
    """
    count, size = points.shape
    choices = basins[-1] + 1
    memory, logs = aligned(_LANES_END), np.zeros((LANES, 2))
    daily = aligned(values.shape[1] * _DAY)
    parameters, by = np.zeros((LANES, 6)), np.zeros(6)
    searches = np.zeros(LANES, _SEARCH)
    for lane in range(LANES):
        searches[lane].series = -1
    waiting, running = 0, 0
    while waiting < count or running:
        with_gradient = False
        for lane in range(LANES):
            this = searches[lane]
            if this.series < 0:
                if waiting == count:
                    continue
                this.series, this.height, this.rank, this.place = waiting, inf, -1, 0
                this.stage = _START if np.isfinite(warm[waiting]).all() else _GRID
                for i in range(size):
                    this.trial[i] = warm[waiting, i] if this.stage == _START else places[0, i]
                if this.stage == _GRID:
                    this.trial[0] = means[waiting]
                load(values, is_first, start, waiting, daily, memory, lane)
                waiting, running = waiting + 1, running + 1
            parameters_of(this.trial, shares, is_student, space, parameters[lane])
            aim(parameters[lane], backcasts[this.series], memory, lane, is_student)
            with_gradient |= this.stage != _GRID
        evaluate(daily, memory, logs, is_student, with_gradient, block, width)
        for lane in range(LANES):
            this = searches[lane]
            row = this.series
            if row < 0:
                continue
            evaluations[row] += 1
            value = -likelihood_of(lane, memory, logs, parameters[lane, 5], is_student, by)
            if this.stage == _GRID:
                basin = basins[this.place]
                if this.place == 0 or basins[this.place - 1] != basin:
                    this.heights[basin] = inf
                    this.chosen[basin] = this.place
                if value < this.heights[basin]:
                    this.heights[basin], this.chosen[basin] = value, this.place
                this.place += 1
                if this.place < len(places):
                    for i in range(1, size):
                        this.trial[i] = places[this.place, i]
                    continue
                this.order[:choices] = np.argsort(this.heights[:choices], kind="mergesort")
            else:
                gradient_of(this.trial, shares, is_student, space, parameters[lane], by, this.new)
                for i in range(size):
                    this.new[i] = -this.new[i]
                if len(prior):
                    value += penalty(this.trial, prior, this.new, size)
                if this.stage == _START:
                    begin(this, value, inverse_curvature, memory[_SIZE + lane], limits, size)
                else:
                    go_on(this, value, limits, size)
                norm = largest(this.gradient, size)
                is_settled = this.settled >= limits.settled_steps
                is_open = norm > (limits.settled_flat if is_settled else limits.flat) and isfinite(this.f)
                if is_open and this.cuts < limits.most_cuts and this.tried < limits.most_evaluations:
                    this.stage = _CLIMB
                    for i in range(size):
                        this.trial[i] = this.x[i] + this.step * this.direction[i]
                    continue
                if this.f < this.height:
                    this.height = this.f
                    is_flat[row] = norm <= (
                        limits.settled_flat if is_settled or this.cuts >= limits.most_cuts else limits.flat
                    )
                    for i in range(size):
                        points[row, i] = this.x[i]
                if this.rank < 0 and not is_flat[row]:
                    this.stage = _GRID
                    for i in range(size):
                        this.trial[i] = places[0, i]
                    this.trial[0] = means[row]
                    continue
            this.rank = (
                next_basin(this, is_flat[row], choices, space) if this.rank >= 0 or this.stage == _GRID else choices
            )
            if this.rank < choices:
                this.stage = _START
                for i in range(size):
                    this.trial[i] = places[this.chosen[this.order[this.rank]], i]
                this.trial[0] = means[row]
            else:
                this.series, running = -1, running - 1
                memory[_SIZE + lane] = 0.0
