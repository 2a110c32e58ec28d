"""ArcCosine as a covariance on rows: its symmetries, its geometries and what it refuses."""

from dataclasses import replace

import mpmath
import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from gaussian_processes.gp.compiled import threads as threads_module
from gaussian_processes.gp.kernels.arc_cosine import ArcCosine
from gaussian_processes.gp.kernels.formulas import composed_kernel
from gaussian_processes.gp.kernels.inputs import LengthError
from gaussian_processes.gp.kernels.matrices import packed_gram

KERNELS = [
    ArcCosine(0, 0),
    ArcCosine(1, 1),
    ArcCosine(3, 2, bias=0.7),
    ArcCosine(0, 1, "homogeneous", bias=1.0),
    ArcCosine(1, 0, "homogeneous", variance=2.5),
    ArcCosine(2, 3, "homogeneous", bias=0.3, degree=0.5),
]
each_kernel = pytest.mark.parametrize("kernel", KERNELS, ids=str)


@pytest.fixture(name="X")
def random_rows():
    return np.random.default_rng(1).normal(size=(12, 4))


@each_kernel
def test_gram_is_symmetric_to_the_bit_with_the_closed_form_diagonal(kernel, X):
    """The diagonal never travels through the angle."""
    K = kernel.gram(X)
    assert np.array_equal(K, K.T)
    assert np.array_equal(np.diagonal(K), kernel.diagonal(X))


@each_kernel
def test_a_repeated_row_has_exactly_the_diagonals_covariance(kernel, X):
    """In training and in requests; on the sphere a multiple of a row is that row."""
    assert np.array_equal(np.diagonal(kernel.cross(X, X.copy())), kernel.diagonal(X))
    twice = kernel.gram(np.vstack([X, X]))
    assert np.array_equal(np.diagonal(twice, offset=len(X)), kernel.diagonal(X))
    if kernel.geometry == "sphere" and not kernel.bias:
        scale = np.linspace(0.1, 7.3, len(X))[:, None]
        assert np.array_equal(np.diagonal(kernel.cross(X, scale * X)), kernel.diagonal(X))


@pytest.mark.parametrize("d", [2, 3, 50, 5000])
@pytest.mark.parametrize("l", [0, 3, 6])
def test_rows_on_one_line_are_one_row_or_its_opposite(d, l):
    """Never NaN, and exact, in any dimension."""
    x = np.random.default_rng(8).normal(size=d)
    X = np.outer([1.0, 3.0, 0.1, -1.0, -7.0], x)
    for q in (0, 1, 4):
        K = ArcCosine(q, l).gram(X)
        assert np.all(K[:3, :3] == 1.0)
        assert np.all(K[3:, 3:] == 1.0)
        assert K[:3, 3:] == pytest.approx(composed_kernel(q, l, -1.0), rel=0, abs=1e-15)


@pytest.mark.parametrize("l", range(7))
@pytest.mark.parametrize("distance", [1e-12, 1e-10, 1e-8, 1e-6, 1e-4, 1e-3, 1e-2, 0.1, 1.0])
def test_order_0_is_accurate_between_close_rows(distance, l):
    """1 - k against 60 digits: as accurate as the rows and a float64 k allow, at every depth."""
    generator = np.random.default_rng(9)
    X = generator.normal(size=(4, 3))
    Z = X + distance * generator.normal(size=(4, 3))
    K = ArcCosine(0, l).cross(X, Z)
    with mpmath.workdps(60):
        for x, z, found in zip(X.tolist(), Z.tolist(), np.diagonal(K), strict=True):
            a, b = mpmath.matrix(x), mpmath.matrix(z)
            t = (a.T * b)[0] / (mpmath.norm(a) * mpmath.norm(b))
            r = float(mpmath.sqrt(2 - 2 * t))
            for _ in range(l + 1):
                t = 1 - mpmath.acos(t) / mpmath.pi
            error = abs(mpmath.mpf(float(found)) - t)
            assert error <= (1e-15 / r + 1e-8) * (1 - t) + 2.0**-53


@pytest.mark.parametrize("distance", [1e-12, 1e-8, 1e-4, 1e-2])
def test_order_0_is_accurate_between_rows_that_are_almost_opposite(distance):
    """k itself is small there, theta's distance from pi over pi, and has its digits."""
    generator = np.random.default_rng(10)
    X = generator.normal(size=(4, 3))
    Z = -X + distance * generator.normal(size=(4, 3))
    with mpmath.workdps(60):
        for x, z, found in zip(X.tolist(), Z.tolist(), np.diagonal(ArcCosine(0, 0).cross(X, Z)), strict=True):
            a, b = mpmath.matrix(x), mpmath.matrix(z)
            wanted = 1 - mpmath.acos((a.T * b)[0] / (mpmath.norm(a) * mpmath.norm(b))) / mpmath.pi
            assert abs(mpmath.mpf(float(found)) - wanted) < 1e-15


