"""Learning: the choice of kernel and noise, as given or from the training rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import groupby
from typing import Any, TypeAlias

import numpy as np

from gaussian_processes.algorithm import Comparison, LearningCurve, Reporter, Variant
from gaussian_processes.arc_cosine.kernels_compared import recorded_comparison, settings_of
from gaussian_processes.arc_cosine.learnable import NAMES, Name
from gaussian_processes.arc_cosine.problem import Problem
from gaussian_processes.arc_cosine.selection_log import log_comparison, log_end, log_iteration, named, warnings
from gaussian_processes.arc_cosine.settings import Hyperparameters
from gaussian_processes.data.dataset import Array
from gaussian_processes.errors import AlgorithmError, ConfigurationError
from gaussian_processes.gp.kernels.arc_cosine import ArcCosine
from gaussian_processes.gp.selection import optimise
from gaussian_processes.gp.selection.comparison import Compared
from gaussian_processes.gp.selection.parameters import Parameters

Learned: TypeAlias = optimise.Learned[ArcCosine]

# Hyperparameters that each of several compared kernels has for itself.
OWN = ("sigma2", "variance")


@dataclass(frozen=True, eq=False)
class Choice:
    """A kernel and a noise variance.

    Attributes:
        kernel: prior covariance.
        sigma2: noise variance, in (units of the scaled target)².
        learned: learned hyperparameters by name; empty if none were learned.
        comparison: all compared kernels; None for a single kernel.
        warnings: reasons to doubt the choice, in sentences.
        curve: criterion over the learning; None if nothing was learned.
    """

    kernel: ArcCosine
    sigma2: float
    learned: Mapping[str, float] = field(default_factory=dict)
    comparison: Comparison | None = None
    warnings: tuple[str, ...] = ()
    curve: LearningCurve | None = None


def choose(X: Array, y: Array, unit: float, hyperparameters: Hyperparameters, reporter: Reporter) -> Choice:
    """Kernel and noise as given, or as learned from the training rows.

    Several kernels are compared, each with its own best sigma2 and variance, and the best are learned fully. One kernel of each
    geometry learns bias, degree and lengthscales before the comparison; the others share them.

    Args:
        X: scaled features (N, d).
        y: scaled target (N,).
        unit: unit of the scaled target, in the target's own units.
        hyperparameters: hyperparameters of the job.
        reporter: log and checkpoint of the job.

    Raises:
        ConfigurationError: the number of lengthscales is not that of the features.
        AlgorithmError: every kernel fails.
    """
    h, kernels = hyperparameters, _kernels(hyperparameters, X.shape[1])
    if not learns(h):
        return Choice(kernels[0], h.sigma2)
    problem = Problem.of(X, y, unit, h, reporter)
    if problem.y.min() == problem.y.max():
        reporter.log("The target is constant in the rows to learn from: kernel and noise stay as given.")
        return Choice(_simplest(kernels), h.sigma2)
    if len(kernels) == 1:
        return _choice(problem, _learned(problem, kernels[0], h.sigma2))
    return _best_of(problem, kernels)


def learns(h: Hyperparameters) -> bool:
    """Whether hyperparameters are learned: a choice of kernels always learns sigma2 and variance."""
    return h.optimize != "none" or not _is_settled(h)


def _best_of(problem: Problem, kernels: Sequence[ArcCosine]) -> Choice:
    h = problem.hyperparameters
    pilots, compared = list[Learned](), list[Compared]()
    for _, group in groupby(kernels, key=lambda kernel: kernel.geometry):
        candidates = list(group)
        if moves_rows(h):
            pilot = _simplest(candidates)
            pilots.append(_learned(problem, pilot, h.sigma2, f"{named(pilot)} for its geometry"))
            candidates = _moved(candidates, pilots[-1])
        compared += recorded_comparison(problem, candidates)
    values = [problem.nats(one.value) for one in compared]
    log_comparison(problem, compared, values)
    finite = sorted((one for one in compared if np.isfinite(one.value)), key=lambda one: -one.value)
    if not finite:
        raise AlgorithmError(
            f"All {len(kernels)} kernels fail: (a) the matrix is not positive definite, or (b) the target's density is not "
            "finite. (a) Raise the bounds of sigma2. (b) Set target_scaling=standard."
        )
    finalists = [_learned(problem, one.kernel, one.sigma2, named(one.kernel)) for one in finite[: h.finalists]]
    best = max(pilots + finalists, key=lambda learned: learned.value)
    variants = tuple(Variant(settings_of(one.kernel), v) for one, v in zip(compared, values, strict=True))
    return _choice(problem, best, Comparison(problem.criterion, variants, settings_of(best.parameters.kernel)))


def _moved(kernels: Sequence[ArcCosine], learned: Learned) -> list[ArcCosine]:
    """Kernels with the hyperparameters learned for another, except OWN."""
    shared: dict[str, Any] = {name: value for name, value in learned.parameters.values.items() if name not in OWN}
    return [replace(one, **shared) for one in kernels]


def _simplest(kernels: Sequence[ArcCosine]) -> ArcCosine:
    """The kernel with order and depth nearest to 1."""
    return min(kernels, key=lambda kernel: (abs(kernel.q - 1) + abs(kernel.l - 1), kernel.q))


def _kernels(h: Hyperparameters, features: int) -> list[ArcCosine]:
    """All candidates, geometry by geometry."""
    lengthscales = h.lengthscales
    if lengthscales is not None and len(lengthscales) == 1:
        lengthscales *= features
    if lengthscales is not None and len(lengthscales) != features:
        raise ConfigurationError(
            f"lengthscales has {len(lengthscales)} numbers and the training channel {features} features; one number per "
            "feature, or one for all, is wanted."
        )
    given: dict[str, Any] = {one.name: getattr(h, one.name) for one in ArcCosine.hyperparameters}
    return [
        ArcCosine(q, l, geometry, **given | {"lengthscales": lengthscales})
        for geometry in h.geometries
        for q in h.orders
        for l in h.depths
    ]


def moves_rows(h: Hyperparameters) -> frozenset[Name]:
    """Learned hyperparameters that all kernels of a geometry share."""
    return frozenset(free_names(h)) - {*OWN}


def free_names(h: Hyperparameters) -> tuple[Name, ...]:
    """Learned hyperparameters; each of several kernels has its own sigma2 and variance."""
    match h.optimize:
        case "all":
            return NAMES
        case "none":
            return OWN
        case names:
            return names if _is_settled(h) else tuple({*names, *OWN})


def _is_settled(h: Hyperparameters) -> bool:
    """Whether there is a single kernel."""
    return len(h.orders) * len(h.depths) * len(h.geometries) == 1


def _learned(problem: Problem, kernel: ArcCosine, sigma2: float, what: str = "") -> Learned:
    h = problem.hyperparameters
    free = tuple(name for name in free_names(h) if name != "degree" or kernel.geometry != "sphere")
    tell = partial(log_iteration, problem, what)
    learner = optimise.Learner(h.criterion, problem.bounds, h.iterations, h.restarts, h.seed, problem.record, tell)
    learned = learner.learn(problem.X, problem.y, Parameters.of(kernel, sigma2, free, problem.X.shape[1]))
    log_end(problem, learned)
    return learned


def _choice(problem: Problem, learned: Learned, comparison: Comparison | None = None) -> Choice:
    parameters, kernel = learned.parameters, learned.parameters.kernel
    values: dict[str, float] = {} if comparison is None else {"q": float(kernel.q), "l": float(kernel.l)}
    for name, value in parameters.values.items():
        if isinstance(value, tuple):
            values |= {f"{name.removesuffix('s')}_{n}": one for n, one in enumerate(value, 1)}
        else:
            values[name] = value
    return Choice(kernel, parameters.sigma2, values, comparison, tuple(warnings(problem, learned)), problem.curve)
