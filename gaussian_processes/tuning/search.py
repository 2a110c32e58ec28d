"""The search: draw combinations, run each as a training job, read the objective from its log."""

import json
import math
import os
import random
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from gaussian_processes.errors import ConfigurationError
from gaussian_processes.job.resources import available_cores
from gaussian_processes.tuning.request import TuningJobConfig, TuningRequest

Combination = Mapping[str, str]
TRAIN = Path(__file__).resolve().parents[1] / "train"


@dataclass(frozen=True)
class Trial:
    """One training job of the search.

    Attributes:
        number: from 1, in the order of drawing.
        combination: the hyperparameters that the search chose.
        objective: the last value that the objective's regex found in the log; None for a job that failed.
        reason: why it failed.
        directory: its /opt/ml, with log.txt beside the model.
    """

    number: int
    combination: Combination
    objective: float | None
    reason: str
    directory: Path


@dataclass(frozen=True)
class Runner:
    """Where jobs run.

    Attributes:
        data: a folder with one folder for each channel.
        results: where each job gets a folder of its own.
        image: a container image to run jobs in; child processes of this one when None.
    """

    data: Path
    results: Path
    image: str | None = None

    def command(self, directory: Path, threads: int) -> list[str]:
        """What starts a training job on `directory`."""
        if self.image is None:
            return [sys.executable, str(TRAIN)]
        options = ["--rm", "--user", f"{os.getuid()}:{os.getgid()}", "-e", f"OMP_NUM_THREADS={threads}"]
        mounts = ["-v", f"{directory}:/opt/ml", "-v", f"{self.data}:/opt/ml/input/data:ro"]
        return ["docker", "run", *options, *mounts, self.image, "train"]


def draw_combinations(config: TuningJobConfig) -> list[Combination]:
    """The combinations to try: without repeats where the ranges can be counted, the same again for the same seed.

    Raises:
        ConfigurationError: the strategy is Grid and a range cannot be counted.
    """
    ranges = config.parameter_ranges
    wanted = config.resource_limits.max_number_of_training_jobs
    size = math.prod(known.size for known in ranges.discrete)
    generator = random.Random(config.random_seed)  # noqa: S311  # a search, not a secret
    if config.strategy == "Grid":
        if ranges.continuous_parameter_ranges:
            raise ConfigurationError("The strategy Grid needs ranges that can be counted; found a continuous one.")
        cells: Sequence[int] = range(size)
    elif ranges.continuous_parameter_ranges:
        cells = [generator.randrange(size) for _ in range(wanted)]
    else:
        cells = generator.sample(range(size), min(wanted, size))
    return [_combination(config, cell, generator) for cell in cells]


def search(request: TuningRequest, runner: Runner, on_trial: Callable[[Trial], None]) -> list[Trial]:
    """Run the request's jobs, so many at a time as it says; the best come first, those that failed last.

    Args:
        request: what to run.
        runner: where.
        on_trial: called with each trial when it ends.

    Raises:
        ConfigurationError: the request cannot be run; nothing has been started then.
    """
    if not runner.data.is_dir():
        raise ConfigurationError(
            f"There is no data folder {runner.data}; name one that holds a folder for each channel."
        )
    if runner.results.exists() and any(runner.results.iterdir()):
        raise ConfigurationError(f"The results folder {runner.results} is not empty; name a new one.")
    combinations = draw_combinations(request.hyper_parameter_tuning_job_config)
    parallel = request.hyper_parameter_tuning_job_config.resource_limits.max_parallel_training_jobs
    trials = []
    with ThreadPoolExecutor(max_workers=parallel) as pool:
        futures = [
            pool.submit(_run, request, runner, number, combination)
            for number, combination in enumerate(combinations, start=1)
        ]
        try:
            for future in as_completed(futures):
                trials.append(future.result())
                on_trial(trials[-1])
        except BaseException:  # Ctrl-C, or a machine that cannot start jobs: the rest would fare no better
            pool.shutdown(cancel_futures=True)
            raise
    sign = 1.0 if request.objective.type == "Minimize" else -1.0
    return sorted(trials, key=lambda trial: math.inf if trial.objective is None else sign * trial.objective)


def find_objective(log: str, regex: re.Pattern[str]) -> float | None:
    """The last number that the regex's first group finds, line by line, as SageMaker reads a log."""
    found = None
    for line in log.splitlines():
        for match in regex.finditer(line):
            try:
                value = float(match.group(1))
            except (TypeError, ValueError):  # SageMaker passes over what is not a number, without a word
                continue
            found = value if math.isfinite(value) else found
    return found


def _combination(config: TuningJobConfig, cell: int, generator: random.Random) -> Combination:
    chosen = {}
    for known in config.parameter_ranges.discrete:
        cell, index = divmod(cell, known.size)
        chosen[known.name] = known.at(index)
    for continuous in config.parameter_ranges.continuous_parameter_ranges:
        chosen[continuous.name] = continuous.at(generator.random())
    return chosen


def _run(request: TuningRequest, runner: Runner, number: int, combination: Combination) -> Trial:
    directory = runner.results / f"{request.hyper_parameter_tuning_job_name}-{number:03d}"
    _write_opt_ml(request, runner, directory, combination)
    parallel = request.hyper_parameter_tuning_job_config.resource_limits.max_parallel_training_jobs
    threads = max(1, available_cores() // parallel)
    environ = dict(os.environ, SAGEMAKER_BASE_DIR=str(directory), OMP_NUM_THREADS=str(threads))
    log = directory / "log.txt"
    with log.open("wb") as stream:
        command = runner.command(directory, threads)
        # S603: it is our own train, or the image that was named.
        done = subprocess.run(command, env=environ, stdout=stream, stderr=subprocess.STDOUT, check=False)  # noqa: S603
    text = log.read_text(encoding="utf-8", errors="replace")
    regex = request.objective_regex
    objective = find_objective(text, regex) if done.returncode == 0 else None
    reason = ""
    if done.returncode != 0:
        failure = directory / "output/failure"
        explained = failure.read_text(encoding="utf-8") if failure.exists() else text
        reason = next(iter(explained.splitlines()), f"exit code {done.returncode}")
    elif objective is None:
        reason = f"the regex {regex.pattern!r} finds no number in {log}"
    return Trial(number, combination, objective, reason, directory)


def _write_opt_ml(request: TuningRequest, runner: Runner, directory: Path, combination: Combination) -> None:
    """The files that SageMaker would give the job."""
    definition = request.training_job_definition
    config = directory / "input/config"
    config.mkdir(parents=True)
    hyperparameters = definition.static_hyper_parameters | dict(combination)
    hyperparameters["_tuning_objective_metric"] = request.objective.metric_name
    content_types = {channel.channel_name: channel.content_type for channel in definition.input_data_config}
    channels = {}
    for path in sorted(runner.data.iterdir()):
        if path.is_dir():
            channels[path.name] = {
                "TrainingInputMode": "File",
                "S3DistributionType": "FullyReplicated",
                "RecordWrapperType": "None",
            }
            if content_types.get(path.name) is not None:
                channels[path.name]["ContentType"] = str(content_types[path.name])
    host = {"current_host": "algo-1", "hosts": ["algo-1"], "network_interface_name": "eth0"}
    documents = {"hyperparameters": hyperparameters, "inputdataconfig": channels, "resourceconfig": host}
    for name, document in documents.items():
        (config / f"{name}.json").write_text(json.dumps(document), encoding="utf-8")
    if runner.image is None:
        (directory / "input/data").symlink_to(runner.data, target_is_directory=True)
    else:
        (directory / "input/data").mkdir()  # where the data will be mounted
