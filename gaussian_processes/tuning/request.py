"""A CreateHyperParameterTuningJob request: the part of it that a local search needs, as typed records."""

import json
import math
import re
from collections import Counter
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from gaussian_processes.algorithm import Algorithm
from gaussian_processes.errors import ConfigurationError
from gaussian_processes.faults import in_words
from gaussian_processes.job.contract.metric_definitions import Definition
from gaussian_processes.tuning.ranges import ParameterRanges, Record
from gaussian_processes.tuning.rules import faults_of
from gaussian_processes.tuning.service_model import complaints, input_of

OPERATION = "CreateHyperParameterTuningJob"
NOT_HERE = {
    "Autotune": "Autotune is not here. Leave it out, and write Strategy, ResourceLimits and ParameterRanges.",
    "TrainingJobDefinitions": "TrainingJobDefinitions are not here. Write one as TrainingJobDefinition, and its "
    "TuningObjective and HyperParameterRanges into HyperParameterTuningJobConfig, as the objective and ParameterRanges.",
}


class Objective(Record):
    """The metric to make small or large."""

    type: Literal["Minimize", "Maximize"]
    metric_name: str

    @property
    def sign(self) -> float:
        """What makes a smaller value the better one."""
        return 1.0 if self.type == "Minimize" else -1.0


class ResourceLimits(Record):
    """How many jobs, how many at a time, and for how many seconds in all."""

    max_number_of_training_jobs: int | None = None
    max_parallel_training_jobs: int
    max_runtime_in_seconds: int | None = None


class HyperbandConfig(Record):
    """The fewest and the most values of the objective after which a job is compared with others."""

    min_resource: int = 1
    max_resource: int | None = None


class StrategyConfig(Record):
    """Of the strategy Hyperband."""

    hyperband_strategy_config: HyperbandConfig = HyperbandConfig()


class NotImproving(Record):
    """So many jobs without a better one end the search."""

    max_number_of_training_jobs_not_improving: int | None = None


class CompletionCriteria(Record):
    """What ends a search early."""

    target_objective_metric_value: float | None = None
    best_objective_not_improving: NotImproving = NotImproving()
    convergence_detected: dict[str, str] | None = None


class TuningJobConfig(Record):
    """Strategy, objective, limits and ranges."""

    strategy: Literal["Random", "Grid", "Bayesian", "Hyperband"]
    strategy_config: StrategyConfig | None = None
    hyper_parameter_tuning_job_objective: Objective
    resource_limits: ResourceLimits
    parameter_ranges: ParameterRanges
    random_seed: int | None = None
    training_job_early_stopping_type: Literal["Off", "Auto"] = "Off"
    tuning_job_completion_criteria: CompletionCriteria = CompletionCriteria()

    @property
    def hyperband(self) -> HyperbandConfig:
        """Of the strategy Hyperband."""
        return (self.strategy_config or StrategyConfig()).hyperband_strategy_config

    @property
    def number_of_jobs(self) -> int:
        """The most that will run."""
        wanted = self.resource_limits.max_number_of_training_jobs
        return wanted or math.prod(one.size for one in self.parameter_ranges.discrete)


class MetricDefinition(Record):
    """The name of a metric and the regular expression that finds it in a job's log."""

    name: str
    regex: str


class AlgorithmSpecification(Record):
    """What is trained, and where the metrics stand in its log."""

    training_image: str | None = None
    algorithm_name: str | None = None
    metric_definitions: tuple[MetricDefinition, ...] = ()


class Channel(Record):
    """A channel and the kind of its files."""

    channel_name: str
    content_type: str | None = None


class StoppingCondition(Record):
    """How long a job may take, and may wait for a spot instance."""

    max_runtime_in_seconds: int = 86400
    max_wait_time_in_seconds: int | None = None


