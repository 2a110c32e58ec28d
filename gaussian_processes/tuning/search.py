"""The search: jobs side by side, each tried combination learnt from, until there is nothing more to try or a limit."""

import shutil
import time
from collections.abc import Collection, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from gaussian_processes.errors import ConfigurationError
from gaussian_processes.tuning.job import Job, Place, failure_of, misread, values_in
from gaussian_processes.tuning.opt_ml import write_opt_ml
from gaussian_processes.tuning.request import TuningRequest
from gaussian_processes.tuning.results import best, write_results
from gaussian_processes.tuning.sampling import Sampler, Suggestion, Surrogate
from gaussian_processes.tuning.trial import Combination, Status, Trial

# Seconds between looks at the clock.
TICK = 0.1


class Watcher(Protocol):
    """Who is told how the search goes; values come from threads of their own."""

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


def search(  # noqa: PLR0913, PLR0917  # what a search is made of
    request: TuningRequest,
    place: Place,
    watcher: Watcher,
    earlier: Sequence[Trial] = (),
    done: Sequence[Trial] = (),
    surrogate: Surrogate = "gp",
) -> list[Trial]:
    """Run the request's jobs, so many at a time as it says; results are on the disk after each.

    An interruption stops the jobs that run, as SIGTERM does, and is raised when they have ended; what they would have
    found is not among the results.

    Args:
        request: what to run.
        place: where; its folder for results is there.
        watcher: is told how it goes.
        earlier: trials of other searches to learn from.
        done: trials of this search, which was interrupted.
        surrogate: of the strategy Bayesian.

    Returns:
        All trials, in the order in which they ended.

    Raises:
        ConfigurationError: there is no data.
        OSError: a job cannot be started, or the results not be written.
    """
    if not place.data.is_dir():
        raise ConfigurationError(
            f"There is no data folder {place.data}; name one that holds a folder for each channel."
        )
    config = request.hyper_parameter_tuning_job_config
    sampler, limits = Sampler(config, earlier, done, surrogate), _Limits(request)
    trials, running = list(done), dict[Future[int], _Running]()
    with ThreadPoolExecutor(config.resource_limits.max_parallel_training_jobs) as pool:
        try:
            while True:
                while len(running) < config.resource_limits.max_parallel_training_jobs and not limits.reached(trials):
                    suggestion = sampler.next()
                    if suggestion is None:
                        break
                    one = _start(request, place, suggestion)
                    watcher.began(suggestion.number, suggestion.combination)
                    running[pool.submit(_follow, request, one, watcher)] = one
                if not running:
                    return trials
                ended, _ = wait(running, timeout=TICK, return_when=FIRST_COMPLETED)
                for future in ended:
                    one = running.pop(future)
                    trials.append(_trial(one, future.result()))
                    one.suggestion.tell(trials[-1])
                    write_results(place.results, request, trials)
                    watcher.ended(trials[-1], trials)
                limits.stop(running.values(), trials)
        except BaseException:  # Ctrl-C, or a machine that cannot start jobs: the rest would fare no better
            for one in running.values():
                one.job.stop("The search was interrupted.")
            raise


def unfinished_removed(folder: Path, request: TuningRequest, done: Sequence[Trial]) -> None:
    """Remove the folders of jobs that were running when a search was interrupted; they will run again."""
    known = {trial.directory.name for trial in done}
    for directory in folder.glob(f"{request.hyper_parameter_tuning_job_name}-[0-9]*"):
        if directory.name not in known:
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


def _follow(request: TuningRequest, one: _Running, watcher: Watcher) -> int:
    regex, said = request.objective_regex, False

    def on_line(line: str) -> None:
        nonlocal said
        if one.job.stopped is not None:
            return  # what it still prints comes too late
        if not said and (part := misread(line, regex)):
            said = True
            name = request.objective.metric_name
            watcher.warned(
                f"job {one.suggestion.number}: the regex {regex.pattern} takes {part}, as it would on SageMaker; "
                f"{name}=(.*?); takes all of it where a semicolon follows."
            )
        for value in values_in(line, regex):
            one.values.append(value)
            watcher.printed(one.suggestion.number, value)
            if one.suggestion.report(value):
                one.job.stop("Stopped early: others were better after as many values of the objective.")

    return one.job.follow(on_line)


def _trial(one: _Running, exit_code: int) -> Trial:
    """What a job that has ended was."""
    values = tuple(one.values)
    status: Status
    if one.job.stopped is not None:
        status, reason = "Stopped", one.job.stopped
    elif exit_code != 0:
        status, reason = "Failed", failure_of(one.directory, exit_code)
    elif not values:
        status, reason = "Failed", f"The regex of the objective finds no number in {one.directory / 'log.txt'}."
    else:
        status, reason = "Completed", ""
    return Trial(
        one.suggestion.number, one.suggestion.combination, status, values, reason, one.directory, one.began, time.time()
    )
