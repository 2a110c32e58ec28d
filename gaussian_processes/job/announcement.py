"""Announcement: what a job will do and take, in the first line of its log and in the plan of a dry run."""

import json
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from gaussian_processes import __version__
from gaussian_processes.algorithm import Detail, Size
from gaussian_processes.data.channels.channel import Channel
from gaussian_processes.data.channels.survey import Survey, survey_channel
from gaussian_processes.errors import PlatformError
from gaussian_processes.job.checkpoint.file import Checkpoint
from gaussian_processes.job.log import Log
from gaussian_processes.job.planning.instances import offers
from gaussian_processes.job.planning.plan import amount, duration
from gaussian_processes.job.planning.strategy import Way
from gaussian_processes.job.preparation import Job

# So many times too many rows may be estimated from the beginning of a file whose later lines are longer.
DOUBT = 10
# A dry run says which instances there are for a job that takes so many seconds, or so much of the memory.
LONG, LARGE = 600.0, 0.5


def announce(job: Job, rate: float, log: Log) -> Size | None:
    """The log's first line, before the data are read: what will be done, on what, and what it will take.

    Args:
        job: as checked.
        rate: floating-point operations a second of this machine.
        log: the job's.

    Returns:
        The data's size, as far as it can be seen from outside.

    Raises:
        PlatformError: the machine is clearly too small.
    """
    settings = " ".join(f"{key}={value}" for key, value in _told(job.hyperparameters))
    training = _surveyed(job, job.inputs.training)
    validation = _surveyed(job, job.inputs.validation) if job.inputs.validation else None
    size = _estimated(training, validation)
    parts = [
        f"{job.algorithm.name} {__version__}: {settings}",
        f"training: {_in_words(training)}",
        f"validation: {_in_words(validation)}" if validation else "no validation channel",
        _threads(job.machine.threads),
        *(_takings(job, size, rate) if size else ()),
    ]
    log.log("; ".join(parts))
    if size:
        settle_or_offer(job, size, rate, log, 1 if training.exact else DOUBT)
    return size


def settle_or_offer(job: Job, size: Size, rate: float, log: Log, doubt: int = 1) -> Way:
    """How the job comes to its model; if it cannot, the log says on which instances it could.

    Raises:
        PlatformError: as `Job.settled`.
    """
    try:
        return job.settled(size, doubt)
    except PlatformError:
        for line in _offered(job, size, rate):
            log.log(line)
        raise


def correct(job: Job, size: Size, rate: float, log: Log) -> None:
    """What the first line could not know: the data's size, and what that takes."""
    validation = f"; validation: {size.validation_rows} rows" if size.validation_rows else ""
    parts = [f"training: {size.rows} rows, {size.features} features{validation}", *_takings(job, size, rate)]
    log.log("; ".join(parts))


def say_plan(job: Job, size: Size, rate: float, checkpoint: Checkpoint | None, log: Log) -> None:
    """What a job would do now that its data are read, from where, and what that would cost."""
    validation = f"evaluate on {size.validation_rows} rows" if size.validation_rows else "evaluate without validation"
    log.log(f"plan: fit {size.rows} rows of {size.features} features, {validation}, write {job.paths.model}")
    way, threads = job.likely(size), job.machine.threads
    if needs := way.needs(job.algorithm, size):
        takings = "; ".join(_takings(job, size, rate))
        log.log(
            f"plan: {takings}; disk: {amount(needs.disk)} of {amount(job.machine.disk)}; "
            f"cost: {threads * needs.operations / rate:.3g} core-seconds on {_threads(threads)}"
        )
        if needs.operations > LONG * rate * way.hosts or needs.memory > LARGE * job.machine.memory:
            for line in _offered(job, size, rate):
                log.log(f"plan: {line}")
    if checkpoint:
        log.log(f"plan: {checkpoint.start}")
    log.log("dry run: hyperparameters, channels, metrics, memory and disk are in order; nothing is trained or written")


def _offered(job: Job, size: Size, rate: float) -> Iterator[str]:
    """On which instances it would fit, with what it would take there; nothing where none is known."""
    found = list(offers(job.algorithm, size, job.hyperparameters, rate / job.machine.threads))
    if found:
        yield "with processors as fast as these it would fit on"
        yield from (f"  {one}" for one in found)


def _told(hyperparameters: BaseModel) -> Iterator[tuple[str, Any]]:
    """Those that are set; details where they are not at their defaults."""
    for name, value in hyperparameters.model_dump(exclude_none=True).items():
        field = type(hyperparameters).model_fields[name]
        detail = any(isinstance(mark, Detail) for mark in field.metadata)
        if not detail or value != field.get_default(call_default_factory=True):
            shown = json.dumps(value) if isinstance(value, dict) else value
            yield name, ",".join(map(str, value)) if isinstance(value, tuple) else shown


def _takings(job: Job, size: Size, rate: float) -> tuple[str, ...]:
    """The memory and the time that a job takes, as parts of a line; none where the algorithm does not say."""
    way = job.likely(size)
    needs = way.needs(job.algorithm, size)
    if needs is None:
        return ()
    hosts = (f"over {way.hosts} hosts",) if way.hosts > 1 else ()
    each = " each" if way.hosts > 1 else ""
    memory = f"memory: {amount(needs.memory)} of {amount(job.machine.memory)}{each}"
    time = f"time: {duration(needs.operations / (rate * way.hosts))}"
    return *hosts, memory, f"{time} ({needs.note})" if needs.note else time


def _surveyed(job: Job, channel: Channel) -> Survey:
    """What can be seen of a channel; of one that lies on several hosts, nothing."""
    return Survey() if channel.sharded and len(job.hosts.names) > 1 else survey_channel(channel)


def _estimated(training: Survey, validation: Survey | None) -> Size | None:
    """The data's size as far as it can be seen from outside; None where the number of rows cannot."""
    if training.rows is None or training.columns is None:
        return None
    return Size(training.rows, training.columns - 1, (validation.rows or 0) if validation else 0)


def _in_words(survey: Survey) -> str:
    if survey.rows is None:
        return "rows are counted as they come"
    rows = f"{survey.rows} rows" if survey.exact else f"about {survey.rows:,} rows"
    return rows if survey.columns is None else f"{rows}, {survey.columns - 1} features"


def _threads(count: int) -> str:
    return "1 thread" if count == 1 else f"{count} threads"
