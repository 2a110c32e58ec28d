"""Great orders and depths: right to many digits, no layer left out that would change a bit, and their work is estimated."""

import definition
import mpmath
import numpy as np
import pytest

from gaussian_processes.gp import ArcCosine, cost
from gaussian_processes.gp.compiled import passes
from gaussian_processes.gp.kernels import formulas as arccosine
from gaussian_processes.gp.kernels.derivative import weigh_by_derivative
from gaussian_processes.gp.kernels.formulas import (
    composed_complement,
    composed_kernel,
    composed_kernel_derivative,
    layers,
)
from gaussian_processes.gp.kernels.polynomials import approximation, stages
from gaussian_processes.gp.linalg.packed import Packed

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]

X = np.random.default_rng(0).normal(size=(40, 3))
# A repeated row, an opposite one, and pairs that are close.
X[5], X[6], X[7], X[8] = X[1], -X[2], X[3] * (1 + 1e-9) + 1e-10, X[4] + 1e-6
COSINES = np.concatenate([np.linspace(-1.0, 1.0, 301), 1.0 - np.geomspace(1e-15, 1e-3, 60)])


@pytest.mark.parametrize("q", [100, 1000, 10_000])
def test_great_orders_are_those_of_the_definition(q):
    """k and 1 - k against the recurrence at 60 digits, where neither is beyond float64."""
    for t in (1 - 1e-9, 1 - 1e-6, 1 - 1e-4, 1 - 1e-3, 0.99, 0.9):
        with mpmath.workdps(60):
            k = definition.base_kernel(q, mpmath.mpf(t))
            assert abs(composed_kernel(q, 0, t) - k) < 1e-13 * k
            assert abs(composed_complement(q, 0, t) - (1 - k)) < 1e-13 * (1 - k)


def one_by_one(q, l):
    """k, 1 - k and dk/dt from as many calls as there are layers."""
    t, u, w, product = COSINES, 1.0 - COSINES, 1.0 + COSINES, np.ones_like(COSINES)
    for _ in range(l + 1):
        t, u, slope = layers(q, 0, (t, u, w), with_derivative=True)
        with np.errstate(over="ignore"):
            w, product = 1.0 + t, product * slope
    return t, u, product


@pytest.mark.parametrize(("q", "l"), [(0, 1500), (2, 800), (8, 300), (45, 300), (300, 200), (1, 40)])
def test_the_definition_stops_where_nothing_changes_any_more(q, l):
    """To the bit what all layers give; entries that have settled are what the greatest depth gives, too."""
    k, c, slope = one_by_one(q, l)
    assert np.array_equal(composed_kernel_derivative(q, l, COSINES), slope)
    for depth in (l, 2**31 - 1) if q != 1 else (l,):
        assert np.array_equal(composed_kernel(q, depth, COSINES), k)
        assert np.array_equal(composed_complement(q, depth, COSINES), c)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("q", "l"), [(1, 19), (1, 400), (2, 57), (2, 3001), (3, 1003), (4, 1001), (8, 500), (15, 77)])
def test_the_pass_stops_where_a_strip_comes_again(q, l, dtype):
    """To the bit what it gives when each stage is one of its own, none of which is left out."""
    found = approximation(q, l, dtype)
    first, later, gains = found[:3]
    counts = [count for _, count in stages(q, l, dtype)][1:]
    whole = first, np.repeat(later, counts, axis=0), np.repeat(gains, [1, *counts]), 1, q, l
    rows = ArcCosine(q, l).inputs(X)
    rows = rows.astype(np.dtype(dtype).type)
    matrices = []
    for polynomials in (found, whole):
        matrices.append(np.empty((len(X), len(X)), dtype))
        span, work = (0, 0, len(X), 0, 0), passes.workspace(dtype)
        passes.fill(rows.unit, rows.unit, rows.transposed, span, polynomials, matrices[-1], *passes.NO_VECTORS, work)
    assert sum(depth + 1 for depth, _ in stages(q, l, dtype)) <= l + 1
    assert sum((depth + 1) * count for depth, count in stages(q, l, dtype)) == l + 1
    assert np.array_equal(*matrices)


@pytest.mark.parametrize("q", [0, 2, 3, 8, 21, 60])
def test_the_greatest_depth_is_where_a_great_one_has_settled(q):
    """To a rounding, as the last ones may alternate; within the time of a test, which 2^31 layers are not."""
    assert ArcCosine(q, 2**31 - 1).gram(X) == pytest.approx(ArcCosine(q, 5000).gram(X), abs=1e-14)


@pytest.mark.parametrize("q", [0, 60])
def test_the_greatest_depths_slope_is_where_a_great_one_has_settled(q):
    """It has become 0, or what rounding leaves of it."""
    weighed = [Packed.of(np.ones((len(X), len(X)))) for _ in range(2)]
    for depth, W in zip((5000, 2**31 - 1), weighed, strict=True):
        weigh_by_derivative(q, depth, 1.0, ArcCosine(q, depth).inputs(X), W)
    assert np.array_equal(weighed[0].lower(), weighed[1].lower())
    assert np.abs(weighed[0].lower()).max() < 1e-300


@pytest.mark.parametrize(("q", "l"), [(45, 0), (45, 5), (100, 50), (1000, 200)])
def test_the_layers_that_are_estimated_are_those_that_are_worked_through(q, l, monkeypatch):
    """For rows as they come, to a factor of 3."""
    done, one = [], arccosine._base_kernels

    def counted(*arguments):
        done.append(None)
        return one(*arguments)

    monkeypatch.setattr(arccosine, "_base_kernels", counted)
    rows = np.random.default_rng(0).normal(size=(60, 4))
    composed_kernel(q, l, np.corrcoef(rows)[np.tril_indices(60, -1)])
    layer = cost.DEFINITION * (q + cost.ORDERS)
    assert 1 / 3 < cost.entry(q, l, 60) / layer / len(done) < 3


def test_estimates_grow_with_the_order_and_with_depth_where_work_does():
    """In proportion to the order beyond polynomials; at order 1 to the depth, which at all others ends by itself."""
    N = 10_000
    assert cost.entry(100_000, 1, N) == pytest.approx(100 * cost.entry(1000, 1, N), rel=0.02)
    assert cost.entry(1, 10**7, N) == pytest.approx(10 * cost.entry(1, 10**6, N), rel=0.02)
    assert cost.making(1, 10**7) == pytest.approx(10 * cost.making(1, 10**6), rel=0.02)
    assert cost.making(2, 10**7) == cost.making(2, 10**6)
    assert cost.making(0, 3) == cost.making(45, 3) == 0.0
    for q in (0, 2, 8, 45):
        assert cost.entry(q, 10**4, N) == cost.entry(q, 10**9, N)
    for q, l in ((1, 1), (0, 4), (3, 2)):
        assert cost.entry(q, l, N) < 1.1 * cost.ENTRY


@pytest.mark.parametrize("q", [1, 60])
def test_no_entry_takes_no_operations(q):
    """A matrix of no rows, as of a channel that holds none, is nothing to divide by."""
    entry = cost.entry(q, 1, 0)
    assert cost.prediction(50, 0, 3, entry) == cost.means(50, 0, 3, entry) == 0.0
    assert cost.iterative(0, 3, entry=entry) == cost.training(0, 3, entry) == cost.START
