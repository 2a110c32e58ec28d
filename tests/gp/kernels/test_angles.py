"""Angles computed once against the pass that goes from rows to covariances: the same bits for every kernel."""

import numpy as np
import pytest

from gaussian_processes.gp import ArcCosine
from gaussian_processes.gp.compiled.passes import STRIP
from gaussian_processes.gp.kernels.cached_angles import Angles
from gaussian_processes.gp.kernels.matrices import packed_gram
from gaussian_processes.gp.linalg.packed import Packed

ORDERS = [(0, 0), (0, 1), (0, 4), (1, 0), (1, 3), (2, 6), (4, 4), (8, 6), (60, 1)]


def rows(N, d=5):
    """With repeated, opposite, right-angled and nearly equal rows, where there is room for them."""
    X = np.random.default_rng(N).normal(size=(N, d))
    if N > 12:
        X[3], X[4], X[5] = X[7], -X[8], 3.0 * X[9]
        X[1], X[2] = np.eye(d)[:2]
        X[6], X[10] = X[11] * (1.0 + 1e-9), X[12] + 1e-10
    return X


@pytest.mark.slow
@pytest.mark.parametrize("N", [1, 2, 3, 40, STRIP - 1, STRIP, 2 * STRIP + 3])
@pytest.mark.parametrize(("q", "l"), ORDERS)
def test_covariances_from_angles_are_those_from_rows_to_the_bit(N, q, l):
    """On the sphere, with lengths, with a variance; one set of angles for them all."""
    X = rows(N)
    angles = Angles.of(ArcCosine(1, 0).inputs(X))
    for options in ({}, {"geometry": "homogeneous", "degree": 1.5}, {"variance": 2.5}):
        kernel = ArcCosine(q, l, **options)
        inputs = kernel.inputs(X)
        found, wanted = angles.gram(kernel, inputs), packed_gram(kernel, inputs)
        assert np.array_equal(found.rectangle, wanted.rectangle)


def test_repeated_and_opposite_rows_are_exact():
    """k(1) = 1, and at order 0, depth 0, k(-1) = 0: not nearly."""
    X = rows(40)
    inputs = ArcCosine(0, 0).inputs(X)
    K = Angles.of(inputs).gram(ArcCosine(0, 0), inputs).lower()
    assert K[7, 3] == K[9, 5] == 1.0
    assert K[8, 4] == 0.0
    assert K[2, 1] == pytest.approx(0.5, abs=1e-15)


def test_the_result_is_written_where_it_is_wanted():
    """In memory that was full of something else."""
    kernel, X = ArcCosine(1, 1), rows(31)
    inputs = kernel.inputs(X)
    out = Packed(np.full_like(Packed.empty(31).rectangle, np.nan))
    assert Angles.of(inputs).gram(kernel, inputs, out) is out
    assert np.array_equal(out.rectangle, packed_gram(kernel, inputs).rectangle)


@pytest.mark.parametrize("other", [ArcCosine(1, 0, bias=0.5), ArcCosine(1, 0, lengthscales=(1.0, 2.0, 1.0, 1.0, 1.0))])
def test_other_unit_rows_are_refused(other):
    """A bias and lengthscales turn the rows."""
    X = rows(20)
    angles = Angles.of(ArcCosine(1, 0).inputs(X))
    with pytest.raises(ValueError, match="other unit rows"):
        angles.gram(other, other.inputs(X))
