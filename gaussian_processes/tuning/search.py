"""The search: jobs side by side, each tried combination learnt from, until there is nothing more to try or a limit."""

import os
import shutil
import signal
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from gaussian_processes.job.contract.metric_definitions import READING_SECONDS
from gaussian_processes.tuning.job import GRACE, Job, Place, failure_of, misread, values_in
from gaussian_processes.tuning.opt_ml import write_opt_ml
from gaussian_processes.tuning.request import TuningRequest
from gaussian_processes.tuning.results import best, write_results
from gaussian_processes.tuning.sampling import Sampler, Suggestion, Surrogate
from gaussian_processes.tuning.trial import Combination, Status, Trial

# Seconds between looks at the clock.
TICK = 0.1


class Watcher(Protocol):
    """Who is told how the search goes."""

    def began(self, number: int, combination: Combination) -> None:
        """A job was started."""

    def printed(self, number: int, value: float) -> None:
        """A job has printed a value of the objective."""

    def warned(self, warning: str) -> None:
        """A job has printed what the request's regex does not read in full."""

    def ended(self, trial: Trial, trials: Sequence[Trial]) -> None:
        """A job has ended; it is the last of the trials."""


@dataclass
class _Running:
    """A job on its way."""

    suggestion: Suggestion
    job: Job
    directory: Path
    began: float
    values: list[float] = field(default_factory=list)
    warned: bool = False
    fault: str = ""


def search(  # noqa: PLR0913, PLR0917  # what a search is made of
    request: TuningRequest,
    place: Place,
    watcher: Watcher,
    earlier: Sequence[Trial] = (),
    done: Sequence[Trial] = (),
    surrogate: Surrogate = "gp",
    interruptions: Callable[[], int] = lambda: 0,
) -> list[Trial]:
    """Run the request's jobs, so many at a time as it says; results are on the disk after each.

    An interruption stops the jobs that run, as SIGTERM does, and is raised when they have ended; what they would have
    found is not among the results. All happens in the main thread: regular expressions are stopped nowhere else.

    Args:
        request: what to run.
        place: where; its folder for results is there.
        watcher: is told how it goes.
        earlier: trials of other searches to learn from.
        done: trials of this search, which was interrupted.
        surrogate: of the strategy Bayesian.
        interruptions: how many there have been; after the second, jobs have no time left to end.

    Returns:
        All trials, in the order in which they ended.

    Raises:
        ConfigurationError: there is no data.
        KeyboardInterrupt: there was an interruption.
        OSError: a job cannot be started, or the results not be written.
    """
    place.require_data()
    parallel = request.hyper_parameter_tuning_job_config.resource_limits.max_parallel_training_jobs
    sampler = Sampler(request.hyper_parameter_tuning_job_config, earlier, done, surrogate)
    limits, trials, running = _Limits(request), list(done), list[_Running]()
    try:
        while not interruptions():
            while len(running) < parallel and not limits.reached(trials) and (suggestion := sampler.next()):
                one = _start(request, place, suggestion)
                running.append(one)
                watcher.began(suggestion.number, suggestion.combination)
            if not running:
                return trials
            time.sleep(TICK)
            for one in list(running):
                exit_code = one.job.poll()
                _hear(one, request, watcher)
                if exit_code is not None:
                    running.remove(one)
                    one.job.close()
                    trials.append(_trial(one, exit_code))
                    one.suggestion.tell(trials[-1])
                    write_results(place.results, request, trials)
                    watcher.ended(trials[-1], trials)
            limits.stop(running, trials)
        raise KeyboardInterrupt  # noqa: TRY301  # as Ctrl-C does elsewhere
    except BaseException:  # Ctrl-C, or a machine that cannot start jobs: the rest would fare no better
        _end([one.job for one in running], interruptions)
        raise


def _end(jobs: Sequence[Job], interruptions: Callable[[], int]) -> None:
    waiting = jobs
    while waiting := [job for job in waiting if job.poll() is None]:
        for job in waiting:
            job.stop("The search was interrupted.", GRACE if interruptions() < 2 else 0.0)
        time.sleep(TICK)
    for job in jobs:
        job.close()


