"""Leave-one-out against training without the row, the inverse of M against NumPy's, and both against identities."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from gaussian_processes.gp import ArcCosine, TrainedGPModel
from gaussian_processes.gp.linalg.cholesky import BlockSizes
from gaussian_processes.gp.solvers.direct import Direct
from gaussian_processes.gp.solvers.refinement import Mixed

KERNELS = [
    ArcCosine(0, 0),
    ArcCosine(0, 3, bias=1.0),
    ArcCosine(1, 0, "homogeneous", variance=2.5),
    ArcCosine(1, 1),
    ArcCosine(2, 4, "homogeneous", bias=0.3, degree=0.5),
    ArcCosine(45, 0),
]
each_kernel = pytest.mark.parametrize("kernel", KERNELS, ids=str)


def data(N, seed=0):
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(N, 3))
    return X, np.sin(3 * X[:, 0]) + 0.3 * generator.normal(size=N)


@each_kernel
@pytest.mark.parametrize("N", [1, 2, 3, 12, 29])
def test_each_row_is_predicted_by_the_others(kernel, N):
    """The posterior of row i given the other rows, by NumPy's solver on their dense matrix, one i at a time."""
    X, y = data(N)
    M = kernel.gram(X) + 0.2 * np.eye(N)
    found = TrainedGPModel(X, y, kernel, 0.2).leave_one_out()
    for i in range(N):
        others = np.arange(N) != i
        weights = np.linalg.solve(M[np.ix_(others, others)], M[others, i])
        mean, variance = weights @ y[others], M[i, i] - weights @ M[others, i]
        assert found.mean[i] == pytest.approx(mean, rel=1e-10, abs=1e-10)
        assert found.variance[i] == pytest.approx(variance, rel=1e-10)
        assert found.log_density[i] == pytest.approx(norm.logpdf(y[i], mean, np.sqrt(variance)), rel=1e-9, abs=1e-9)


def test_is_what_training_without_the_row_predicts():
    """By the model itself: std is the function's, the variance here the observation's."""
    X, y = data(15)
    kernel = ArcCosine(1, 2, bias=0.5)
    found = TrainedGPModel(X, y, kernel, 0.1).leave_one_out()
    for i in range(15):
        without = TrainedGPModel(np.delete(X, i, axis=0), np.delete(y, i), kernel, 0.1)
        mean, std = without.predict(X[i : i + 1], return_std=True)
        assert found.mean[i] == pytest.approx(mean[0], abs=1e-11)
        assert found.variance[i] == pytest.approx(std[0] ** 2 + 0.1, abs=1e-11)


@each_kernel
def test_the_density_of_a_row_given_the_others_is_a_ratio_of_densities(kernel):
    """log p(y_i | the others) = log p(y) - log p(the others), by SciPy's multivariate normal."""
    X, y = data(20, seed=1)
    M = kernel.gram(X) + 0.3 * np.eye(20)
    found = TrainedGPModel(X, y, kernel, 0.3).leave_one_out().log_density
    whole = multivariate_normal(cov=M).logpdf(y)
    for i in range(20):
        others = np.arange(20) != i
        rest = multivariate_normal(cov=M[np.ix_(others, others)]).logpdf(y[others])
        assert found[i] == pytest.approx(whole - rest, abs=1e-9)


def test_with_nothing_but_noise_the_others_say_nothing():
    """As sigma2 grows, mean -> 0 and variance -> sigma2 + the prior variance."""
    X, y = data(30)
    kernel = ArcCosine(1, 1, variance=2.0)
    found = TrainedGPModel(X, y, kernel, 1e8).leave_one_out()
    assert np.abs(found.mean).max() < 1e-5
    assert found.variance == pytest.approx(1e8 + 2.0, abs=1e-5)


@pytest.mark.parametrize("N", [2, 7, 40, 41])
@pytest.mark.parametrize(
    "sizes", [BlockSizes(1, 1, 1), BlockSizes(3, 5, 100), BlockSizes(7, 8, 10**6), BlockSizes(8, 100, 300)]
)
def test_the_blocks_do_not_show(N, sizes):
    """Columns by one or all at once, factors cut small or not at all: the same to rounding."""
    X, y = data(N)
    whole = TrainedGPModel(X, y, ArcCosine(1, 1), 0.1).leave_one_out()
    in_blocks = TrainedGPModel(X, y, ArcCosine(1, 1), 0.1, Direct(sizes)).leave_one_out()
    for one, other in zip(in_blocks, whole, strict=True):
        assert one == pytest.approx(other, rel=1e-11, abs=1e-11)


@pytest.mark.parametrize("sigma2", [0.01, 0.1, 1.0])
def test_mixed_precision_is_off_by_rounding_over_the_noise(sigma2):
    """Variances and distances y - mean, relative: by about 1e-6 of the prior variance, which is 1, over sigma2."""
    X, y = data(500)
    double = TrainedGPModel(X, y, ArcCosine(1, 1), sigma2).leave_one_out()
    mixed_model = TrainedGPModel(X, y, ArcCosine(1, 1), sigma2, Mixed())
    assert mixed_model.solution.factor.L.rectangle.dtype == np.float32
    mixed = mixed_model.leave_one_out()
    assert mixed.variance.dtype == np.float64
    assert mixed.variance == pytest.approx(double.variance, rel=3e-6 / sigma2)
    assert y - mixed.mean == pytest.approx(y - double.mean, rel=3e-6 / sigma2)
