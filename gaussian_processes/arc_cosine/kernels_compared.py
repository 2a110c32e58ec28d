"""Kernels compared: each at its best on the same rows. An interrupted job does not compute them again."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache

from gaussian_processes.arc_cosine.problem import Problem
from gaussian_processes.data.dataset import Array
from gaussian_processes.gp.kernels.arc_cosine import ArcCosine
from gaussian_processes.gp.selection.comparison import Compared, compare


def recorded_comparison(problem: Problem, kernels: Sequence[ArcCosine]) -> list[Compared]:
    """`compare`; each result is recorded and kept."""
    results: list[Compared] = []

    @cache
    def rest() -> Iterator[Compared]:
        h, progress = problem.hyperparameters, problem.reporter.progress
        return compare(
            problem.X, problem.y, kernels, h.criterion, bounds=problem.bounds, known=results, progress=progress
        )

    for kernel in kernels:
        numbers = problem.record.evaluate(_question(kernel), lambda: _numbers(next(rest())))
        results.append(_from_numbers(kernel, numbers))
        problem.record.save()
    return results


def settings_of(kernel: ArcCosine) -> dict[str, int | float | str]:
    """The hyperparameters that distinguish compared kernels."""
    return {"q": kernel.q, "l": kernel.l, "geometry": kernel.geometry}


def _question(kernel: ArcCosine) -> tuple[float, ...]:
    return (kernel.q, kernel.l, kernel.power, kernel.bias, *(kernel.lengthscales or ()))


def _numbers(one: Compared) -> tuple[float, ...]:
    loo = math.nan if one.leave_one_out is None else one.leave_one_out
    return one.kernel.variance, one.sigma2, one.log_evidence, loo, one.noise, one.factorisations


def _from_numbers(kernel: ArcCosine, numbers: Array) -> Compared:
    variance, sigma2, log_evidence, loo, noise, factorisations = numbers.tolist()
    leave_one_out = None if math.isnan(loo) else loo
    return Compared(replace(kernel, variance=variance), sigma2, log_evidence, leave_one_out, noise, int(factorisations))
