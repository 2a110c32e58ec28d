"""Metrics: the lines that SageMaker's tuner reads."""

import math
from collections.abc import Mapping, Sequence

from gaussian_processes.algorithm import Metric
from gaussian_processes.errors import AlgorithmError, ConfigurationError


def require_objective(objective: str | None, metrics: Sequence[Metric], has_validation: bool) -> None:
    """Refuse, before anything is paid for, an objective that this job cannot print.

    Raises:
        ConfigurationError: an unknown metric, one that is no objective, or one that needs a validation channel where
            there is none.
    """
    if objective is None:
        return
    for metric in metrics:
        if metric.name == objective:
            if metric.direction is None:
                raise ConfigurationError(
                    f"{objective} cannot be a tuning objective: neither a larger nor a smaller value of it is better."
                )
            if metric.needs_validation and not has_validation:
                raise ConfigurationError(
                    f"The tuning objective {objective} needs a channel named 'validation', and the job has none. "
                    "Add the channel to the request's InputDataConfig."
                )
            return
    printed = ", ".join(metric.name for metric in metrics)
    raise ConfigurationError(
        f"The tuning objective {objective} is not printed by this algorithm, which prints {printed}."
    )


def metric_lines(values: Mapping[str, float], metrics: Sequence[Metric], objective: str | None) -> list[str]:
    """`name=value;` for each metric with a finite value, the objective last: the tuner takes the latest value.

    Args:
        values: metrics by name.
        metrics: what the algorithm declares, in the order of printing.
        objective: the tuning job's, if there is one; otherwise the metric declared last stands last.

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
    return [f"{name}={_text(values[name])};" for name in names if math.isfinite(values.get(name, math.nan))]


def _text(value: float) -> str:
    """The shortest decimal or exponent that reads back as `value`, a whole number without its '.0'."""
    return repr(float(value)).removesuffix(".0")
