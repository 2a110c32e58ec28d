"""Replay: evaluations of a deterministic search, in order, so that an interrupted search resumes without repeating them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np

from gaussian_processes.gp.arrays import Array


@dataclass
class Journal:
    """The evaluations of a search.

    Attributes:
        steps: point (P,) and result (R,) of each evaluation.
        save_checkpoint: callback that saves the steps.
    """

    steps: list[tuple[Array, Array]] = field(default_factory=list)
    save_checkpoint: Callable[[list[tuple[Array, Array]]], None] = lambda _steps: None
    _next: int = field(default=0, init=False)
    _fresh: bool = field(default=False, init=False)

    def evaluate(self, at: Iterable[float], compute: Callable[[], Iterable[float]]) -> Array:
        """The result of this step. If none is recorded at this point, compute it and drop all later steps."""
        point = np.asarray(list(at), dtype=np.float64)
        if self._next < len(self.steps) and np.array_equal(self.steps[self._next][0], point):
            found, self._fresh = self.steps[self._next][1], False
        else:
            found = np.asarray(list(compute()), dtype=np.float64)
            self.steps[self._next :], self._fresh = [(point, found)], True
        self._next += 1
        return found

    @property
    def replaying(self) -> bool:
        """Whether the last result was recorded before."""
        return not self._fresh

    def save(self) -> None:
        """Save the steps if the last one is new."""
        if not self.replaying:
            self.save_checkpoint(self.steps)
