"""Training: check, read, fit, evaluate, save, report. The only module that knows that order."""

import argparse
import math
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TextIO, TypeVar

from pydantic import BaseModel
from threadpoolctl import threadpool_limits

from gaussian_processes import __version__
from gaussian_processes.algorithm import Algorithm, Evaluation, Metric, Size, load_algorithm
from gaussian_processes.artifact import Artifact, save_artifact
from gaussian_processes.data.channels import Survey, survey_channel
from gaussian_processes.data.dataset import Dataset
from gaussian_processes.errors import ConfigurationError, ExplainedError, Faults, PlatformError, RowError
from gaussian_processes.job.definitions import read_definitions
from gaussian_processes.job.documents import read_object
from gaussian_processes.job.failure import describe_failure, write_failure
from gaussian_processes.job.hosts import read_hosts
from gaussian_processes.job.hyperparameters import objective_name, parse_hyperparameters
from gaussian_processes.job.inputs import Inputs, find_inputs, read_inputs
from gaussian_processes.job.log import Log
from gaussian_processes.job.metrics import metric_lines, require_metrics
from gaussian_processes.job.paths import OptMl
from gaussian_processes.job.plan import Machine, duration, free_disk, gigabytes, measured_rate, require_fit
from gaussian_processes.job.resources import available_cores, available_memory, threads_for
from gaussian_processes.report import Account, write_report

# An estimate of a file's rows may be this much too large.
SLACK = 0.8

T = TypeVar("T")


def main(arguments: Sequence[str], environ: Mapping[str, str], stdout: TextIO) -> int:
    """What `train` does: run the job, leave a failure file if it fails, return the exit code."""
    paths = OptMl.from_environ(environ)
    dry_run = False
    try:
        dry_run = _wants_dry_run(arguments)
        run(environ, paths, Log(stdout), dry_run=dry_run)
    except Exception as raised:  # noqa: BLE001  # the one place where any failure becomes the job's
        return _failed(raised, None if dry_run else paths)
    return 0


def run(environ: Mapping[str, str], paths: OptMl, log: Log, *, dry_run: bool = False) -> None:
    """One training job, or all of it that comes before the training.

    Raises:
        ExplainedError: what is wrong with the job, in words.
    """
    hosts = read_hosts(paths.resource_config)
    if not hosts.leads:
        log.log(f"Host {hosts.current} of {len(hosts.names)}: {hosts.leader} trains, alone; there is nothing to do here.")
        return
    job = prepare(environ, paths, len(hosts.names))
    with threadpool_limits(job.machine.threads):
        rate = measured_rate()
        announce(job, rate, log)
        timings: dict[str, float] = {}
        with _timed(timings, "reading"):
            training, validation = read(job, log)
        if dry_run:
            say_plan(job, training, validation, rate, log)
        else:
            train(job, training, validation, timings, log)


def read(job: Job, log: Log) -> tuple[Dataset, Dataset | None]:
    """The channels, with what is remarkable about them in the log.

    Raises:
        DataError: they cannot be read, or the objective cannot be computed from them.
        PlatformError: the machine is too small for them.
    """
    training, validation = read_inputs(job.inputs, log.progress)
    for dataset in (training, validation):
        if dataset and dataset.columns:
            log.log(f"{dataset.sources[0].name}: columns named {', '.join(dataset.columns)[:200]}.")
    if validation is not None and job.objective is not None and job.objective.needs_spread:
        _require_spread(job.objective, validation)
    require_fit(job.algorithm, _size(training, validation), job.hyperparameters, job.machine)
    return training, validation


def train(
    job: Job, training: Dataset, validation: Dataset | None, timings: dict[str, float], log: Log
) -> None:
    """Fit, evaluate, save, print, report.

    Args:
        job: as checked.
        training: the rows to learn from.
        validation: the rows to evaluate on.
        timings: seconds by phase, which this goes on filling.
        log: the job's.

    Raises:
        ExplainedError: the data cannot be learnt from, the objective is not finite, the model cannot be written.
    """
    algorithm = job.algorithm
    with _timed(timings, "fit"):
        model = _with_origin(training, lambda: algorithm.fit(training, job.hyperparameters, log))
    with _timed(timings, "evaluation"):
        evaluation = _with_origin(validation or training, lambda: _evaluated(job, model, validation, log))
    lines = metric_lines(evaluation.metrics, algorithm.metrics, job.objective)
    with _timed(timings, "saving"):
        features = training.features.shape[1]
        artifact = Artifact(algorithm.name, features, job.hyperparameters.model_dump(), algorithm.state(model))
        log.log(f"model: {save_artifact(artifact, job.paths.model)}")
    for name, value in evaluation.metrics.items():
        if not math.isfinite(value):
            log.log(f"{name} has no finite value on these data, and is not printed.")
    for line in lines:
        log.log(line)
    _report(job, training, validation, evaluation, timings, log)
