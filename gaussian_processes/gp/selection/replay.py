"""Record: results of costly steps in their order, so that a run that was interrupted need not compute them again.

A search that is the same function of its results every time is begun anew, and is told those that it had already.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np

from gaussian_processes.gp.arrays import Array


@dataclass
class Record:
    """What has been computed.

    Attributes:
        steps: a question (P,) and its answer (R,) for each step.
        keep: is called by `save` with the steps so far.
    """

    steps: list[tuple[Array, Array]] = field(default_factory=list)
    keep: Callable[[list[tuple[Array, Array]]], None] = lambda _steps: None
    _next: int = field(default=0, init=False)
    _fresh: bool = field(default=False, init=False)

    def answer(self, question: Iterable[float], compute: Callable[[], Iterable[float]]) -> Array:
        """The answer that was recorded where this step asked the same; else what is computed, and recorded.

        What follows a step that asked something else is dropped: it belongs to another search.
        """
        asked = np.asarray(list(question), dtype=np.float64)
        if self._next < len(self.steps) and np.array_equal(self.steps[self._next][0], asked):
            found, self._fresh = self.steps[self._next][1], False
        else:
            found = np.asarray(list(compute()), dtype=np.float64)
            self.steps[self._next :], self._fresh = [(asked, found)], True
        self._next += 1
        return found

    @property
    def replaying(self) -> bool:
        """Whether the last answer had been there already."""
        return not self._fresh

    def save(self) -> None:
        """Keep what there is, where it is not what was kept before."""
        if not self.replaying:
            self.keep(self.steps)
