"""Metric lines: the lines that SageMaker's tuner reads."""

import math
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from gaussian_processes.algorithm import Metric
from gaussian_processes.errors import AlgorithmError


def metric_line(name: str, value: float) -> str:
    """`name=value;`, the value in the fewest digits that read back as the same float, and never with an exponent.

    Plain digits, because a regex such as ([0-9.]+) reads 1.2e-05 as 1.2.
    """
    return f"{name}={np.format_float_positional(value, trim='-')};"


def learned_lines(learned: Mapping[str, float], printed: Collection[str]) -> list[str]:
    """A line for each finite value that was learned, but for those that are among the metrics printed."""
    named = {f"learned:{name}": value for name, value in learned.items()}
    return [metric_line(name, value) for name, value in named.items() if name not in printed and math.isfinite(value)]


def metric_lines(values: Mapping[str, float], metrics: Sequence[Metric], objective: str | None) -> list[str]:
    """A line for each metric with a finite value, the objective last: the tuner takes the latest value.

    Args:
        values: metrics by name.
        metrics: what the algorithm declares, in the order of printing.
        objective: the name of the metric that the tuning job compares; without one, the metric declared last stands
            last.

    Raises:
        AlgorithmError: the objective has no finite value.
    """
    undeclared = set(values) - {metric.name for metric in metrics}
    if undeclared:
        raise ValueError(f"metrics {sorted(undeclared)} are not among those that the algorithm declares")
    if objective is not None and not math.isfinite(values.get(objective, math.nan)):
        found = f"is {values[objective]}" if objective in values else "was not computed"
        raise AlgorithmError(f"The tuning objective {objective} {found} on these data; a finite number is wanted.")
    # Sorting is stable: only the objective moves.
    names = sorted((metric.name for metric in metrics), key=lambda name: name == objective)
    return [metric_line(name, values[name]) for name in names if math.isfinite(values.get(name, math.nan))]
