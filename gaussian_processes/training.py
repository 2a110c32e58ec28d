"""Training: check, read, fit, evaluate, save, report. The only module that knows that order."""

import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TextIO, TypeVar

from threadpoolctl import threadpool_limits

from gaussian_processes import __version__
from gaussian_processes.algorithm import Evaluation, Reporter
from gaussian_processes.artifact import Artifact, library_versions, save_artifact
from gaussian_processes.data.dataset import Dataset
from gaussian_processes.errors import ConfigurationError, PlatformError, RowError
from gaussian_processes.job.announcement import announce, correct, say_plan
from gaussian_processes.job.checkpoint import Checkpoint, open_checkpoint
from gaussian_processes.job.failure import Failure, write_failure
from gaussian_processes.job.hosts import read_hosts
from gaussian_processes.job.identity import Identity
from gaussian_processes.job.inputs import Datasets, read_inputs
from gaussian_processes.job.log import Log
from gaussian_processes.job.metrics import learned_lines, metric_lines
from gaussian_processes.job.objective import require_spread
from gaussian_processes.job.paths import OptMl
from gaussian_processes.job.plan import measured_rate, require_fit
from gaussian_processes.job.preparation import Job, prepare
from gaussian_processes.job.reporter import JobReporter
from gaussian_processes.job.resources import peak_memory
from gaussian_processes.job.signals import wait_for_sigterm
from gaussian_processes.report.account import Account, Channel
from gaussian_processes.report.writing import write_report
from gaussian_processes.self_test import SelfTest

# Checks everything, says what training would take, and trains nothing.
DRY_RUN = "--dry-run"
# Characters of a line of the log that quotes from the data.
LINE = 500

T = TypeVar("T")


def main(arguments: Sequence[str], environ: Mapping[str, str], stdout: TextIO) -> int:
    """What `train` does: run the job, leave a failure file if it fails, return the exit code.

    Args:
        arguments: of the command line: none, as SageMaker has it, or --dry-run.
        environ: of the process.
        stdout: the job's log.
    """
    dry_run = DRY_RUN in arguments
    paths = OptMl.from_environ(environ)
    try:
        _require_known(arguments)
        run(environ, paths, Log(stdout), dry_run=dry_run)
    except Exception as error:  # noqa: BLE001  # the one place where any failure becomes the job's
        failure = Failure.of(error)
        print(failure.log, end="", file=sys.stderr, flush=True)
        # A dry run leaves nothing behind: the next run would not write over its failure.
        if not dry_run:
            _leave(failure, paths)
        return failure.exit_code
    return 0


def _require_known(arguments: Sequence[str]) -> None:
    unknown = [argument for argument in arguments if argument != DRY_RUN]
    if unknown:
        raise ConfigurationError(f"train does not know {' '.join(unknown)!r}; {DRY_RUN} is its only argument.")


def run(environ: Mapping[str, str], paths: OptMl, log: Log, *, dry_run: bool = False) -> None:
    """One training job, or all of it that comes before the training.

    Raises:
        ExplainedError: what is wrong with the job, in words.
    """
    hosts = read_hosts(paths.resource_config)
    if not hosts.leads:
        log.log(
            f"Host {hosts.current} of {len(hosts.names)}: {hosts.leader} trains, alone; nothing is left to do here."
        )
        if hosts.local and not dry_run:
            # Local mode stops all containers when one ends: this one waits, so that the leader is the first.
            wait_for_sigterm()
        return
    job = prepare(environ, paths, hosts)
    with threadpool_limits(job.machine.threads):
        rate = measured_rate()
        announced = announce(job, rate, log)
        timings: dict[str, float] = {}
        with _timed(timings, "reading"):
            data = read(job, log)
        if data.size != announced:
            correct(job, data.size, rate, log)
        checkpoint = _checkpoint(job, data, log)
        if dry_run:
            say_plan(job, data.size, rate, checkpoint, log)
            return
        if checkpoint:
            log.log(checkpoint.start)
        train(job, data, timings, JobReporter(log, checkpoint))


def read(job: Job, log: Log) -> Datasets:
    """The channels, with what is remarkable about them in the log.

    Raises:
        DataError: they cannot be read, or the objective cannot be computed from them.
        PlatformError: the machine is too small for them.
    """
    data = read_inputs(job.inputs, log.progress)
    for name, dataset in data.by_channel.items():
        headed = [source.name for source in dataset.sources if source.header]
        if dataset.columns:
            names = f"{name}: the target is '{dataset.columns[0]}', the features are {', '.join(dataset.columns[1:])}"
            log.log(names[:LINE])
        if headed:
            log.log(f"{name}: the first line is a header line in {', '.join(headed)}"[:LINE])
    if job.objective and data.validation:
        require_spread(job.objective, data.validation.target)
    require_fit(job.algorithm, data.size, job.hyperparameters, job.machine)
    return data


