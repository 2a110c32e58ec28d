"""Ranking: the jobs of a search from the best to the worst."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from gaussian_processes.report.digits import plain
from gaussian_processes.report.plot import shortened
from gaussian_processes.tuning.request import TuningRequest
from gaussian_processes.tuning.scale import Scale
from gaussian_processes.tuning.trial import Trial

SPREAD = 20.0  # values to make small are drawn by their logarithm where the largest is so many times the smallest


@dataclass(frozen=True)
class Ranking:
    """What is compared, and how.

    Attributes:
        metric: the objective's name.
        minimize: whether a small value is a good one.
        trials: all of them: with a value from the best to the worst, then without one, then the failed ones.
        completed: those that completed with a value, from the best to the worst.
        parameters: where their values stand, a scale for each that is tuned.
        scale: where the values of the objective stand; None where none has completed with one.
    """

    metric: str
    minimize: bool
    trials: tuple[Trial, ...]
    completed: tuple[Trial, ...]
    parameters: tuple[Scale, ...]
    scale: Scale | None

    @classmethod
    def of(cls, request: TuningRequest, trials: Sequence[Trial]) -> "Ranking":
        """The jobs of a request, in any order."""
        minimize = request.objective.type == "Minimize"
        metric = request.objective.metric_name
        order = sorted(trials, key=lambda trial: _rank(trial, minimize=minimize))
        completed = tuple(t for t in order if t.status == "Completed" and value_of(t) is not None)
        values = [value for trial in order if (value := value_of(trial)) is not None]
        scale = None
        if completed:
            wide = minimize and min(values) > 0.0 and max(values) / min(values) > SPREAD
            scale = Scale.of_numbers(metric, min(values), max(values), logarithmic=wide)
        return cls(metric, minimize, tuple(order), completed, tuple(_scales(request, order)), scale)

    @property
    def values(self) -> list[float]:
        """The objective of those that completed, from the best to the worst."""
        return [value for trial in self.completed if (value := value_of(trial)) is not None]

    @property
    def best(self) -> Trial | None:
        """The completed job with the best value, the first of equal ones."""
        return self.completed[0] if self.completed else None

    def level(self, value: float) -> float:
        """How bad a value is, from 0 for the best to 1 for the worst that completed."""
        if self.scale is None:
            return 0.0
        best, worst = (self.scale.place(value_of(self.completed[end]) or 0.0) for end in (0, -1))
        return min(max((self.scale.place(value) - best) / (worst - best), 0.0), 1.0) if worst != best else 0.0

    def combination(self, trial: Trial) -> str:
        """Such as: q = 1, l = 2; numbers with six digits, so that they can be read."""
        return ", ".join(
            f"{shortened(scale.name)} = {shortened(shown(scale, trial.combination.get(scale.name)), 40)}"
            for scale in self.parameters
        )

    def told(self, trial: Trial) -> str:
        """What a pointer on a job is told."""
        value = value_of(trial)
        result = shortened(trial.reason, 120) if value is None else f"{shortened(self.metric)} = {plain(value)}"
        return f"Job {trial.number} ({trial.status}): {self.combination(trial)}; {result or 'no value'}"


def value_of(trial: Trial) -> float | None:
    """The objective where it is a finite number."""
    value = trial.objective
    return value if value is not None and math.isfinite(value) else None


def shown(scale: Scale, text: str | None) -> str:
    """A parameter's value for people."""
    if text is None:
        return "not set"
    return text if scale.kind == "places" or scale.find(text) is None else plain(float(text))


def _rank(trial: Trial, *, minimize: bool) -> tuple[int, float, int]:
    value = value_of(trial)
    if value is None:
        return 2 if trial.status == "Failed" else 1, 0.0, trial.number
    return 0, value if minimize else -value, trial.number


def _scales(request: TuningRequest, trials: Sequence[Trial]) -> list[Scale]:
    ranges = request.hyper_parameter_tuning_job_config.parameter_ranges
    return [
        *(
            Scale.of_choice(known, [t.combination[known.name] for t in trials if known.name in t.combination])
            for known in ranges.categorical_parameter_ranges
        ),
        *(Scale.of_range(known) for known in ranges.integer_parameter_ranges),
        *(Scale.of_range(known) for known in ranges.continuous_parameter_ranges),
    ]
