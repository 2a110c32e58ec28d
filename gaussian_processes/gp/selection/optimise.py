"""Optimisation: the hyperparameters that maximise a criterion, by L-BFGS-B on their logarithms."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, get_args

import numpy as np
from scipy.optimize import Bounds, minimize

from gaussian_processes.gp.arguments import among, integer, observations, require_bounds
from gaussian_processes.gp.arrays import Array
from gaussian_processes.gp.kernels.inputs import LengthError
from gaussian_processes.gp.linalg.cholesky import NotPositiveDefiniteError
from gaussian_processes.gp.selection.criterion import Criterion
from gaussian_processes.gp.selection.parameters import NOISE, K, Parameters
from gaussian_processes.gp.selection.replay import Journal

# Standard deviation of a restart's logarithms about the given ones: a factor of e either way.
SPREAD = 1.0
# What the logarithm of sigma2 is raised by where a run cannot begin.
MORE_NOISE = math.log(10.0)


@dataclass(frozen=True)
class Iteration:
    """The state of learning after an iteration.

    Attributes:
        run: 0 from the given point, 1, 2, ... for restarts.
        number: from 1, within the run.
        value: the best value of the criterion, in nats.
        parameters: hyperparameters with this value.
        replayed: whether an earlier run recorded the iteration.
    """

    run: int
    number: int
    value: float
    parameters: Parameters[Any]
    replayed: bool = False


@dataclass(frozen=True, eq=False)
class Learned(Generic[K]):
    """The end of a run.

    Attributes:
        parameters: the best hyperparameters found.
        value: the criterion there, in nats; minus infinity where it was nowhere finite.
        iterations: number of iterations.
        evaluations: number of evaluations of the criterion with its derivatives.
        at_bounds: names of hyperparameters at a bound.
    """

    parameters: Parameters[K]
    value: float
    iterations: int
    evaluations: int
    at_bounds: tuple[str, ...]


@dataclass(frozen=True)
class Learner:
    """How to learn.

    Attributes:
        criterion: what is maximised.
        bounds: least and greatest value by name; the declared ones otherwise.
        iterations: maximum in each run.
        restarts: number of runs from random points, beside the run from the given point.
        seed: of these points.
        record: of the evaluations.
        tell: a function called after each iteration.
    """

    criterion: Criterion = "evidence"
    bounds: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    iterations: int = 200
    restarts: int = 0
    seed: int = 0
    record: Journal = field(default_factory=Journal)
    tell: Callable[[Iteration], None] = lambda _iteration: None

    def __post_init__(self) -> None:
        among("criterion", [self.criterion], get_args(Criterion))
        require_bounds(self.bounds, list(self.bounds))
        integer("iterations", self.iterations, 1)
        integer("restarts", self.restarts)
        integer("seed", self.seed)

    def learn(self, X: Array, y: Array, start: Parameters[K]) -> Learned[K]:
        """The best of all runs.

        Args:
            X: rows (N, d).
            y: targets (N,).
            start: where to begin; its free ones are learned.

        Raises:
            NotPositiveDefiniteError, LengthError: every run lacks a finite value where it begins.
            ValueError: X and y as TrainedGPModel; a name in bounds is unknown.
        """
        X, y = observations(X, y)
        runs = [self._run(X, y, start, run, point) for run, point in enumerate(self._points(start))]
        best = max(runs, key=lambda run: run.value)
        if not np.isfinite(best.value):
            best.parameters.evaluate(self.criterion, X, y)  # raises the reason
        return best

    def _points(self, start: Parameters[Any]) -> Iterator[Array]:
        low, high = start.bounds(self.bounds).T
        given, generator = start.logarithms, np.random.default_rng(self.seed)
        yield np.clip(given, low, high)
        for _ in range(self.restarts):
            yield np.clip(given + SPREAD * generator.standard_normal(len(given)), low, high)

    def _run(self, X: Array, y: Array, start: Parameters[K], run: int, point: Array) -> Learned[K]:
        best, best_point, iterations, highest_loss = -np.inf, point, 0, 0.0

        def loss(at: Array) -> tuple[float, Array]:
            nonlocal best, best_point, highest_loss
            value, *derivatives = self.record.evaluate(at, lambda: self._evaluation(X, y, start.at(at)))
            if np.isnan(value):
                # A wall, N nats high: the line search turns back from it.
                return highest_loss + len(y), np.zeros_like(at)
            highest_loss = -value if best == -np.inf else max(highest_loss, -value)
            if value > best:
                best, best_point = float(value), at.copy()
            return -float(value), -np.array(derivatives)

        def after_iteration(_at: Array) -> None:
            nonlocal iterations
            iterations += 1
            self.tell(Iteration(run, iterations, best, start.at(best_point), self.record.replaying))
            self.record.save()

        bounds, evaluations = start.bounds(self.bounds), 0
        while True:
            result = minimize(  # type: ignore[call-overload]  # whose stubs know no callback of a vector alone
                loss,
                point,
                method="L-BFGS-B",
                jac=True,
                bounds=Bounds(bounds[:, 0], bounds[:, 1]),
                callback=after_iteration,
                options={"maxiter": self.iterations},
            )
            evaluations += int(result.nfev)
            # M cannot be factored with this little noise, the first number; perhaps it can with more.
            if np.isfinite(best) or start.free[0] != NOISE.name or point[0] >= bounds[0, 1]:
                break
            point = np.append(min(point[0] + MORE_NOISE, bounds[0, 1]), point[1:])
        at_bounds = start.names_at(best_point, bounds)
        return Learned(start.at(best_point), best, iterations, evaluations, at_bounds)

    def _evaluation(self, X: Array, y: Array, parameters: Parameters[Any]) -> Array:
        """Value and derivatives; NaN where there are none."""
        try:
            value, derivatives = parameters.evaluate(self.criterion, X, y)
        except (NotPositiveDefiniteError, LengthError):
            value, derivatives = np.nan, np.zeros(len(parameters.logarithms))
        return np.append(value if np.isfinite(derivatives).all() else np.nan, derivatives)


def evaluate(criterion: Criterion, X: Array, y: Array, parameters: Parameters[Any]) -> tuple[float, Array]:
    """`Parameters.evaluate` of checked arguments.

    Raises:
        ValueError: as TrainedGPModel; or an unknown criterion.
    """
    among("criterion", [criterion], get_args(Criterion))
    return parameters.evaluate(criterion, *observations(X, y))
