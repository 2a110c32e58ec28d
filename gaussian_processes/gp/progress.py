"""Progress: how much of a long phase is done, told to whoever wants to know."""

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

# Takes a phase and the fraction of it that is done: 0 when it begins, 1 when it is finished.
Progress: TypeAlias = Callable[[Phase, float], None]

# A phase is told of at most about so often, however many steps it has.
TIMES = 1000


def no_progress(_phase: Phase, _fraction: float) -> None:
    """For when nobody wants to know."""


class Work:
    """The work of a phase, in units of one's own.

    Args:
        phase: of which `progress` is told at once that it begins.
        total: units in all.
        progress: is called in the thread that calls `advance`. What it raises ends the phase.
    """

    def __init__(self, phase: Phase, total: int, progress: Progress) -> None:
        self._phase, self._total, self._progress = phase, total, progress
        self._done = self._told = 0
        progress(phase, 0.0)

    def advance(self, units: int) -> None:
        """So much more is done."""
        self._done += units
        if self._done == self._total or (self._done - self._told) * TIMES >= self._total:
            self._told = self._done
            self._progress(self._phase, self._done / self._total)

    def finish(self) -> None:
        """All that was left to do was not needed, or is done."""
        self.advance(self._total - self._done)


def digits(residual: float, wanted: float) -> float:
    """The part of the digits of a wanted relative residual that this one has; 0 for one that is not a number."""
    return min(1.0, math.log(residual) / math.log(wanted)) if 0.0 < residual < 1.0 else float(residual == 0.0)
