"""Learning: the hyperparameters that maximise a criterion, by L-BFGS-B on their logarithms."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import get_args

import numpy as np
from scipy.optimize import Bounds, minimize

from gaussian_processes.gp.arguments import among, integer, observations, require_bounds
from gaussian_processes.gp.arrays import Array
from gaussian_processes.gp.kernels.inputs import LengthError
from gaussian_processes.gp.linalg.cholesky import Cholesky, NotPositiveDefiniteError
from gaussian_processes.gp.selection.criterion import Criterion, sensitivity
from gaussian_processes.gp.selection.gradient import gradient
from gaussian_processes.gp.selection.parameters import NAMES, Name, Parameters
from gaussian_processes.gp.selection.replay import Record
from gaussian_processes.gp.solvers.covariance import Covariance

# Standard deviation of a restart's logarithms about those that were given: a factor of e either way.
SPREAD = 1.0
# By how much the logarithm of sigma2 is raised where a run cannot begin.
MORE_NOISE = math.log(10.0)


@dataclass(frozen=True)
class Iteration:
    """Where the learning is.

    Attributes:
        run: 0 for the one from what was given, 1, 2, ... for restarts.
        number: from 1, within the run.
        value: of the criterion, in nats.
        parameters: with which it is so.
    """

    run: int
    number: int
    value: float
    parameters: Parameters


@dataclass(frozen=True, eq=False)
class Learned:
    """Where a run of the learning ended.

    Attributes:
        parameters: the best that it met.
        value: of the criterion with them, in nats; minus infinity where it had none anywhere.
        iterations: that the run took.
        evaluations: of the criterion and its derivatives, in these.
        at_bounds: the names of those that ended at a bound.
    """

    parameters: Parameters
    value: float
    iterations: int
    evaluations: int
    at_bounds: tuple[Name, ...]


@dataclass(frozen=True)
class Learner:
    """How to learn.

    Attributes:
        criterion: what is maximised.
        bounds: least and greatest value of a hyperparameter, where they are not those of `parameters.BOUNDS`.
        iterations: in each run, at most.
        restarts: runs from random points, beside that from what was given.
        seed: of these points.
        record: of the evaluations.
        tell: is called after each iteration that was not recorded before.
    """

    criterion: Criterion = "evidence"
    bounds: Mapping[Name, tuple[float, float]] = field(default_factory=dict)
    iterations: int = 200
    restarts: int = 0
    seed: int = 0
    record: Record = field(default_factory=Record)
    tell: Callable[[Iteration], None] = lambda _iteration: None

    def __post_init__(self) -> None:
        among("criterion", [self.criterion], get_args(Criterion))
        require_bounds(self.bounds, NAMES)
        integer("iterations", self.iterations, 1)
        integer("restarts", self.restarts)
        integer("seed", self.seed)

    def learn(self, X: Array, y: Array, start: Parameters) -> Learned:
        """The best of all runs.

        Args:
            X: rows (N, d).
            y: targets (N,).
            start: where to begin; what is learned is its free ones.

        Raises:
            NotPositiveDefiniteError, LengthError: nothing can be computed where a run begins, nor in any other run.
            ValueError: X and y as TrainedGPModel.
        """
        X, y = observations(X, y)
        runs = [self._run(X, y, start, run, point) for run, point in enumerate(self._points(start))]
        best = max(runs, key=lambda run: run.value)
        if not np.isfinite(best.value):
            _evaluate(self.criterion, X, y, best.parameters)  # which says why
        return best

    def _points(self, start: Parameters) -> Iterator[Array]:
        low, high = start.bounds(self.bounds).T
        given, generator = start.logarithms, np.random.default_rng(self.seed)
        yield np.clip(given, low, high)
        for _ in range(self.restarts):
            yield np.clip(given + SPREAD * generator.standard_normal(len(given)), low, high)

    def _run(self, X: Array, y: Array, start: Parameters, run: int, point: Array) -> Learned:
        best, best_point, iterations, highest_loss = -np.inf, point, 0, 0.0

        def loss(at: Array) -> tuple[float, Array]:
            nonlocal best, best_point, highest_loss
            value, *slope = self.record.answer(at, lambda: self._evaluation(X, y, start.at(at)))
            if np.isnan(value):
                # A wall, N nats high: the line search turns back from it.
                return highest_loss + len(y), np.zeros_like(at)
            highest_loss = -value if best == -np.inf else max(highest_loss, -value)
            if value > best:
                best, best_point = float(value), at.copy()
            return -float(value), -np.array(slope)

        def after_iteration(_at: Array) -> None:
            nonlocal iterations
            iterations += 1
            if not self.record.replaying:
                self.tell(Iteration(run, iterations, best, start.at(best_point)))
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
            # Where M cannot be factored with this little noise, which comes first, it may be with more.
            if np.isfinite(best) or start.free[0] != "sigma2" or point[0] >= bounds[0, 1]:
                break
            point = np.append(min(point[0] + MORE_NOISE, bounds[0, 1]), point[1:])
        at_bounds = start.names_at(best_point, bounds)
        return Learned(start.at(best_point), best, iterations, evaluations, at_bounds)

    def _evaluation(self, X: Array, y: Array, parameters: Parameters) -> Array:
        """Value and derivatives; NaN where there are none."""
        try:
            value, slope = _evaluate(self.criterion, X, y, parameters)
        except (NotPositiveDefiniteError, LengthError):
            value, slope = np.nan, np.zeros(len(parameters.logarithms))
        return np.append(value if np.isfinite(slope).all() else np.nan, slope)


def evaluate(criterion: Criterion, X: Array, y: Array, parameters: Parameters) -> tuple[float, Array]:
    """A criterion, in nats, and its derivatives in the free logarithms (P,).

    Raises:
        NotPositiveDefiniteError: M cannot be factored.
        LengthError: a row has no direction or no finite covariance.
        ValueError: as TrainedGPModel; or a criterion that there is not.
    """
    among("criterion", [criterion], get_args(Criterion))
    return _evaluate(criterion, *observations(X, y), parameters)


def _evaluate(criterion: Criterion, X: Array, y: Array, parameters: Parameters) -> tuple[float, Array]:
    M = Covariance(parameters.kernel, parameters.kernel.directions(X), parameters.sigma2)
    found = sensitivity(criterion, y, Cholesky.of(M.packed()))
    moves_rows = not {"bias", "lengthscales"}.isdisjoint(parameters.free)
    return found.value, parameters.derivatives(gradient(M, X, found, of_rows=moves_rows))
