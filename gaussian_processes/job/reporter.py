"""Reporter: a job as its algorithm sees it."""

from dataclasses import dataclass

from gaussian_processes.algorithm import State
from gaussian_processes.job.checkpoint.file import Checkpoint
from gaussian_processes.job.log import Log


@dataclass(frozen=True)
class JobReporter:
    """The Reporter of a job.

    Attributes:
        lines: where it says what the user should know.
        checkpoint: what it keeps; None where it keeps nothing.
    """

    lines: Log
    checkpoint: Checkpoint | None = None

    def log(self, message: str) -> None:
        """Print one line at once."""
        self.lines.log(message)

    def progress(self, phase: str, fraction: float) -> None:
        """Say how much of a phase is done, if that takes long."""
        self.lines.progress(phase, fraction)

    def kept(self) -> State | None:
        """What an interrupted run of the same job kept last."""
        return self.checkpoint.found if self.checkpoint else None

    def keep(self, state: State) -> None:
        """Keep a state for a run that goes on where this one is interrupted.

        Raises:
            PlatformError: it cannot be written.
            TypeError: it holds what cannot be stored.
        """
        if self.checkpoint:
            self.checkpoint.keep(state)