class TrainingJobDefinition(Record):
    """What every job has in common."""

    static_hyper_parameters: dict[str, str] = Field(default_factory=dict)
    algorithm_specification: AlgorithmSpecification
    input_data_config: tuple[Channel, ...] = ()
    stopping_condition: StoppingCondition = StoppingCondition()
    enable_managed_spot_training: bool = False
    resource_config: dict[str, Any] | None = None
    hyper_parameter_tuning_resource_config: dict[str, Any] | None = None
    tuning_objective: Objective | None = None
    hyper_parameter_ranges: ParameterRanges | None = None


class ParentJob(Record):
    """An earlier search."""

    hyper_parameter_tuning_job_name: str


class WarmStartConfig(Record):
    """Earlier searches, from whose jobs this one learns."""

    parent_hyper_parameter_tuning_jobs: tuple[ParentJob, ...] = ()
    warm_start_type: Literal["IdenticalDataAndAlgorithm", "TransferLearning"]


class TuningRequest(Record):
    """The whole."""

    hyper_parameter_tuning_job_name: str
    hyper_parameter_tuning_job_config: TuningJobConfig
    training_job_definition: TrainingJobDefinition
    warm_start_config: WarmStartConfig | None = None

    @property
    def objective(self) -> Objective:
        """What the jobs are compared by."""
        return self.hyper_parameter_tuning_job_config.hyper_parameter_tuning_job_objective

    @property
    def definitions(self) -> tuple[Definition, ...]:
        """What finds the metrics in a job's log."""
        metrics = self.training_job_definition.algorithm_specification.metric_definitions
        return tuple(Definition(metric.name, metric.regex) for metric in metrics)

    @property
    def objective_regex(self) -> re.Pattern[str]:
        """What finds the objective in a job's log."""
        return next(one.pattern for one in self.definitions if one.name == self.objective.metric_name)


def read_request(path: Path) -> TuningRequest:
    """The request in a JSON file, as `read_document` and `parse_request` have it."""
    return parse_request(read_document(path), path.name)


def parse_request(
    document: Any, name: str, algorithm: Algorithm[Any, Any] | None = None, *, has_validation: bool = True
) -> TuningRequest:
    """The request in a document.

    Args:
        document: as JSON has it.
        name: by which messages call it.
        algorithm: what its jobs train, where that is known.
        has_validation: whether they have a validation channel.

    Raises:
        ConfigurationError: what AWS's model, the tuner's rules and the algorithm have against it: all of it at once.
    """
    try:
        found = complaints(input_of(OPERATION), document)
    except RecursionError:
        raise ConfigurationError(f"{name} is nested too deeply.") from None
    try:
        request = TuningRequest.model_validate(document)
    except ValidationError as error:
        for fault in error.errors(include_url=False):
            words, key = in_words(fault), f'"{fault["loc"][-1]}"' if fault["loc"] else ""
            # What AWS's model refuses too is said once.
            if not any(words.partition(": ")[0] in one or key in one for one in found):
                found.append(f"{words}.")
    else:
        found += faults_of(request, algorithm, has_validation=has_validation)
    found += [sentence for key, sentence in NOT_HERE.items() if isinstance(document, dict) and key in document]
    if found:
        listed = " ".join(f"({number}) {one}" for number, one in enumerate(found, start=1))
        raise ConfigurationError(
            f"{name}: {found[0]}" if len(found) == 1 else f"{name} has {len(found)} faults: {listed}"
        )
    return request


def read_document(path: Path) -> Any:
    """What a JSON file holds.

    Raises:
        ConfigurationError: no such file, or not JSON, half of a surrogate pair, or a name twice in an object.
    """
    try:
        document = json.loads(path.read_bytes(), object_pairs_hook=_object)
        json.dumps(document, ensure_ascii=False).encode()
    except OSError as error:
        raise ConfigurationError(f"The file {path} cannot be read: {error.strerror}.") from None
    except (ValueError, RecursionError) as error:  # numbers of thousands of digits, brackets thousands deep
        raise ConfigurationError(f"The file {path} is no JSON: {error}.") from None
    return document


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    ((name, count),) = Counter(name for name, _ in pairs).most_common(1) or [("", 1)]
    if count > 1:
        raise ValueError(f"{name!r} stands in an object more than once")
    return dict(pairs)
