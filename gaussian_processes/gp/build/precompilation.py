"""Precompilation: a call of every compiled function with every type of argument in use."""

import numpy as np

from gaussian_processes.gp.kernels.arc_cosine import ArcCosine
from gaussian_processes.gp.kernels.cached_angles import Angles
from gaussian_processes.gp.regression import TrainedGPModel
from gaussian_processes.gp.selection.optimise import evaluate
from gaussian_processes.gp.selection.parameters import Parameters
from gaussian_processes.gp.solvers.direct import Direct
from gaussian_processes.gp.solvers.iterative import Iterative
from gaussian_processes.gp.solvers.refinement import Mixed

# Orders with and without polynomials; both geometries.
KERNELS = (ArcCosine(0, 1), ArcCosine(1, 1), ArcCosine(60, 0, "homogeneous", degree=1.0))
SOLVERS = (Direct(), Mixed(), Iterative())


def precompile() -> None:
    """Compile every function, or load it from the cache."""
    X = np.random.default_rng(0).normal(size=(8, 3))
    for kernel in KERNELS:
        kernel.gram(X)
        rows = kernel.inputs(X)
        Angles.of(rows).gram(kernel, rows)
        for solver in SOLVERS:
            model = TrainedGPModel(X, X[:, 0], kernel, 1.0, solver)
            model.predict(X)
            if model.has_factor:
                model.predict(X, return_std=True)
        evaluate("loo", X, X[:, 0], Parameters.of(kernel, 1.0, ("sigma2", "lengthscales"), X.shape[1]))
