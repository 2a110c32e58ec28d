"""A trial: one training job of a search, as it ended."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

Combination: TypeAlias = Mapping[str, str]
Status: TypeAlias = Literal["Completed", "Failed", "Stopped"]


@dataclass(frozen=True)
class Trial:
    """One training job of the search.

    Attributes:
        number: from 1, in the order in which they began.
        combination: the hyperparameters that the search chose.
        status: of SageMaker's words; Stopped is a job that was ended early, or by hand.
        values: what the objective's regex found in the log, one after the other; the last one counts.
        reason: why it failed or was stopped; empty otherwise.
        directory: its /opt/ml, with log.txt beside the model.
        began, ended: seconds since 1970.
    """

    number: int
    combination: Combination
    status: Status
    values: tuple[float, ...]
    reason: str
    directory: Path
    began: float
    ended: float

    @property
    def objective(self) -> float | None:
        """The value by which it is compared; None where it printed none, or failed."""
        return self.values[-1] if self.values and self.status != "Failed" else None
