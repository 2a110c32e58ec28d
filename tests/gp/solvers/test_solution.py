"""Solving by way of single precision: as good as double precision where it says so, and double precision elsewhere."""

import pickle

import numpy as np
import pytest

from gaussian_processes.gp import ArcCosine, TrainedGPModel, cost
from gaussian_processes.gp.kernels.matvec import product, strip_product
from gaussian_processes.gp.solvers.direct import Direct
from gaussian_processes.gp.solvers.iterative import Iterative
from gaussian_processes.gp.solvers.refinement import Mixed

KERNELS = [
    ArcCosine(0, 2),
    ArcCosine(1, 3),
    ArcCosine(3, 1, bias=0.5),
    ArcCosine(1, 0, "homogeneous", variance=2.5),
    ArcCosine(45, 0, "homogeneous", degree=1.0),
]
each_kernel = pytest.mark.parametrize("kernel", KERNELS, ids=str)


@pytest.fixture(name="data")
def noisy_data():
    generator = np.random.default_rng(5)
    X = generator.normal(size=(300, 4))
    return X, np.sin(3 * X[:, 0]) + 0.3 * generator.normal(size=300), generator.normal(size=(70, 4))


@each_kernel
def test_products_are_those_of_the_matrix(kernel, data):
    """Without the matrix, whole or by halves."""
    X, y, X_star = data
    rows = kernel.inputs(X)
    requests = kernel.inputs(X_star, training=rows)
    assert product(kernel, requests, rows, y) == pytest.approx(kernel.cross(X_star, X) @ y, rel=1e-11, abs=1e-11)
    assert strip_product(kernel, rows, y, slice(0, len(y))) == pytest.approx(kernel.gram(X) @ y, rel=1e-11, abs=1e-11)


@each_kernel
def test_mixed_precision_solves_as_double_precision_does(kernel, data):
    """The residual is 1e-12, means agree to 1e-9, variances to 1e-5 of the prior, log evidence to 1e-5."""
    X, y, X_star = data
    double = TrainedGPModel(X, y, kernel, 0.1)
    mixed = TrainedGPModel(X, y, kernel, 0.1, Mixed())
    assert mixed.solution.message.startswith("Factored in single precision; alpha refined in ")
    assert mixed.solution.factor.L.rectangle.dtype == np.float32
    M = kernel.gram(X) + 0.1 * np.eye(len(y))
    assert np.linalg.norm(y - M @ mixed.solution.alpha) <= 2e-12 * np.linalg.norm(y)
    mean, std = double.predict(X_star, return_std=True)
    assert mixed.predict(X_star) == pytest.approx(mean, abs=1e-9 * np.abs(mean).max())
    again, nearly = mixed.predict(X_star, return_std=True)
    assert again == pytest.approx(mean, abs=1e-9 * np.abs(mean).max())
    assert nearly**2 == pytest.approx(std**2, abs=1e-5 * kernel.diagonal(X_star).max())
    assert mixed.log_evidence == pytest.approx(double.log_evidence, rel=1e-5)


@pytest.mark.parametrize(
    ("sigma2", "scale", "degree", "reason"),
    [
        (1e-9, 1.0, None, "stopped at"),
        (1e-5, 1.0, None, "stopped at"),
        (1e79, 1e20, 2.0, "the factorisation stopped at row 1"),
    ],
)
def test_falls_back_to_double_precision_and_says_why(sigma2, scale, degree, reason):
    """Where single precision cannot factor M, or its factor is too far from M, nothing is lost but time."""
    generator = np.random.default_rng(6)
    X = scale * (1.0 + 0.01 * generator.normal(size=(200, 2)))
    y = generator.normal(size=200)
    kernel = ArcCosine(1, 0, "homogeneous", degree=degree) if degree else ArcCosine(1, 0)
    mixed, double = TrainedGPModel(X, y, kernel, sigma2, Mixed()), TrainedGPModel(X, y, kernel, sigma2)
    assert reason in mixed.solution.message
    assert mixed.solution.message.endswith("solved in double precision.")
    assert np.array_equal(mixed.solution.alpha, double.solution.alpha)
    assert mixed.solution.factor.L.rectangle.dtype == np.float64


def test_a_target_of_zeros_or_of_any_scale_is_solved(data):
    """Single precision ends at 1e38, and the targets need not."""
    X, y, _ = data
    kernel = ArcCosine(1, 1)
    assert np.all(TrainedGPModel(X, 0.0 * y, kernel, 0.1, Mixed()).solution.alpha == 0.0)
    alpha = TrainedGPModel(X, y, kernel, 0.1, Mixed()).solution.alpha
    for scale in (1e-200, 1e200):
        scaled = TrainedGPModel(X, scale * y, kernel, 0.1, Mixed())
        assert scaled.solution.alpha / scale == pytest.approx(alpha, rel=1e-9, abs=1e-12)


def test_the_memory_is_that_of_half_a_matrix(data):
    """8 bytes an entry of the lower triangle, or 4."""
    X, y, _ = data
    for solver in (Direct(), Mixed()):
        trained = TrainedGPModel(X, y, ArcCosine(1, 0), 0.1, solver)
        wanted = cost.factor_bytes(300, mixed=isinstance(solver, Mixed))
        assert trained.solution.factor.L.rectangle.nbytes == wanted


@pytest.mark.parametrize("solver", [Direct(), Mixed(), Iterative()], ids=lambda solver: type(solver).__name__)
def test_a_model_crosses_to_another_process(solver, data):
    """With its solver; it predicts the same."""
    X, y, X_star = data
    model = TrainedGPModel(X, y, ArcCosine(1, 1), 0.1, solver)
    again = pickle.loads(pickle.dumps(model))
    assert np.array_equal(again.predict(X_star), model.predict(X_star))
