"""Ranking: the jobs of a search from the best to the worst."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gaussian_processes.report.heat_map import shade
from gaussian_processes.report.plot import drawn, specification
from gaussian_processes.report.quantities import plain, shortened
from gaussian_processes.tuning.request import TuningRequest
from gaussian_processes.tuning.scale import Scale
from gaussian_processes.tuning.trial import Trial

LEAST = 1e-290  # nearer to zero, a logarithmic axis has no room for a margin
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
            wide = minimize and min(values) > LEAST and max(values) / min(values) > SPREAD
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

    def shade(self, value: float) -> int:
        """The colour of a value: by its rank among those that completed, so that the good ones differ too."""
        values = self.values
        worse = sum(other < value if self.minimize else other > value for other in values)
        return shade(min(worse / (len(values) - 1), 1.0)) if len(values) > 1 else 0

    @property
    def shades(self) -> dict[str, Any]:
        """Values of specifications: the colours from the best to the worst that completed, and their legend."""
        best, worst = (plain(self.values[end], 4) for end in (0, -1))
        return {"shade": specification("shade"), "best": f"best {best}  ", "worst": f"worst {worst}"}

    @property
    def start(self) -> float:
        """When the first job began, in seconds since 1970."""
        return min(trial.began for trial in self.trials)

    def end(self, trial: Trial) -> float:
        """Seconds from the start to the end of a job; a clock may have gone back."""
        return max(trial.ended - self.start, 0.0)

    @property
    def last(self) -> float:
        """Seconds from the start to the end of the last job."""
        return max(self.end(trial) for trial in self.trials)

    @property
    def lanes(self) -> dict[int, int]:
        """Which of the rows of a timeline each job is in, by its number: jobs in a row ran one after the other."""
        free: list[float] = []  # when each row is free again
        found = {}
        for trial in sorted(self.trials, key=lambda trial: (trial.began, trial.number)):
            row = next((i for i, end in enumerate(free) if end <= trial.began), len(free))
            free[row : row + 1] = [max(trial.ended, trial.began)]
            found[trial.number] = row + 1
        return found

    @property
    def columns(self) -> dict[str, Sequence[Any]]:
        """Everything that a plot shows of the jobs, from the worst to the best, so that the best is drawn last."""
        jobs, lanes, scale = self.trials[::-1], self.lanes, self.scale
        values = [value_of(trial) for trial in jobs]
        found: dict[str, Sequence[Any]] = {
            "row": [trial.number for trial in jobs],
            "lane": [lanes[trial.number] for trial in jobs],
            "status": [status_of(trial) for trial in jobs],
            "began": [drawn(trial.began - self.start) for trial in jobs],
            "ended": [drawn(self.end(trial)) for trial in jobs],
            "value": [None if value is None or scale is None else drawn(scale.number(value)) for value in values],
            "shade": [None if value is None else self.shade(value) for value in values],
            "best": [trial is self.best for trial in jobs],
            "told": [self.told(trial) for trial in jobs],
        }
        for i, parameter in enumerate(self.parameters):
            found[f"p{i}"] = [parameter.find(trial.combination.get(parameter.name)) for trial in jobs]
        return found

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


def status_of(trial: Trial) -> str:
    """For the legend."""
    return "no value" if trial.status == "Completed" and value_of(trial) is None else trial.status.lower()


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
