"""Selection log: lines and warnings on how kernel and noise are chosen."""

import math
from collections.abc import Iterator, Sequence

import numpy as np

from gaussian_processes.arc_cosine.kernels_compared import settings_of
from gaussian_processes.arc_cosine.problem import Problem
from gaussian_processes.gp.kernels.arc_cosine import ArcCosine
from gaussian_processes.gp.selection.comparison import Compared
from gaussian_processes.gp.selection.optimise import Iteration, Learned


def named(kernel: ArcCosine) -> str:
    """A kernel in words, such as q=1 l=2 geometry=sphere."""
    return " ".join(f"{name}={value}" for name, value in settings_of(kernel).items())


def log_comparison(problem: Problem, results: Sequence[Compared], values: Sequence[float]) -> None:
    """A table of values for each geometry: orders downwards, depths to the right."""
    log = problem.reporter.log
    log(f"{problem.criterion} of {len(results)} kernels, each with its best sigma2 and variance:")
    cells = {(one.kernel.geometry, one.kernel.q, one.kernel.l): v for one, v in zip(results, values, strict=True)}
    geometries, orders, depths = (list(dict.fromkeys(names)) for names in zip(*cells, strict=True))
    for geometry in geometries:
        log(f"  {geometry:<12}" + "".join(f"{f'l={l}':>12}" for l in depths))
        for q in orders:
            row = (cells[geometry, q, l] for l in depths)
            log(f"  {f'q={q}':<12}" + "".join(f"{v:>12.2f}" if math.isfinite(v) else f"{'none':>12}" for v in row))


def log_iteration(problem: Problem, what: str, iteration: Iteration) -> None:
    """Log and record the criterion after an iteration; `what` names the kernel, unless there is only one."""
    run, value = f" run {iteration.run}" if problem.hyperparameters.restarts else "", problem.nats(iteration.value)
    problem.runs.setdefault(f"{what or 'learning'}{run}", []).append(value)
    if iteration.replayed:  # an earlier run has logged it
        return
    problem.reporter.log(
        f"learning{f' {what}' if what else ''}:{run} iteration {iteration.number}: {problem.criterion} "
        f"{value:.3f}, sigma2 {iteration.parameters.sigma2:.3g}"
    )


def log_end(problem: Problem, learned: Learned[ArcCosine]) -> None:
    """The learned hyperparameters, and how long they took."""
    kernel = learned.parameters.kernel
    words = (
        f"{name}={','.join(f'{one:.4g}' for one in np.atleast_1d(value))}"
        for name, value in learned.parameters.values.items()
    )
    ends = f"; at a bound: {', '.join(learned.at_bounds)}" if learned.at_bounds else ""
    problem.reporter.log(
        f"learned {named(kernel)}: {problem.criterion} {problem.nats(learned.value):.3f} after {learned.iterations} iterations "
        f"({learned.evaluations} evaluations); {' '.join(words)}{ends}"
    )


def warnings(problem: Problem, learned: Learned[ArcCosine]) -> Iterator[str]:
    """Reasons to doubt what was learned, in sentences."""
    N, d = problem.X.shape
    if "sigma2" in learned.at_bounds:
        sigma2, (low, high) = learned.parameters.sigma2, problem.bounds["sigma2"]
        bound, cause = "upper", "The kernel does not explain the target."
        if sigma2 < math.sqrt(low * high):
            bound, cause = "lower", "The noise is almost 0, or repeated rows hide it and intervals are too narrow."
        yield (
            f"The learned sigma2 is at its {bound} bound, {sigma2:.3g} (units of the scaled target)². {cause} Compare "
            "validation:coverage95 with 0.95; if they differ, set the bounds of sigma2."
        )
    if "lengthscales" in learned.parameters.free and d >= N:
        yield (
            f"{d} lengthscales were learned from {N} rows, so leave-one-out metrics are too good. Use a validation channel, "
            "or do not learn the lengthscales."
        )
