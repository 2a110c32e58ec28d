"""Training: check, read, fit, evaluate, save, report. The only module that knows that order."""

import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

from threadpoolctl import threadpool_limits

from gaussian_processes import __version__
from gaussian_processes.algorithm import Cluster, Evaluation, Reporter, load_algorithm
from gaussian_processes.data.channels.channel import Channel
from gaussian_processes.data.dataset import Dataset
from gaussian_processes.errors import ConfigurationError, LeaderFailedError, PlatformError, RowError, printable
from gaussian_processes.job.announcement import announce, correct, say_plan, settle_or_offer
from gaussian_processes.job.checkpoint.file import Checkpoint, open_checkpoint
from gaussian_processes.job.checkpoint.identity import Identity
from gaussian_processes.job.contract.channels import Datasets, read_here, read_inputs
from gaussian_processes.job.contract.documents import read_object
from gaussian_processes.job.contract.hosts import Hosts, read_hosts
from gaussian_processes.job.contract.metric_lines import learned_lines, metric_lines
from gaussian_processes.job.contract.objective import require_available, require_spread
from gaussian_processes.job.contract.parsing import parse_hyperparameters
from gaussian_processes.job.contract.paths import OptMl
from gaussian_processes.job.failure import Failure, write_failure
from gaussian_processes.job.log import Log
from gaussian_processes.job.planning.plan import measured_rate
from gaussian_processes.job.planning.resources import available_cores, peak_memory, threads_for
from gaussian_processes.job.planning.strategy import terms_of
from gaussian_processes.job.preparation import Job, prepare
from gaussian_processes.job.reporter import JobReporter
from gaussian_processes.process.signals import wait_for_sigterm
from gaussian_processes.report.account import Account
from gaussian_processes.report.account import Channel as Told
from gaussian_processes.report.writing import write_report
from gaussian_processes.self_test import SelfTest
from gaussian_processes.storage.model_file import Artifact, library_versions, save_artifact

if TYPE_CHECKING:
    from gaussian_processes.cluster.leader import Meeting

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
        if not dry_run:
            paths.failure.unlink(missing_ok=True)  # an earlier job's
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
        _follow(environ, paths, hosts, log, dry_run=dry_run)
        return
    job = prepare(environ, paths, hosts)
    if job.terms is None or dry_run:
        _lead(job, log, None, dry_run=dry_run)
        return
    from gaussian_processes.cluster.leader import lead  # noqa: PLC0415  # takes a second, for what few jobs need

    with lead(hosts, job.terms, job.machine.threads, log) as meeting:
        _lead(job, log, meeting)


def _lead(job: Job, log: Log, meeting: "Meeting | None", *, dry_run: bool = False) -> None:
    """All of a job that its leader does, alone or with the other hosts."""
    with threadpool_limits(job.machine.threads):
        rate = measured_rate()
        announced = announce(job, rate, log)
        timings: dict[str, float] = {}
        with _timed(timings, "reading"):
            data = read(job, log, meeting)
        way = settle_or_offer(job, data.size, rate, log)
        if job.objective and job.algorithm.lacks:
            require_available(job.objective, job.algorithm.lacks(way.hyperparameters))
        if data.size != announced:
            correct(job, data.size, rate, log)
        checkpoint = _checkpoint(job, data, log)
        if dry_run:
            say_plan(job, data.size, rate, checkpoint, log)
            return
        if checkpoint:
            log.log(checkpoint.start)
        cluster = None
        if meeting and way.hosts > 1:
            cluster = meeting.work()
            # The others may have less than the leader.
            way = replace(job, machine=replace(job.machine, memory=meeting.least_memory())).settled(data.size)
        elif meeting:
            meeting.release()
        train(replace(job, hyperparameters=way.hyperparameters), data, timings, JobReporter(log, checkpoint), cluster)


def _follow(environ: Mapping[str, str], paths: OptMl, hosts: Hosts, log: Log, *, dry_run: bool) -> None:
    """What a host does that does not lead: as it is told, or nothing."""
    algorithm = load_algorithm(environ)
    hyperparameters = parse_hyperparameters(algorithm.hyperparameters, read_object(paths.hyperparameters))
    terms, threads = terms_of(algorithm, hyperparameters, len(hosts.names)), threads_for(environ, available_cores())
    if terms is None or dry_run:
        farewell = f"{hosts.leader} trains, alone; nothing is left to do here."
    else:
        from gaussian_processes.cluster.follower import follow  # noqa: PLC0415  # as above

        last = follow(hosts, terms, threads, log)
        if last.code:
            raise LeaderFailedError(last.reason, last.code)
        farewell = last.reason
    log.log(f"Host {hosts.current} of {len(hosts.names)}: {farewell}")
    if hosts.local and not dry_run:
        # Local mode stops all containers when one ends: this one waits, so that the leader is the first.
        wait_for_sigterm()