@each_kernel
@pytest.mark.parametrize("N", [1, 2, 63, 64, 65, 131, 600])
def test_an_entry_is_the_same_number_wherever_it_stands(kernel, N, monkeypatch):
    """Gram, packed gram, cross, row by row, in panels of another height, on one thread: to the bit."""
    X = np.random.default_rng(11).normal(size=(N, 5))
    K = kernel.gram(X)
    assert np.array_equal(K, kernel.cross(X, X))
    assert np.array_equal(np.tril(K), packed_gram(kernel, kernel.inputs(X)).lower())
    assert np.array_equal(K[N // 2], kernel.cross(X[N // 2 : N // 2 + 1], X)[0])
    monkeypatch.setattr(threads_module, "PANEL", 7)
    with threadpool_limits(1):
        assert np.array_equal(K, kernel.gram(X))


def test_the_order_of_memory_does_not_show(X):
    """Rows from a CSV and the same rows from JSON have the same covariances, to the bit."""
    kernel = ArcCosine(0, 3, bias=1.0)
    assert np.array_equal(kernel.gram(np.asfortranarray(X)), kernel.gram(X))


@each_kernel
def test_entries_are_the_formula_row_by_row(kernel, X):
    """v (|x| |z|)^p k_{q,l}(cosine), with the bias as one more coordinate, computed one pair at a time."""
    Z = X[:3] + 0.5
    p = {"sphere": 0.0, "homogeneous": kernel.q if kernel.degree is None else kernel.degree}[kernel.geometry]
    for x, row in zip(X, kernel.cross(X, Z), strict=True):
        for z, found in zip(Z, row, strict=True):
            a, b = np.append(x, kernel.bias), np.append(z, kernel.bias)
            lengths = np.linalg.norm(a) * np.linalg.norm(b)
            wanted = kernel.variance * lengths**p * composed_kernel(kernel.q, kernel.l, a @ b / lengths)
            assert found == pytest.approx(wanted, rel=1e-13)


@each_kernel
def test_is_invariant_under_rotation(kernel, X):
    """Only lengths and angles matter."""
    Q, _ = np.linalg.qr(np.random.default_rng(2).normal(size=(4, 4)))
    assert kernel.gram(X @ Q) == pytest.approx(kernel.gram(X), rel=1e-12)


@each_kernel
def test_gram_is_positive_definite(kernel, X):
    """With rounding's worth of noise, all eigenvalues are above zero."""
    K = kernel.gram(X)
    assert np.linalg.eigvalsh(K).min() > -1e-13 * np.diagonal(K).max()


def test_lengths_do_not_matter_on_the_sphere(X):
    """Each row can be scaled by its own factor."""
    scale = np.linspace(0.1, 10, len(X))[:, None]
    assert ArcCosine(1, 2).gram(scale * X) == pytest.approx(ArcCosine(1, 2).gram(X), rel=1e-12)


@pytest.mark.parametrize(("degree", "power"), [(None, 3), (0.5, 0.5), (2.0, 2.0)])
def test_is_homogeneous_of_the_degree(degree, power, X):
    """Scaling the rows by c scales the covariance by c^(2p); p is q unless it is given."""
    kernel = ArcCosine(3, 1, "homogeneous", degree=degree)
    assert kernel.gram(2.0 * X) == pytest.approx(4.0**power * kernel.gram(X), rel=1e-12)


def test_a_zero_row_has_no_direction_on_the_sphere(X):
    """Where a direction is needed, the rows without one are named."""
    X[[3, 7]] = 0.0
    for kernel in (ArcCosine(1, 1), ArcCosine(0, 1, "homogeneous"), ArcCosine(1, 1, "homogeneous", degree=0.0)):
        with pytest.raises(LengthError) as caught:
            kernel.gram(X)
        assert caught.value.rows == [3, 7]


def test_a_zero_row_is_known_to_be_zero_in_the_homogeneous_geometry(X):
    """Its covariance with everything is 0, for (|x| |z|)^p is; with a bias it has a direction."""
    X[3] = 0.0
    assert np.all(ArcCosine(1, 1, "homogeneous").gram(X)[3] == 0.0)
    assert np.all(np.isfinite(ArcCosine(1, 1, bias=1.0).gram(X)))


def test_kernels_are_values():
    """Frozen, compared by their fields, changed by replacing one."""
    assert replace(KERNELS[1], q=2) == ArcCosine(2, 1)
    with pytest.raises(AttributeError):
        KERNELS[1].q = 2


@pytest.mark.parametrize(
    "fields",
    [
        {"q": -1},
        {"l": 0.5},
        {"geometry": "plane"},
        {"bias": -1.0},
        {"bias": np.inf},
        {"degree": -0.1},
        {"variance": 0.0},
        {"variance": np.nan},
    ],
    ids=str,
)
def test_refuses_hyperparameters_out_of_range(fields):
    """The message names the field, what was found and what is wanted."""
    with pytest.raises(ValueError, match=rf"^{next(iter(fields))} is .* wanted$"):
        ArcCosine(**{"q": 1, "l": 1, **fields})
