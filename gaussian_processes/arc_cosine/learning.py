"""Learning: the kernel and the noise, as they are given or as the training rows have them."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from gaussian_processes.algorithm import Comparison, Needs, Reporter, Variant
from gaussian_processes.arc_cosine.kernels_compared import named, recorded_comparison, settings_of, table
from gaussian_processes.arc_cosine.learnable import NAMES, SCALARS, Name
from gaussian_processes.arc_cosine.settings import Hyperparameters
from gaussian_processes.data.dataset import Array
from gaussian_processes.errors import AlgorithmError, ConfigurationError
from gaussian_processes.gp import cost
from gaussian_processes.gp.kernels.arc_cosine import ArcCosine
from gaussian_processes.gp.selection import optimise
from gaussian_processes.gp.selection.comparison import Compared
from gaussian_processes.gp.selection.comparison import memory as memory_of_comparison
from gaussian_processes.gp.selection.criterion import Criterion
from gaussian_processes.gp.selection.parameters import Parameters
from gaussian_processes.gp.selection.repeats import distinct
from gaussian_processes.gp.selection.replay import Record
from gaussian_processes.gp.solvers.direct import memory

Learned: TypeAlias = optimise.Learned[ArcCosine]

CRITERIA: Mapping[Criterion, str] = {"evidence": "log evidence", "loo": "leave-one-out log density"}


@dataclass(frozen=True, eq=False)
class Choice:
    """A kernel and a noise variance.

    Attributes:
        kernel, sigma2: of the Gaussian process.
        learned: those of their numbers that were not taken as given, by name.
        comparison: what they were chosen among; None where there was no choice.
        warnings: what speaks against what was learned, in sentences.
    """

    kernel: ArcCosine
    sigma2: float
    learned: Mapping[str, float] = field(default_factory=dict)
    comparison: Comparison | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Task:
    """What is to be learned, from what.

    Attributes:
        X: scaled features (N, d).
        y: scaled target (N,).
        unit: of the scaled target, in the target's own; criteria are told for the target as it is.
        hyperparameters: which say how.
        reporter: is told of every iteration, and keeps what has been computed.
        record: of the evaluations.
    """

    X: Array
    y: Array
    unit: float
    hyperparameters: Hyperparameters
    reporter: Reporter
    record: Record

    @property
    def bounds(self) -> Mapping[Name, tuple[float, float]]:
        """Of what is learned, by name."""
        with np.errstate(over="ignore"):
            return self.hyperparameters.bounds_for(float(np.var(self.y)))

    def nats(self, value: float) -> float:
        """A criterion for the target as it is."""
        return value - len(self.y) * float(np.log(self.unit))


def choose(X: Array, y: Array, unit: float, hyperparameters: Hyperparameters, reporter: Reporter) -> Choice:
    """The kernel and the noise that the hyperparameters give, or that they say how to learn.

    Of several kernels each is compared with its own best sigma2 and variance, and the best are learned to the end. What
    moves the rows is learned before that, by one kernel of each geometry: all others of the geometry are compared on the
    rows so moved.

    Args:
        X: scaled features (N, d).
        y: scaled target (N,).
        unit: of the scaled target.
        hyperparameters: of the job.
        reporter: of the job.

    Raises:
        ConfigurationError: the lengthscales are not one for each feature.
        AlgorithmError: no kernel can be computed.
    """
    h = hyperparameters
    kernels = _kernels(h, X.shape[1])
    if not learns(h):
        return Choice(kernels[0], h.sigma2)
    rows = _rows(len(X), h)
    if len(rows) < len(X):
        reporter.log(f"learning from {len(rows)} of {len(X)} training rows, chosen at random")
    if y[rows].min() == y[rows].max():
        reporter.log("The target is the same in all rows to learn from: kernel and noise are taken as they are given.")
        return Choice(_plainest(kernels), h.sigma2)
    rows = _once(X, y, rows, reporter)
    task = Task(X[rows], y[rows], unit, h, reporter, _record(reporter))
    if len(kernels) == 1:
        return _choice(task, _learned(task, kernels[0], h.sigma2))
    return _best_of(task, kernels)


def learns(h: Hyperparameters) -> bool:
    """Whether anything is learned of the kernel and the noise: of several kernels sigma2 and variance always are."""
    return h.optimize != "none" or not _is_settled(h)


def needs_of_learning(N: int, d: int, h: Hyperparameters) -> Needs:
    """What learning from N rows of d features will take, at most in memory and about in operations; nothing on disk."""
    kernels, rows = len(h.orders) * len(h.depths) * len(h.geometries), min(N, h.learning_rows or N)
    making = sum(cost.making(q, l) for q in h.orders for l in h.depths)
    if not learns(h):
        return Needs(0, making, 0)
    entries = [cost.entry(q, l, rows) for q in h.orders for l in h.depths]
    slopes = [cost.entry(q, l, rows, slope=True) for q in h.orders for l in h.depths]
    one = cost.learning(rows, d, h.criterion, (max(entries) + max(slopes)) / 2)
    numbers = sum(1 if name in SCALARS else d for name in _free(h))
    run = (1 + h.restarts) * min(cost.EVALUATIONS + cost.MORE * numbers, 2 * h.iterations) * one
    matrices = 1 if h.criterion == "evidence" else 4
    if kernels == 1:
        return Needs(matrices * memory(rows, "double"), making + run, 0)
    pilots = len(h.geometries) if _moving(h) else 0
    comparison = sum(cost.comparison(rows, d, h.criterion, entry) for entry in entries) * len(h.geometries)
    return Needs(
        max(matrices * memory(rows, "double"), memory_of_comparison(rows)),
        making + (pilots + min(h.finalists, kernels)) * run + comparison,
        0,
    )


def _best_of(task: Task, kernels: Sequence[ArcCosine]) -> Choice:
    h = task.hyperparameters
    pilots: list[Learned] = []
    compared: list[Compared] = []
    for group in _by_geometry(kernels):
        seen = group
        if _moving(h):
            # One kernel of the geometry is learned to the end first: the others see the rows as it moves them.
            pilot = _plainest(group)
            pilots.append(_learned(task, pilot, h.sigma2, f"{named(pilot)}, for all of its geometry"))
            seen = _moved(group, pilots[-1])
        compared += recorded_comparison(
            task.X, task.y, seen, h.criterion, task.bounds, record=task.record, reporter=task.reporter
        )
    values = [task.nats(one.value) for one in compared]
    task.reporter.log(
        f"{len(kernels)} kernels, each with its own best sigma2 and variance, by {CRITERIA[h.criterion]}:"
    )
    for line in table(compared, values):
        task.reporter.log(line)
    able = sorted((one for one in compared if np.isfinite(one.value)), key=lambda one: -one.value)
    if not able:
        raise AlgorithmError(
            f"None of the {len(kernels)} kernels gives a matrix that can be factored, and a finite density of the target. Set "
            "target_scaling=standard, or raise the bounds of sigma2."
        )
    finalists = [_learned(task, one.kernel, one.sigma2, named(one.kernel)) for one in able[: h.finalists]]
    best = max(pilots + finalists, key=lambda learned: learned.value)
    variants = tuple(Variant(settings_of(one.kernel), v) for one, v in zip(compared, values, strict=True))
    chosen = settings_of(best.parameters.kernel)
    return _choice(task, best, Comparison(CRITERIA[h.criterion], variants, chosen))


def _moved(kernels: Sequence[ArcCosine], learned: Learned) -> list[ArcCosine]:
    """Kernels that see the rows as a learned one does."""
    like = learned.parameters.kernel
    kernels = [replace(one, bias=like.bias, lengthscales=like.lengthscales) for one in kernels]
    return [replace(one, degree=like.degree) for one in kernels] if "degree" in learned.parameters.free else kernels


def _plainest(kernels: Sequence[ArcCosine]) -> ArcCosine:
    """The one whose order and depth are nearest to 1."""
    return min(kernels, key=lambda kernel: (abs(kernel.q - 1) + abs(kernel.l - 1), kernel.q))


def _kernels(h: Hyperparameters, features: int) -> list[ArcCosine]:
    """Those among which is chosen, geometry by geometry, with a lengthscale for each feature where they are given."""
    lengthscales = h.lengthscales
    if lengthscales is not None and len(lengthscales) == 1:
        lengthscales *= features
    if lengthscales is not None and len(lengthscales) != features:
        raise ConfigurationError(
            f"lengthscales has {len(lengthscales)} numbers, and the training channel {features} features; one for each, or "
            "one for all, is wanted."
        )
    return [
        ArcCosine(q, l, geometry, h.bias, h.degree, h.variance, lengthscales)
        for geometry in h.geometries
        for q in h.orders
        for l in h.depths
    ]


def _by_geometry(kernels: Sequence[ArcCosine]) -> Iterator[list[ArcCosine]]:
    return (list(group) for _, group in groupby(kernels, key=lambda kernel: kernel.geometry))


def _moving(h: Hyperparameters) -> frozenset[Name]:
    """What is learned of that by which all kernels see the rows."""
    return frozenset(_free(h)) & {"bias", "degree", "lengthscales"}


def _free(h: Hyperparameters) -> tuple[Name, ...]:
    """What is learned; of several kernels each has a sigma2 and a variance of its own."""
    match h.optimize:
        case "all":
            return NAMES
        case "none":
            return ("sigma2", "variance")
        case names:
            return names if _is_settled(h) else tuple({*names, "sigma2", "variance"})


def _is_settled(h: Hyperparameters) -> bool:
    """Whether there is one kernel alone."""
    return len(h.orders) * len(h.depths) * len(h.geometries) == 1


def _start(task: Task, kernel: ArcCosine, sigma2: float) -> Parameters[ArcCosine]:
    free = tuple(name for name in _free(task.hyperparameters) if name != "degree" or kernel.geometry != "sphere")
    return Parameters.of(kernel, sigma2, free, task.X.shape[1])


def _learned(task: Task, kernel: ArcCosine, sigma2: float, what: str = "") -> Learned:
    """A kernel learned to the end, which the log says."""
    h = task.hyperparameters

    def tell(iteration: optimise.Iteration) -> None:
        run = f" run {iteration.run}" if h.restarts else ""
        value = task.nats(iteration.value)
        task.reporter.log(
            f"learning{f' {what}' if what else ''}:{run} iteration {iteration.number}: {CRITERIA[h.criterion]} {value:.3f}, "
            f"sigma2 {iteration.parameters.sigma2:.3g}"
        )

    learner = optimise.Learner(h.criterion, task.bounds, h.iterations, h.restarts, h.seed, task.record, tell)
    learned = learner.learn(task.X, task.y, _start(task, kernel, sigma2))
    _say_end(task, learned)
    return learned


def _say_end(task: Task, learned: Learned) -> None:
    parameters, kernel = learned.parameters, learned.parameters.kernel
    words = [f"sigma2={parameters.sigma2:.4g}", f"variance={kernel.variance:.4g}", f"bias={kernel.bias:.4g}"]
    words += [f"degree={kernel.power:.4g}"] if kernel.geometry == "homogeneous" else []
    words += (
        [f"lengthscales={','.join(f'{length:.3g}' for length in kernel.lengthscales)}"] if kernel.lengthscales else []
    )
    criterion = CRITERIA[task.hyperparameters.criterion]
    ends = f"; at a bound: {', '.join(learned.at_bounds)}" if learned.at_bounds else ""
    task.reporter.log(
        f"learned {named(kernel)}: {criterion} {task.nats(learned.value):.3f} after {learned.iterations} iterations "
        f"({learned.evaluations} evaluations); {' '.join(words)}{ends}"
    )


def _choice(task: Task, learned: Learned, comparison: Comparison | None = None) -> Choice:
    parameters, kernel = learned.parameters, learned.parameters.kernel
    values: dict[str, float] = {}
    if comparison is not None:
        values |= {"q": float(kernel.q), "l": float(kernel.l)}
    for name, value in parameters.values.items():
        if isinstance(value, tuple):
            values |= {f"{name.removesuffix('s')}_{n}": one for n, one in enumerate(value, 1)}
        else:
            values[name] = value
    return Choice(kernel, parameters.sigma2, values, comparison, tuple(_warnings(task, learned)))


def _warnings(task: Task, learned: Learned) -> Iterator[str]:
    N, d = task.X.shape
    if "sigma2" in learned.at_bounds:
        sigma2, bounds = learned.parameters.sigma2, task.bounds["sigma2"]
        bound, cause = (
            (
                "lower",
                "The target has almost no noise, or some rows are copies of others and hide it: intervals are then too narrow.",
            )
            if sigma2 < math.sqrt(math.prod(bounds))
            else ("upper", "The kernel explains nothing of the target.")
        )
        yield (
            f"The learned sigma2 ended at its {bound} bound, {sigma2:.3g} in (units of the scaled target)². {cause} Compare "
            "validation:coverage95 with 0.95. If they are far apart, set the bounds of sigma2."
        )
    if "lengthscales" in learned.parameters.free and d >= N:
        yield (
            f"{d} lengthscales were learned from {N} rows: leave-one-out metrics are then better than the truth. Use a "
            "validation channel, or do not learn the lengthscales."
        )


def _rows(N: int, h: Hyperparameters) -> NDArray[np.intp]:
    """The rows that are learned from, in their order."""
    if h.learning_rows is None or h.learning_rows >= N:
        return np.arange(N)
    return np.sort(np.random.default_rng(h.seed).choice(N, h.learning_rows, replace=False))


def _record(reporter: Reporter) -> Record:
    """What an interrupted run has computed, and its keeping."""
    kept = reporter.kept() or {"questions": [], "answers": []}
    steps = list(zip(kept["questions"], kept["answers"], strict=True))
    if steps:
        reporter.log(f"learning goes on after {len(steps)} evaluations that are kept")

    def keep(steps: Sequence[tuple[Array, Array]]) -> None:
        reporter.keep({"questions": [question for question, _ in steps], "answers": [answer for _, answer in steps]})

    return Record(steps, keep)


def _once(X: Array, y: Array, rows: NDArray[np.intp], reporter: Reporter) -> NDArray[np.intp]:
    """Those of the rows that do not repeat others; the log has the number of those that do, and the first of them."""
    once = rows[distinct(X[rows], y[rows])]
    if len(once) < len(rows):
        first = int(np.setdiff1d(rows, once)[0])
        reporter.log(
            f"{len(rows) - len(once)} of {len(rows)} rows repeat others in features and target, exactly or nearly (the first "
            f"is row {first + 1}): kernel and noise are learned without them, and all rows are trained on."
        )
    return once
