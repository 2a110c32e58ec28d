"""The table of a search: live, with a bar, on a terminal; a line for each job that ends elsewhere."""

import time
from collections.abc import Sequence
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from gaussian_processes.tuning.request import TuningRequest
from gaussian_processes.tuning.results import ranked
from gaussian_processes.tuning.trial import Combination, Trial

# Rows of the live table: the best that have ended, below those that run.
SHOWN = 15


class Lines:
    """A line for each job that has ended."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing has to be put back."""

    def began(self, number: int, combination: Combination) -> None:
        """Nothing is said of a job before it has ended."""

    def printed(self, number: int, value: float) -> None:
        """The same."""

    def warned(self, warning: str) -> None:
        """At once."""
        self._console.print(warning, markup=False, highlight=False, soft_wrap=True)

    def ended(self, trial: Trial, trials: Sequence[Trial]) -> None:
        """Its line."""
        del trials
        self._console.print(f"job {trial.number:>3}  {row(trial)}", markup=False, highlight=False, soft_wrap=True)


class LiveTable:
    """The jobs that run, the best of those that have ended, and how far the search is."""

    def __init__(self, console: Console, request: TuningRequest, total: int, done: int) -> None:
        self._request = request
        self._names = [one.name for one in request.hyper_parameter_tuning_job_config.parameter_ranges.all]
        self._running: dict[int, tuple[Combination, float, float | None]] = {}
        self._trials: Sequence[Trial] = ()
        columns = BarColumn(), MofNCompleteColumn(), TextColumn("jobs"), TimeElapsedColumn(), TimeRemainingColumn()
        self._progress = Progress(*columns, console=console)
        self._task = self._progress.add_task("jobs", total=total, completed=done)
        self._live = Live(get_renderable=self._rendered, console=console, refresh_per_second=4)

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(self, *arguments: object) -> None:
        self._live.__exit__(None, None, None)

    def began(self, number: int, combination: Combination) -> None:
        """One more that runs."""
        self._running = {**self._running, number: (combination, time.monotonic(), None)}

    def printed(self, number: int, value: float) -> None:
        """Its value so far."""
        combination, began, _ = self._running[number]
        self._running = {**self._running, number: (combination, began, value)}

    def warned(self, warning: str) -> None:
        """Above the table."""
        self._live.console.print(warning, markup=False, highlight=False, soft_wrap=True)

    def ended(self, trial: Trial, trials: Sequence[Trial]) -> None:
        """One less that runs."""
        self._running = {number: one for number, one in self._running.items() if number != trial.number}
        self._trials = tuple(trials)
        self._progress.update(self._task, completed=len(trials))

    def _rendered(self) -> Group:
        table = Table()
        for name in ("job", *self._names, self._request.objective.metric_name):
            table.add_column(Text(name), justify="right")
        table.add_column("seconds", justify="right")
        table.add_column("")
        for number, (combination, began, value) in sorted(self._running.items()):
            seconds = f"{time.monotonic() - began:.0f}"
            chosen = [Text(combination[name]) for name in self._names]
            table.add_row(str(number), *chosen, "" if value is None else f"{value:.6g}", seconds, "runs", style="dim")
        for rank, trial in enumerate(ranked(self._request, self._trials)[:SHOWN], start=1):
            chosen = [Text(trial.combination.get(name, "")) for name in self._names]
            objective = "" if trial.objective is None else f"{trial.objective:.6g}"
            said = Text(trial.reason[:60] if trial.reason else f"no. {rank}")
            table.add_row(str(trial.number), *chosen, objective, f"{trial.ended - trial.began:.0f}", said)
        return Group(table, self._progress)


def row(trial: Trial) -> str:
    """What was tried, and how it ended."""
    chosen = "  ".join(f"{name}={value}" for name, value in trial.combination.items())
    objective = "" if trial.objective is None else f"{trial.objective:.6g}"
    return "  ".join(part for part in (chosen, objective, trial.reason) if part)
