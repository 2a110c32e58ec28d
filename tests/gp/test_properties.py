"""What must hold for any rows: random ones, repeated ones, multiples and opposites, and rows a few roundings apart."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gaussian_processes.gp import ArcCosine, TrainedGPModel
from gaussian_processes.gp.linalg.cholesky import Cholesky
from gaussian_processes.gp.linalg.packed import Packed

quick = settings(deadline=None, max_examples=60)


@st.composite
def rows_of(draw, least=2):
    """Rows (N, d), of which some are others again, or nearly."""
    N, d = draw(st.integers(least, 24)), draw(st.integers(1, 7))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    X = generator.normal(size=(N, d)) * 10.0 ** generator.integers(-3, 4)
    for target in range(N // 2):
        source = generator.integers(N // 2, N)
        match draw(st.sampled_from(["own", "repeat", "multiple", "opposite", "jitter", "near"])):
            case "repeat":
                X[target] = X[source]
            case "multiple":
                X[target] = X[source] * generator.uniform(0.1, 9.0)
            case "opposite":
                X[target] = -X[source] * generator.uniform(0.1, 9.0)
            case "jitter":
                X[target] = X[source] * (1.0 + generator.integers(-3, 4, size=d) * 2.0**-52)
            case "near":
                X[target] = X[source] * (1.0 + 10.0 ** generator.uniform(-15, -2) * generator.normal(size=d))
    return X


@st.composite
def kernels(draw, least=0, most=8):
    """Kernels of either geometry, with or without a bias."""
    geometry, bias = draw(st.sampled_from(["sphere", "homogeneous"])), draw(st.sampled_from([0.0, 0.5]))
    degree = draw(st.sampled_from([None, 0.0, 1.0])) if geometry == "homogeneous" else None
    return ArcCosine(draw(st.integers(least, most)), draw(st.integers(0, 6)), geometry, bias, degree)


def noise(kernel, X):
    """The least noise that is asked for: 1e-10 times the largest prior variance."""
    return 1e-10 * float(kernel.diagonal(X).max())


@quick
@given(X=rows_of(), kernel=kernels())
def test_the_matrix_is_positive_definite(X, kernel):
    """M = sigma2 I + K can be factored at sigma2 = 1e-10 times the variance, whatever the rows."""
    K = kernel.gram(X)
    assert np.array_equal(K, K.T)
    assert np.array_equal(np.diagonal(K), kernel.diagonal(X))
    Cholesky.of(Packed.of(K + noise(kernel, X) * np.eye(len(X))))


@quick
@given(X=rows_of(), kernel=kernels(), seed=st.integers(0, 99))
def test_the_order_of_rows_does_not_matter(X, kernel, seed):
    """A permutation of the rows permutes the matrix, to the bit."""
    order = np.random.default_rng(seed).permutation(len(X))
    assert np.array_equal(kernel.gram(X[order]), kernel.gram(X)[np.ix_(order, order)])


@quick
@given(X=rows_of(), kernel=kernels(least=1), seed=st.integers(0, 99))
def test_rotations_do_not_matter(X, kernel, seed):
    """Only lengths and angles do: to the rounding of a cosine, which steep kernels multiply."""
    Q, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(X.shape[1], X.shape[1])))
    slope = max(1.0, kernel.q**2 / (2 * kernel.q - 1)) ** (kernel.l + 1)
    largest = float(kernel.diagonal(X).max())
    assert kernel.gram(X @ Q) == pytest.approx(kernel.gram(X), abs=1e-14 * slope * largest * (1 + kernel.power))


@quick
@given(X=rows_of(), q=st.integers(1, 6), l=st.integers(0, 4), scale=st.sampled_from([0.25, 2.0, 64.0]))
def test_is_homogeneous(X, q, l, scale):
    """Scaling the rows by c scales the covariance by c^(2 q), exactly for powers of 2; on the sphere not at all."""
    homogeneous, sphere = ArcCosine(q, l, "homogeneous"), ArcCosine(q, l)
    assert homogeneous.gram(scale * X) == pytest.approx(scale ** (2 * q) * homogeneous.gram(X), rel=1e-13)
    assert np.array_equal(sphere.gram(scale * X), sphere.gram(X))


@quick
@given(X=rows_of(least=3), kernel=kernels(), seed=st.integers(0, 99))
def test_a_repeated_row_halves_the_noise_on_it(X, kernel, seed):
    """Two equal observations of a row say as much as one with half the noise variance."""
    y = np.random.default_rng(seed).normal(size=len(X))
    sigma2 = float(kernel.diagonal(X).max())
    twice = TrainedGPModel(np.vstack([X, X[:1]]), np.append(y, y[0]), kernel, sigma2).predict(X)
    halved = np.full(len(X), sigma2)
    halved[0] /= 2.0
    K = kernel.gram(X)
    assert twice == pytest.approx(K @ np.linalg.solve(K + np.diag(halved), y), abs=1e-11)


@quick
@given(seed=st.integers(0, 2**32 - 1), kernel=kernels(most=2))
def test_interpolates_as_the_noise_vanishes(seed, kernel):
    """Through distinct rows' targets, the nearer the less noise there is."""
    generator = np.random.default_rng(seed)
    X, y = generator.normal(size=(8, 6)) + 0.1, generator.normal(size=8)
    K = kernel.gram(X)
    largest = float(np.diagonal(K).max())
    worst = np.linalg.cond(K)
    for share in (1e-6, 1e-9):
        error = np.abs(TrainedGPModel(X, y, kernel, share * largest).predict(X) - y).max()
        assert error <= share * worst * np.abs(y).max() * 8 + 1e-13 * worst


@quick
@given(X=rows_of(least=3), kernel=kernels())
def test_a_row_in_a_request_is_the_row_it_was_trained_on(X, kernel):
    """Repeats and multiples in requests have exactly the training rows' covariances."""
    assert np.array_equal(kernel.cross(X, X), kernel.gram(X))
    if kernel.power == 0.0 and kernel.bias == 0.0:
        scale = np.random.default_rng(0).uniform(0.01, 90.0, size=(len(X), 1))
        assert np.array_equal(np.diagonal(kernel.cross(scale * X, X)), kernel.diagonal(X))
        twice = kernel.gram(np.vstack([X, scale * X]))
        assert np.array_equal(np.diagonal(twice, offset=len(X)), kernel.diagonal(X))
