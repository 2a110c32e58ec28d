"""Maximum: of a function of one variable, from few points, where its value is exact and its slope nearly known.

The slope is told as a difference of two positive parts, rise - fall. They may both be next to nothing over long stretches,
where the value is flat; but the logarithm of their ratio, which is zero where the slope is, is nearly straight there too:
Newton's method, and between two points a cubic, find its zero in a few steps from far away. By how much the slope is in
error, the values say.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from scipy.interpolate import CubicHermiteSpline

# How near two points must be for the slopes between to be those of an exponential function, so that the values show
# their error.
BETWEEN = 1.0
# How far a step goes, at most, beyond all that is known.
STEP = 4.0
# What is left of the way to a known point, at least.
MARGIN = 0.1
# Evaluations, at most.
MOST = 15
# The first step up from where there is no value, and how near to there is near enough.
AWAY, NEAR = math.log(10.0), 0.5


@dataclass(frozen=True, eq=False)
class Point:
    """What is known of the function in a point.

    Attributes:
        x: the point.
        value: there.
        rise, fall: the slope is rise - fall; fall > 0, and rise, with few exceptions.
        bend: the derivative of log(rise / fall), nearly.
        error: standard deviation of log(fall), as it is told; the errors themselves are about the same everywhere.
    """

    x: float
    value: float
    rise: float
    fall: float
    bend: float
    error: float


P = TypeVar("P", bound=Point)


@dataclass(frozen=True, eq=False)
class Maximum(Generic[P]):
    """Where a search ended.

    Attributes:
        point: the best that was met; None where there was no value anywhere.
        evaluations: of the function.
    """

    point: P | None
    evaluations: int


def maximum(
    evaluate: Callable[[float], P | None],
    starts: Sequence[float],
    bounds: tuple[float, float],
    tolerance: float,
) -> Maximum[P]:
    """The local maximum above the best of the starts: the maximum where there is but one.

    Args:
        evaluate: the function; None where it has no value, which then is so for everything below too.
        starts: where to look first, at least one.
        bounds: least and greatest x.
        tolerance: of the value: less is not worth another evaluation.
    """
    low, high = bounds
    points: list[P] = []
    wall: float | None = None  # the greatest x without a value
    rest = sorted({min(max(start, low), high) for start in starts})
    x, away, count, gain = rest.pop(), AWAY, 0, math.inf
    while count < MOST and gain > tolerance:
        found, count = evaluate(x), count + 1
        if found is None:
            wall = x
        else:
            points = sorted([*points, found], key=lambda point: point.x)
        if rest and wall is None:
            x = rest.pop()
        elif points:
            best = max(points, key=lambda point: point.value)
            x, gain = _next(points, points.index(best), (_least(best, wall, low), high))
        elif x < high:
            x, away = min(x + away, high), 2.0 * away
        else:
            break
    return Maximum(best if points else None, count)


def _least(best: Point, wall: float | None, low: float) -> float:
    """How far down to go: no further than half the way to where there is no value."""
    if wall is None:
        return low
    return best.x if best.x - wall < NEAR else (best.x + wall) / 2.0


def _next(points: list[P], i: int, bounds: tuple[float, float]) -> tuple[float, float]:
    """The x to try after points[i], which is the best, and what may be gained there."""
    best, known_error = points[i], _known_error(points, i)
    mended = known_error or 0.0
    d = _log_ratio(best) - mended
    up = d > 0.0
    known = points[i + 1 : i + 2] if up else points[max(i - 1, 0) : i]
    if known:
        end = known[0].x
        step = _zero(best, known[0], mended) * (end - best.x)
    else:
        end = min(bounds[1], best.x + STEP) if up else max(bounds[0], best.x - STEP)
        step = -d / best.bend if best.bend < 0.0 else end - best.x
    slope, doubt = abs(best.rise - best.fall * math.exp(mended)), 0.0
    if known_error is None:
        # As far away as the error may have moved the zero, the values will say how large it is.
        reach = min(best.error / abs(best.bend), BETWEEN) if best.bend else BETWEEN
        step, doubt = math.copysign(max(abs(step), reach), end - best.x), best.error * best.fall * reach / 2.0
    if end == best.x:
        return best.x, 0.0
    most = abs(end - best.x) * (1.0 - MARGIN if known else 1.0)
    step = min(max(step, -most), most)
    # Upwards from where the function is flat the slope may grow as both parts do, as exp(x) at most.
    gain = slope * abs(step) / 2.0 * math.exp(min(max(step, 0.0), STEP))
    return best.x + step, max(gain, doubt)


def _log_ratio(point: Point) -> float:
    return math.log(max(point.rise, 1e-300) / max(point.fall, 1e-300))


def _zero(best: Point, other: Point, mended: float) -> float:
    """Where between two points log(rise / fall) - mended is zero, as a part of the way; half of it where nowhere."""
    a, b = sorted((best, other), key=lambda point: point.x)
    cubic = CubicHermiteSpline([a.x, b.x], [_log_ratio(a) - mended, _log_ratio(b) - mended], [a.bend, b.bend])
    parts = [abs(float(x) - best.x) / (b.x - a.x) for x in cubic.roots(extrapolate=False)]
    return min(parts, default=0.5)


def _known_error(points: list[P], i: int) -> float | None:
    """What is to be added to log(fall) at points[i] for the slopes from the nearest point to give the values' difference."""
    near = [j for j in (i - 1, i + 1) if 0 <= j < len(points) and abs(points[j].x - points[i].x) <= BETWEEN]
    if not near:
        return None
    j = min(near, key=lambda j: abs(points[j].x - points[i].x))
    a, b = points[min(i, j)], points[max(i, j)]
    fall = _mean(a.rise, b.rise) - (b.value - a.value) / (b.x - a.x)
    most = 3.0 * points[i].error  # more is an error of the interpolation
    return min(max(math.log(fall / _mean(a.fall, b.fall)), -most), most) if fall > 0.0 else None


def _mean(a: float, b: float) -> float:
    """Of what goes from a to b exponentially."""
    if a <= 0.0 or b <= 0.0 or abs(b / a - 1.0) < 1e-6:
        return (a + b) / 2.0
    return (b - a) / math.log(b / a)
