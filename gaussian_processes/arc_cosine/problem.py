"""Problem: the rows and the criterion by which kernel and noise are learned."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from gaussian_processes.algorithm import LearningCurve, Reporter
from gaussian_processes.arc_cosine.learnable import Name
from gaussian_processes.arc_cosine.settings import Hyperparameters
from gaussian_processes.data.dataset import Array
from gaussian_processes.gp.selection.criterion import Criterion
from gaussian_processes.gp.selection.repeats import distinct
from gaussian_processes.gp.selection.replay import Journal

CRITERIA: Mapping[Criterion, str] = {"evidence": "log evidence", "loo": "leave-one-out log density"}


@dataclass(frozen=True, eq=False)
class Problem:
    """Training rows to learn from.

    Attributes:
        X: scaled features (N, d).
        y: scaled target (N,).
        unit: unit of the scaled target, in the target's own units.
        hyperparameters: hyperparameters of the job.
        reporter: log and checkpoint of the job.
        record: evaluations so far.
        runs: criterion after each iteration so far, for each run by its name.
    """

    X: Array
    y: Array
    unit: float
    hyperparameters: Hyperparameters
    reporter: Reporter
    record: Journal
    runs: dict[str, list[float]] = field(default_factory=dict)

    @classmethod
    def of(cls, X: Array, y: Array, unit: float, h: Hyperparameters, reporter: Reporter) -> "Problem":
        """The problem of all training rows (N, d): random ones as learning_rows says, without repeats."""
        rows = np.arange(len(X))
        if h.learning_rows is not None and h.learning_rows < len(X):
            rows = np.sort(np.random.default_rng(h.seed).choice(len(X), h.learning_rows, replace=False))
            reporter.log(f"learning from {len(rows)} of {len(X)} training rows, chosen at random")
        once = rows[distinct(X[rows], y[rows])] if y[rows].min() < y[rows].max() else rows
        if len(once) < len(rows):
            reporter.log(
                f"{len(rows) - len(once)} of {len(rows)} rows repeat others in features and target, exactly or nearly (first: "
                f"row {np.setdiff1d(rows, once)[0] + 1}). Kernel and noise are learned without them; training uses all rows."
            )
        return cls(X[once], y[once], unit, h, reporter, _record(reporter))

    @property
    def bounds(self) -> Mapping[Name, tuple[float, float]]:
        """Bounds of the learned hyperparameters, by name."""
        with np.errstate(over="ignore"):
            return self.hyperparameters.bounds_for(float(np.var(self.y)))

    @property
    def criterion(self) -> str:
        """The criterion in words."""
        return CRITERIA[self.hyperparameters.criterion]

    @property
    def curve(self) -> LearningCurve:
        """The criterion over the learning, for the report."""
        return LearningCurve(self.criterion, self.runs)

    def nats(self, value: float) -> float:
        """A criterion's value for the target in its own units."""
        return value - len(self.y) * float(np.log(self.unit))


def _record(reporter: Reporter) -> Journal:
    """The evaluations of an interrupted run; the checkpoint keeps them and those to come."""
    kept = reporter.kept() or {"questions": [], "answers": []}
    steps = list(zip(kept["questions"], kept["answers"], strict=True))
    if steps:
        reporter.log(f"learning resumes after {len(steps)} stored evaluations")

    def keep(steps: Sequence[tuple[Array, Array]]) -> None:
        reporter.keep({"questions": [question for question, _ in steps], "answers": [answer for _, answer in steps]})

    return Journal(steps, keep)
