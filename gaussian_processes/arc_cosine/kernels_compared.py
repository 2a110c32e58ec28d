"""Comparison: kernels at their best on the same rows, as they are recorded and as the log has them."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from gaussian_processes.algorithm import Reporter
from gaussian_processes.data.dataset import Array
from gaussian_processes.gp.kernels.arc_cosine import ArcCosine
from gaussian_processes.gp.selection.comparison import Compared, compare
from gaussian_processes.gp.selection.criterion import Criterion
from gaussian_processes.gp.selection.replay import Record

Settings = dict[str, int | float | str]


def recorded_comparison(  # noqa: PLR0913  # what `compare` takes, and where results go
    X: Array,
    y: Array,
    kernels: Sequence[ArcCosine],
    criterion: Criterion,
    bounds: Mapping[str, tuple[float, float]],
    *,
    record: Record,
    reporter: Reporter,
) -> list[Compared]:
    """`compare`, whose results are recorded one by one, and kept."""
    results: list[Compared] = []
    rest: Iterator[Compared] | None = None

    def following() -> Iterable[float]:
        nonlocal rest
        if rest is None:
            rest = compare(X, y, kernels, criterion, bounds=bounds, known=results, progress=reporter.progress)
        return _numbers(next(rest))

    for kernel in kernels:
        results.append(_from_numbers(kernel, record.answer(_question(kernel), following)))
        record.save()
    return results


def settings_of(kernel: ArcCosine) -> Settings:
    """In what kernels differ that are compared."""
    return {"q": kernel.q, "l": kernel.l, "geometry": kernel.geometry}


def named(kernel: ArcCosine) -> str:
    """The same in a few words."""
    return " ".join(f"{name}={value}" for name, value in settings_of(kernel).items())


def table(results: Sequence[Compared], value: Sequence[float]) -> Iterator[str]:
    """Lines for the log: a table of values for each geometry, orders downwards, depths to the right."""
    values = {(one.kernel.geometry, one.kernel.q, one.kernel.l): v for one, v in zip(results, value, strict=True)}
    depths = list(dict.fromkeys(one.kernel.l for one in results))
    for geometry in dict.fromkeys(one.kernel.geometry for one in results):
        yield f"  {geometry:<12}" + "".join(f"{f'l={l}':>12}" for l in depths)
        for q in dict.fromkeys(one.kernel.q for one in results):
            cells = (values[geometry, q, l] for l in depths)
            yield f"  {f'q={q}':<12}" + "".join(f"{v:>12.2f}" if math.isfinite(v) else f"{'none':>12}" for v in cells)


def _question(kernel: ArcCosine) -> tuple[float, ...]:
    return (kernel.q, kernel.l, kernel.power, kernel.bias, *(kernel.lengthscales or ()))


def _numbers(one: Compared) -> tuple[float, ...]:
    loo = math.nan if one.leave_one_out is None else one.leave_one_out
    return one.kernel.variance, one.sigma2, one.log_evidence, loo, one.noise, one.factorisations


def _from_numbers(kernel: ArcCosine, numbers: Array) -> Compared:
    variance, sigma2, log_evidence, loo, noise, factorisations = numbers.tolist()
    leave_one_out = None if math.isnan(loo) else loo
    kernel = replace(kernel, variance=variance)
    return Compared(kernel, sigma2, log_evidence, leave_one_out, noise, int(factorisations))
