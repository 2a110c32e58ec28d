"""Progress: the fraction of a long phase that is done, for a callback."""

import math
from collections.abc import Callable
from typing import Literal, TypeAlias

Phase: TypeAlias = Literal[
    "Gram matrix",
    "Cholesky",
    "refinement",
    "preconditioner",
    "conjugate gradients",
    "prediction",
    "leave-one-out",
    "inverse",
    "comparison",
]

# Called with a phase and the fraction done: 0 at the start, 1 at the end.
Progress: TypeAlias = Callable[[Phase, float], None]

# Most reports of a phase, about.
TIMES = 1000


def no_progress(_phase: Phase, _fraction: float) -> None:
    """Ignore progress."""


class Work:
    """The work of a phase. Reports its start at once.

    Args:
        phase: the phase.
        total: total work, in any unit.
        progress: callback, called in the thread that calls `advance`. An exception from it ends the phase.
    """

    def __init__(self, phase: Phase, total: int, progress: Progress) -> None:
        self._phase, self._total, self._progress = phase, total, progress
        self._done = self._reported = 0
        progress(phase, 0.0)

    def advance(self, units: int) -> None:
        """Add units to the work done."""
        self._done += units
        if self._done == self._total or (self._done - self._reported) * TIMES >= self._total:
            self._reported = self._done
            self._progress(self._phase, self._done / self._total)

    def finish(self) -> None:
        """Count all remaining work as done."""
        self.advance(self._total - self._done)


def digits(residual: float, wanted: float) -> float:
    """The part of the digits of a wanted relative residual that this one has; 0 for one that is not a number."""
    return min(1.0, math.log(residual) / math.log(wanted)) if 0.0 < residual < 1.0 else float(residual == 0.0)
