"""Line search: the maximum of a function of one variable, from few evaluations with exact values and estimated slopes.

The slope is a difference of two positive terms, rise - fall. Both may be tiny over long flat stretches, but the logarithm
of their ratio stays nearly straight. Its zero is the maximum. Newton's method finds the zero from far away, and a cubic
finds it between two points, in a few steps. The values reveal the error of the slopes.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from scipy.interpolate import CubicHermiteSpline

# Largest distance between two points at which slopes grow exponentially, so that the values reveal their error.
BETWEEN = 1.0
# Longest step beyond all points.
STEP = 4.0
# Least part of an interval between a new point and the far end.
MARGIN = 0.1
# Most evaluations.
EVALUATIONS = 15
# First step up from an infeasible point; largest distance to it at which the search ends.
AWAY, NEAR = math.log(10.0), 0.5


@dataclass(frozen=True, eq=False)
class Point:
    """An evaluation of the function.

    Attributes:
        x: variable.
        value: value of the function.
        rise, fall: terms of the slope rise - fall; fall > 0, and rise > 0 with few exceptions.
        bend: derivative of log(rise / fall), estimated.
        error: standard deviation of log(fall). Near points have nearly the same error.
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
    """The result of a line search.

    Attributes:
        point: best point; None if all points are infeasible.
        evaluations: number of evaluations.
    """

    point: P | None
    evaluations: int


def line_search(
    evaluate: Callable[[float], P | None],
    starts: Sequence[float],
    bounds: tuple[float, float],
    tolerance: float,
) -> Maximum[P]:
    """The local maximum uphill from the best of the starts.

    Args:
        evaluate: function of x; None if x is infeasible. Everything below an infeasible x is infeasible too.
        starts: first points, at least one.
        bounds: least and greatest x.
        tolerance: least expected gain in value that is worth another evaluation.
    """
    low, high = bounds
    points: list[P] = []
    infeasible: float | None = None  # the greatest infeasible x
    rest = sorted({min(max(start, low), high) for start in starts})
    x, away, count, gain = rest.pop(), AWAY, 0, math.inf
    while count < EVALUATIONS and gain > tolerance:
        found, count = evaluate(x), count + 1
        if found is None:
            infeasible = x
        else:
            points = sorted([*points, found], key=lambda point: point.x)
        if rest and infeasible is None:
            x = rest.pop()
        elif points:
            best = max(points, key=lambda point: point.value)
            x, gain = _next(points, points.index(best), (_least(best, infeasible, low), high))
        elif x < high:
            x, away = min(x + away, high), 2.0 * away
        else:
            break
    return Maximum(best if points else None, count)


def _least(best: Point, infeasible: float | None, low: float) -> float:
    """The least x to try: at most half the way to the infeasible x."""
    if infeasible is None:
        return low
    return best.x if best.x - infeasible < NEAR else (best.x + infeasible) / 2.0


def _next(points: list[P], i: int, bounds: tuple[float, float]) -> tuple[float, float]:
    """The next x, and the expected gain there over points[i], the best."""
    best, measured = points[i], _correction(points, i)
    correction = measured or 0.0
    d = _log_ratio(best) - correction
    up = d > 0.0
    known = points[i + 1 : i + 2] if up else points[max(i - 1, 0) : i]
    if known:
        end = known[0].x
        step = _zero(best, known[0], correction) * (end - best.x)
    else:
        end = min(bounds[1], best.x + STEP) if up else max(bounds[0], best.x - STEP)
        step = -d / best.bend if best.bend < 0.0 else end - best.x
    slope, doubt = abs(best.rise - best.fall * math.exp(correction)), 0.0
    if measured is None:
        # The error may have moved the zero as far as `reach`. A point that far away measures the error.
        reach = min(best.error / abs(best.bend), BETWEEN) if best.bend else BETWEEN
        step, doubt = math.copysign(max(abs(step), reach), end - best.x), best.error * best.fall * reach / 2.0
    if end == best.x:
        return best.x, 0.0
    most = abs(end - best.x) * (1.0 - MARGIN if known else 1.0)
    step = min(max(step, -most), most)
    # Uphill from a flat stretch the slope may grow with both terms, like exp(x) at most.
    gain = slope * abs(step) / 2.0 * math.exp(min(max(step, 0.0), STEP))
    return best.x + step, max(gain, doubt)


def _log_ratio(point: Point) -> float:
    return math.log(max(point.rise, 1e-300) / max(point.fall, 1e-300))


def _zero(best: Point, other: Point, correction: float) -> float:
    """The fraction of the way to another point at which log(rise / fall) - correction is zero; 0.5 if it has no zero."""
    a, b = sorted((best, other), key=lambda point: point.x)
    ends = [_log_ratio(a) - correction, _log_ratio(b) - correction]
    cubic = CubicHermiteSpline([a.x, b.x], ends, [a.bend, b.bend])
    fractions = [abs(float(x) - best.x) / (b.x - a.x) for x in cubic.roots(extrapolate=False)]
    return min(fractions, default=0.5)


def _correction(points: list[P], i: int) -> float | None:
    """The correction of log(fall) at points[i] that makes slopes agree with values; None without a near point."""
    near = [j for j in (i - 1, i + 1) if 0 <= j < len(points) and abs(points[j].x - points[i].x) <= BETWEEN]
    if not near:
        return None
    j = min(near, key=lambda j: abs(points[j].x - points[i].x))
    a, b = points[min(i, j)], points[max(i, j)]
    fall = _mean(a.rise, b.rise) - (b.value - a.value) / (b.x - a.x)
    most = 3.0 * points[i].error  # beyond it the interpolation is in error
    return min(max(math.log(fall / _mean(a.fall, b.fall)), -most), most) if fall > 0.0 else None


def _mean(a: float, b: float) -> float:
    """The mean of an exponential function from a to b: their logarithmic mean."""
    if a <= 0.0 or b <= 0.0 or abs(b / a - 1.0) < 1e-6:
        return (a + b) / 2.0
    return (b - a) / math.log(b / a)
