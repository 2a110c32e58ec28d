"""Training: read, fit, evaluate, save, print. The only module that knows that order."""

import math
import sys
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TextIO, TypeVar

from pydantic import BaseModel
from threadpoolctl import threadpool_limits

from gaussian_processes import __version__
from gaussian_processes.algorithm import Algorithm, load_algorithm
from gaussian_processes.artifact import Artifact, save_artifact
from gaussian_processes.data.dataset import Dataset
from gaussian_processes.errors import ExplainedError, PlatformError, RowError
from gaussian_processes.job.documents import read_object
from gaussian_processes.job.failure import describe_failure, write_failure
from gaussian_processes.job.hyperparameters import OBJECTIVE_KEY, parse_hyperparameters
from gaussian_processes.job.inputs import find_channels, read_inputs
from gaussian_processes.job.metrics import metric_lines, require_objective
from gaussian_processes.job.paths import OptMl
from gaussian_processes.job.resources import available_cores, available_memory, threads_for

T = TypeVar("T")


@dataclass(frozen=True)
class Log:
    """Lines for people, on the job's log."""

    stream: TextIO

    def log(self, message: str) -> None:
        """Print one line at once."""
        print(message, file=self.stream, flush=True)


def main(environ: Mapping[str, str], stdout: TextIO) -> int:
    """What `train` does: run the job, leave a failure file if it fails, return the exit code."""
    paths = OptMl.from_environ(environ)
    try:
        with threadpool_limits(threads_for(environ, available_cores())):
            train(load_algorithm(environ), paths, stdout)
    except Exception as raised:  # noqa: BLE001  # the one place where any failure becomes the job's
        error = PlatformError.of(raised) if isinstance(raised, OSError) else raised
        text = describe_failure(error)
        print(text, end="", file=sys.stderr, flush=True)
        try:
            write_failure(paths.failure, text)
        except OSError as unwritable:
            print(f"The failure file cannot be written: {PlatformError.of(unwritable)}", file=sys.stderr)
        return error.exit_code if isinstance(error, ExplainedError) else 1
    return 0


def train(algorithm: Algorithm[Any, Any], paths: OptMl, stdout: TextIO) -> None:
    """One training job.

    Raises:
        ExplainedError: what is wrong with the job, in words.
    """
    log = Log(stdout)
    raw = read_object(paths.hyperparameters)
    objective = raw.get(OBJECTIVE_KEY)
    hyperparameters = parse_hyperparameters(algorithm.hyperparameters, raw)
    settings = " ".join(f"{key}={value}" for key, value in hyperparameters.model_dump(exclude_none=True).items())
    log.log(f"{algorithm.name} {__version__}: {settings}")

    training, validation = read_inputs(find_channels(paths))
    log.log(
        f"training: {len(training)} rows, {training.features.shape[1]} features; "
        + (f"validation: {len(validation)} rows" if validation else "no validation channel: no validation metrics")
    )
    require_objective(objective, algorithm.metrics, has_validation=validation is not None)
    require_memory(algorithm, training, hyperparameters, available_memory())

    model = _with_origin(training, lambda: algorithm.fit(training, hyperparameters, log))
    values = _with_origin(validation or training, lambda: algorithm.evaluate(model, validation))
    lines = metric_lines(values, algorithm.metrics, objective)
    artifact = Artifact(
        algorithm.name, training.features.shape[1], hyperparameters.model_dump(), algorithm.state(model)
    )
    log.log(f"model: {save_artifact(artifact, paths.model)}")
    for name, value in values.items():
        if not math.isfinite(value):
            log.log(f"{name} has no finite value on these data, and is not printed.")
    for line in lines:
        log.log(line)


def require_memory(
    algorithm: Algorithm[Any, Any], training: Dataset, hyperparameters: BaseModel, available: float
) -> None:
    """Refuse, before it starts, training that would be killed for the memory that it takes.

    Args:
        algorithm: which says what it needs.
        training: the rows to train on.
        hyperparameters: of the algorithm.
        available: bytes.

    Raises:
        PlatformError: with the number of rows that would fit, and the memory that these rows need.
    """
    memory = algorithm.memory
    if memory is None:
        return
    rows, features = training.features.shape

    def needed(count: int) -> int:
        return memory(count, features, hyperparameters)

    if needed(rows) <= available:
        return
    fitting = bisect_right(range(rows + 1), available, key=needed) - 1
    raise PlatformError(
        f"Training on {rows} rows of {features} features needs {_gigabytes(needed(rows))} of memory, and "
        f"{_gigabytes(available)} are free: {max(fitting, 0)} rows would fit. Use an instance with more memory, or fewer "
        f"rows."
    )


def _gigabytes(count: float) -> str:
    return f"{count / 1e9:.2f} GB"


def _with_origin(dataset: Dataset, work: Callable[[], T]) -> T:
    """Do `work`; rows that the algorithm refuses are named by file and row."""
    try:
        return work()
    except RowError as error:
        raise error.located(f"{len(error.rows)} of {len(dataset)} rows cannot be used", dataset.origin) from None
