"""Serialisation: a fitted regression as the arrays and numbers of a model file, and back."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from gaussian_processes.algorithm import State
from gaussian_processes.arc_cosine.regression import SOLVERS, FittedRegression
from gaussian_processes.arc_cosine.scaling import Scaling
from gaussian_processes.gp.kernels.arc_cosine import ArcCosine
from gaussian_processes.gp.linalg.packed import Packed
from gaussian_processes.gp.regression import TrainedGPModel
from gaussian_processes.gp.solvers.base import Solution
from gaussian_processes.gp.solvers.direct import DirectFactor
from gaussian_processes.gp.solvers.refinement import Mixed


def state(model: FittedRegression) -> State:
    """All that predicting needs. Without the factor it grows with the number of rows, and not with its square."""
    return {
        "X": model.gp.X,
        "y": model.gp.y,
        "alpha": model.gp.solution.alpha,
        "factor": model.stored_factor,
        "sigma2": model.gp.sigma2,
        "precision": "mixed" if isinstance(model.gp.solver, Mixed) else "double",
        "kernel": asdict(model.gp.kernel),
        "learned": dict(model.learned),
        "feature_scaling": asdict(model.feature_scaling),
        "target_scaling": asdict(model.target_scaling),
    }


def from_state(stored: Mapping[str, Any]) -> FittedRegression:
    """The model again, without training.

    Raises:
        KeyError, TypeError, ValueError: what is stored does not fit together.
    """
    _require_consistent(stored)
    kernel = ArcCosine(**stored["kernel"])
    factor = None if stored["factor"] is None else DirectFactor(Packed(stored["factor"]))
    solver, solution = SOLVERS[stored["precision"]], Solution(stored["alpha"], factor)
    gp = TrainedGPModel(stored["X"], stored["y"], kernel, stored["sigma2"], solver, solution)
    feature_scaling, target_scaling = (Scaling(**stored[name]) for name in ("feature_scaling", "target_scaling"))
    # Models from before there was learning have no such key.
    learned = stored.get("learned", {})
    return FittedRegression(gp, feature_scaling, target_scaling, factor is not None, learned)


def _require_consistent(stored: Mapping[str, Any]) -> None:
    """BLAS takes sizes on trust: what `state` did not write must not reach it."""
    (N, d), factor = np.shape(stored["X"]), stored["factor"]
    arrays = {"X": (stored["X"], (N, d)), "y": (stored["y"], (N,)), "alpha": (stored["alpha"], (N,))}
    for name, shape in (("feature_scaling", (d,)), ("target_scaling", ())):
        arrays |= {f"{name}'s {part}": (stored[name][part], shape) for part in ("shift", "scale")}
    for name, (array, shape) in arrays.items():
        _require_array(name, array, shape, (np.float64,))
        if not np.isfinite(array).all():
            raise ValueError(f"{name} holds numbers that are not finite")
    if not all(np.all(stored[name]["scale"] > 0) for name in ("feature_scaling", "target_scaling")):
        raise ValueError("a scale is not above zero")
    if factor is not None:
        dtypes = (np.float64, np.float32) if stored["precision"] == "mixed" else (np.float64,)
        _require_array("factor", factor, ((N + 1) // 2, N + 1 - N % 2), dtypes)


def _require_array(name: str, array: Any, shape: tuple[int, ...], dtypes: tuple[type, ...]) -> None:
    if not isinstance(array, np.ndarray) or array.shape != shape or array.dtype not in dtypes:
        raise ValueError(f"{name} is no array of shape {shape} of {dtypes[0].__name__}")