def train(job: Job, data: Datasets, timings: dict[str, float], reporter: Reporter) -> None:
    """Fit, evaluate, save, print, report.

    Args:
        job: as checked.
        data: to learn from, and to evaluate on.
        timings: seconds by phase, which this goes on filling.
        reporter: the job's.

    Raises:
        ExplainedError: the data cannot be learnt from, the objective is not finite, the model cannot be written.
    """
    algorithm = job.algorithm
    with _timed(timings, "fit"):
        model = _with_origin(data.training, lambda: algorithm.fit(data.training, job.hyperparameters, reporter))
    with _timed(timings, "evaluation"):
        evaluated = data.validation or data.training
        evaluation = _with_origin(evaluated, lambda: _evaluation(job, model, data.validation, reporter))
    lines = learned_lines(evaluation.learned, evaluation.metrics)
    lines += metric_lines(evaluation.metrics, algorithm.metrics, job.objective.name if job.objective else None)
    with _timed(timings, "saving"):
        hyperparameters = job.hyperparameters.model_dump(mode="json")
        test = _with_origin(data.training, lambda: SelfTest.of(algorithm, model, data.training))
        artifact = Artifact(algorithm.name, data.size.features, hyperparameters, algorithm.state(model), test)
        size = artifact.size
        path = save_artifact(artifact, job.paths.model, lambda written: reporter.progress("saving", written / size))
        reporter.log(f"model: {path}")
    for name, value in evaluation.metrics.items():
        if not math.isfinite(value):
            reporter.log(f"{name} has no finite value on these data, and is not printed.")
    for line in lines:
        reporter.log(line)
    _report(job, data, evaluation, timings, reporter)


def _checkpoint(job: Job, data: Datasets, log: Log) -> Checkpoint | None:
    if job.checkpoint is None:
        return None
    fingerprints = {name: dataset.fingerprint for name, dataset in data.by_channel.items()}
    identity = Identity(job.algorithm.name, job.hyperparameters.model_dump(mode="json"), fingerprints)
    return open_checkpoint(job.checkpoint, identity, log.log)


def _evaluation(job: Job, model: Any, validation: Dataset | None, reporter: Reporter) -> Evaluation:
    evaluation = job.algorithm.evaluate(model, validation, reporter)
    if validation is not None and job.objective is not None and job.objective.stands_in:
        instead = job.algorithm.evaluate(model, None, reporter)
        return replace(evaluation, metrics={**instead.metrics, **evaluation.metrics})
    return evaluation


def _leave(failure: Failure, paths: OptMl) -> None:
    try:
        write_failure(paths.failure, failure)
    except OSError as unwritable:
        print(f"The failure file cannot be written: {PlatformError.of(unwritable)}", file=sys.stderr)


def _report(job: Job, data: Datasets, evaluation: Evaluation, timings: Mapping[str, float], reporter: Reporter) -> None:
    """What people can look at. The model is whole by now, and what it cost is not lost to a report that fails."""
    account = Account(
        algorithm=job.algorithm.name,
        version=__version__,
        job=job.name,
        hyperparameters=job.hyperparameters,
        declared=job.algorithm.metrics,
        metrics=evaluation.metrics,
        objective=job.objective.name if job.objective else None,
        timings=timings,
        peak_memory=peak_memory(),
        threads=job.machine.threads,
        versions=library_versions(),
        channels={name: Channel.of(dataset) for name, dataset in data.by_channel.items()},
        columns=data.training.columns,
        learned=evaluation.learned,
        comparison=evaluation.comparison,
        forecast=evaluation.forecast,
        forecast_of="validation channel" if data.validation else "leave-one-out",
    )
    try:
        *_, page = write_report(account, job.paths.output_data)
    except Exception as error:  # noqa: BLE001  # a fault in a plot must not fail the job that made the model
        reporter.log(f"The report is missing: {Failure.of(error).log.rstrip()}")
    else:
        reporter.log(f"report: {page}")


@contextmanager
def _timed(timings: dict[str, float], phase: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    timings[phase] = time.perf_counter() - start


def _with_origin(dataset: Dataset, work: Callable[[], T]) -> T:
    """Do `work`; rows that the algorithm refuses are named by file and row."""
    try:
        return work()
    except RowError as error:
        raise error.located(f"{len(error.rows)} of {len(dataset)} rows cannot be used", dataset.origin) from None