def unfinished_removed(folder: Path, request: TuningRequest, done: Sequence[Trial]) -> None:
    """Remove the folders of jobs that were running when a search was interrupted; they will run again.

    The jobs of a search that was killed may still run. They end here, since two jobs must not share a folder.
    """
    known = {trial.directory.name for trial in done}
    for directory in folder.glob(f"{request.hyper_parameter_tuning_job_name}-[0-9]*"):
        if directory.name not in known:
            for environ in Path("/proc").glob("[0-9]*/environ"):
                with suppress(OSError):  # of another user, or of a process that has just ended
                    if f"SAGEMAKER_BASE_DIR={directory}".encode() in environ.read_bytes().split(b"\0"):
                        os.kill(int(environ.parent.name), signal.SIGKILL)
            shutil.rmtree(directory)


class _Limits:
    """When a search is over, and when a job has had its time."""

    def __init__(self, request: TuningRequest) -> None:
        config = request.hyper_parameter_tuning_job_config
        self._request = request
        self._criteria = config.tuning_job_completion_criteria
        self._job_seconds = request.training_job_definition.stopping_condition.max_runtime_in_seconds
        self._seconds = config.resource_limits.max_runtime_in_seconds
        self._began = time.monotonic()

    def reached(self, trials: Sequence[Trial]) -> str:
        """Why no further job is to begin; empty where one may."""
        if self._seconds is not None and time.monotonic() - self._began > self._seconds:
            return f"MaxRuntimeInSeconds of the search, {self._seconds}, is over."
        winner = best(self._request, trials)
        if winner is None or winner.objective is None:
            return ""
        sign, target = self._request.objective.sign, self._criteria.target_objective_metric_value
        if target is not None and sign * winner.objective <= sign * target:
            return f"TargetObjectiveMetricValue {target} is reached."
        patience = self._criteria.best_objective_not_improving.max_number_of_training_jobs_not_improving
        since = len(trials) - 1 - trials.index(winner)
        if patience is not None and since >= patience:
            return f"The best objective has not improved in {since} jobs."
        return ""

    def stop(self, running: Collection[_Running], trials: Sequence[Trial]) -> None:
        """Stop the jobs whose time is over, or all of them when the search is."""
        reason = self.reached(trials)
        for one in running:
            if reason:
                one.job.stop(reason)
            elif time.time() - one.began > self._job_seconds:
                one.job.stop(f"MaxRuntimeInSeconds of a job, {self._job_seconds}, is over.")


def _start(request: TuningRequest, place: Place, suggestion: Suggestion) -> _Running:
    name = f"{request.hyper_parameter_tuning_job_name}-{suggestion.number:03d}"
    directory = place.results / name
    write_opt_ml(request, suggestion.combination, place.data, directory, mounted=place.image is not None)
    return _Running(suggestion, Job(place, directory, name), directory, time.time())


def _hear(one: _Running, request: TuningRequest, watcher: Watcher) -> None:
    """Take the objective from what a job has printed."""
    regex, name, number = request.objective_regex, request.objective.metric_name, one.suggestion.number
    for line in one.job.read():
        if one.job.stopped is not None:
            return  # what it still prints comes too late
        try:
            values = values_in(line, regex)
            part = misread(line, regex) if values and not one.warned else None
        except TimeoutError:
            one.fault = (
                f"The regex {regex.pattern} takes more than {READING_SECONDS:g} s for a line of the log, "
                f"{line[:40]!r}…; {name}=(.*?); takes no time."
            )
            one.job.stop(one.fault)
            return
        if part:
            one.warned = True
            watcher.warned(
                f"job {number}: the regex {regex.pattern} takes {part}, as it would on SageMaker; "
                f"{name}=(.*?); takes all of it where a semicolon follows."
            )
        for value in values:
            one.values.append(value)
            watcher.printed(number, value)
            if one.suggestion.report(value):
                one.job.stop("Stopped early: others were better after as many values of the objective.")


def _trial(one: _Running, exit_code: int) -> Trial:
    """What a job that has ended was."""
    values = tuple(one.values)
    status: Status
    if one.fault:
        status, reason = "Failed", one.fault
    elif one.job.stopped is not None:
        status, reason = "Stopped", one.job.stopped
    elif exit_code != 0:
        status, reason = "Failed", failure_of(one.directory, exit_code)
    elif not values:
        status, reason = "Failed", f"The regex of the objective finds no number in {one.directory / 'log.txt'}."
    elif not any(path.is_file() for path in (one.directory / "model").rglob("*")):
        status, reason = "Failed", f"It ended with exit code 0, and left no model in {one.directory / 'model'}."
    else:
        status, reason = "Completed", ""
    return Trial(
        one.suggestion.number, one.suggestion.combination, status, values, reason, one.directory, one.began, time.time()
    )