def read(job: Job, log: Log, meeting: "Meeting | None" = None) -> Datasets:
    """The channels, with what is remarkable about them in the log.

    Raises:
        DataError: they cannot be read, or the objective cannot be computed from them.
        PlatformError: the machine is too small for them.
    """
    if job.inputs.note:
        log.log(job.inputs.note[:LINE])
    data = read_inputs(job.inputs, _reader(log, meeting))
    for name, dataset in data.by_channel.items():
        headed = [source.name for source in dataset.sources if source.header]
        if dataset.columns:
            names = f"{name}: the target is '{dataset.columns[0]}', the features are {', '.join(dataset.columns[1:])}"
            log.log(names[:LINE])
        if headed:
            log.log(f"{name}: the first line is a header line in {', '.join(headed)}"[:LINE])
    if job.objective and data.validation:
        require_spread(job.objective, data.validation.target)
    return data


def _reader(log: Log, meeting: "Meeting | None") -> Callable[[Channel], Dataset]:
    """Reads a channel, from the hosts on which it lies."""

    def read_one(channel: Channel) -> Dataset:
        if meeting and channel.sharded:
            from gaussian_processes.cluster.shares import read_shares  # noqa: PLC0415  # as above

            return read_shares(channel, meeting.work())
        return read_here(channel, log.progress)

    return read_one


def train(
    job: Job, data: Datasets, timings: dict[str, float], reporter: Reporter, cluster: Cluster | None = None
) -> None:
    """Fit, evaluate, save, print, report.

    Args:
        job: as checked.
        data: to learn from, and to evaluate on.
        timings: seconds by phase, which this goes on filling.
        reporter: the job's.
        cluster: the hosts that learn together; None where this one does alone.

    Raises:
        ExplainedError: the data cannot be learnt from, the objective is not finite, the model cannot be written.
    """
    algorithm = job.algorithm
    with _timed(timings, "fit"):
        model = _with_origin(data.training, lambda: _fit(job, data.training, reporter, cluster))
    with _timed(timings, "evaluation"):
        evaluated = data.validation or data.training
        evaluation = _with_origin(evaluated, lambda: _evaluation(job, model, data.validation, reporter))
    lines = learned_lines(evaluation.learned, evaluation.metrics)
    lines += metric_lines(evaluation.metrics, algorithm.metrics, job.objective.name if job.objective else None)
    with _timed(timings, "saving"):
        hyperparameters = job.hyperparameters.model_dump(mode="json")
        test = _with_origin(data.training, lambda: SelfTest.of(algorithm, model, data.training))
        state, columns = algorithm.state(model), data.training.columns or ()
        features = data.size.features
        artifact = Artifact(algorithm.name, features, hyperparameters, state, test, columns, evaluation.warnings)
        size = artifact.size
        path = save_artifact(artifact, job.paths.model, lambda written: reporter.progress("saving", written / size))
        reporter.log(f"model: {path}")
    for name, value in evaluation.metrics.items():
        if not math.isfinite(value):
            reporter.log(f"{name} has no finite value on these data, and is not printed.")
    for line in lines:
        reporter.log(line)
    _report(job, data, evaluation, timings, reporter)
    for warning in evaluation.warnings:
        reporter.log(f"Warning: {warning}")


def _fit(job: Job, training: Dataset, reporter: Reporter, cluster: Cluster | None) -> Any:
    if cluster is None or job.algorithm.distribution is None:
        return job.algorithm.fit(training, job.hyperparameters, reporter)
    return job.algorithm.distribution.fit(training, job.hyperparameters, reporter, cluster)


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
        print(printable(f"The failure file cannot be written: {PlatformError.of(unwritable)}"), file=sys.stderr)


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
        channels={name: Told.of(dataset) for name, dataset in data.by_channel.items()},
        columns=data.training.columns,
        learned=evaluation.learned,
        comparison=evaluation.comparison,
        curve=evaluation.curve,
        warnings=evaluation.warnings,
        forecast=evaluation.forecast,
        forecast_of="validation channel" if data.validation else "leave-one-out",
        rows=data.validation or data.training,
    )
    try:
        *_, page = write_report(account, job.paths.output_data)
    except Exception as error:  # noqa: BLE001  # a fault in a plot must not fail the job that made the model
        for line in f"The report is missing: {Failure.of(error).log.rstrip()}".splitlines():
            reporter.log(line)
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
