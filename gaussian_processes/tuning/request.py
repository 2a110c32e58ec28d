"""A CreateHyperParameterTuningJob request: the part of it that a local search needs, as typed records."""

import json
import math
import re
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from gaussian_processes.errors import ConfigurationError
from gaussian_processes.faults import in_words
from gaussian_processes.tuning.ranges import ParameterRanges, Record
from gaussian_processes.tuning.service_model import complaints, input_of

OPERATION = "CreateHyperParameterTuningJob"


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
    max_resource: int = 27


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
    strategy_config: StrategyConfig = StrategyConfig()
    hyper_parameter_tuning_job_objective: Objective
    resource_limits: ResourceLimits
    parameter_ranges: ParameterRanges
    random_seed: int | None = None
    training_job_early_stopping_type: Literal["Off", "Auto"] = "Off"
    tuning_job_completion_criteria: CompletionCriteria = CompletionCriteria()

    @property
    def number_of_jobs(self) -> int:
        """The most that will run."""
        ranges, wanted = self.parameter_ranges, self.resource_limits.max_number_of_training_jobs
        if ranges.continuous_parameter_ranges or self.strategy in {"Bayesian", "Hyperband"}:
            return wanted or 1
        cells = math.prod(one.size for one in ranges.discrete)
        return cells if wanted is None else min(wanted, cells)

    @model_validator(mode="after")
    def _rules(self) -> Self:
        """The tuner's own, which its request model does not say."""
        limits, ranges = self.resource_limits, self.parameter_ranges
        if not ranges.all:
            raise ValueError("ParameterRanges hold no range: there is nothing to search")
        if self.strategy == "Grid":
            other = [one.name for one in ranges.all if one not in ranges.categorical_parameter_ranges]
            if other:
                raise ValueError(
                    f"the strategy Grid takes categorical ranges alone, and {', '.join(other)} is none; write its values "
                    'as a CategoricalParameterRange, such as "Values": ["0", "1", "2"]'
                )
            cells = math.prod(one.size for one in ranges.discrete)
            if limits.max_number_of_training_jobs not in (None, cells):
                raise ValueError(
                    f"the strategy Grid runs each combination once, and there are {cells}; leave MaxNumberOfTrainingJobs "
                    f"out, or make it {cells} instead of {limits.max_number_of_training_jobs}"
                )
        elif limits.max_number_of_training_jobs is None:
            raise ValueError("ResourceLimits need MaxNumberOfTrainingJobs, but for the strategy Grid")
        if self.strategy == "Hyperband" and self.training_job_early_stopping_type != "Off":
            raise ValueError("the strategy Hyperband stops jobs by itself; TrainingJobEarlyStoppingType has to be Off")
        return self


class MetricDefinition(Record):
    """The name of a metric and the regular expression that finds it in a job's log."""

    name: str
    regex: str


class AlgorithmSpecification(Record):
    """Where the metrics stand in the log."""

    metric_definitions: tuple[MetricDefinition, ...] = ()


class Channel(Record):
    """A channel and the kind of its files."""

    channel_name: str
    content_type: str | None = None


class StoppingCondition(Record):
    """How long a job may take."""

    max_runtime_in_seconds: int = 86400


class TrainingJobDefinition(Record):
    """What every job has in common."""

    static_hyper_parameters: dict[str, str] = Field(default_factory=dict)
    algorithm_specification: AlgorithmSpecification
    input_data_config: tuple[Channel, ...] = ()
    stopping_condition: StoppingCondition = StoppingCondition()


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

    @model_validator(mode="after")
    def _static_or_searched(self) -> Self:
        static = self.training_job_definition.static_hyper_parameters
        both = [one.name for one in self.hyper_parameter_tuning_job_config.parameter_ranges.all if one.name in static]
        if both:
            raise ValueError(f"{', '.join(both)}: both in StaticHyperParameters and in a range")
        return self

    @property
    def objective(self) -> Objective:
        """What the jobs are compared by."""
        return self.hyper_parameter_tuning_job_config.hyper_parameter_tuning_job_objective

    @property
    def objective_regex(self) -> re.Pattern[str]:
        """What finds the objective in a job's log.

        Raises:
            ConfigurationError: it is not defined, not a regular expression, or has no group.
        """
        definitions = self.training_job_definition.algorithm_specification.metric_definitions
        for definition in definitions:
            if definition.name == self.objective.metric_name:
                try:
                    pattern = re.compile(definition.regex)
                except re.error as error:
                    raise ConfigurationError(f"The regex {definition.regex!r} of {definition.name}: {error}.") from None
                if not pattern.groups:
                    raise ConfigurationError(
                        f"The regex {definition.regex!r} of {definition.name} has no group; "
                        f"{definition.name}=(.*?); would do."
                    )
                return pattern
        raise ConfigurationError(
            f"MetricDefinitions do not define the objective {self.objective.metric_name}; add "
            f'{{"Name": "{self.objective.metric_name}", "Regex": "{self.objective.metric_name}=(.*?);"}}.'
        )


def read_request(path: Path) -> TuningRequest:
    """The request in a JSON file.

    Raises:
        ConfigurationError: no such file, not JSON, what AWS's model of the request refuses (all of it at once), what its
            tuner refuses beside that, or an objective that no regex can find.
    """
    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise ConfigurationError(f"The request {path} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise ConfigurationError(f"The request {path} is no JSON: {error}.") from None
    return parse_request(document, path.name)


def parse_request(document: Any, name: str) -> TuningRequest:
    """The request in a document, which messages call by the name.

    Raises:
        ConfigurationError: as `read_request`.
    """
    found = complaints(input_of(OPERATION), document)
    if found:
        raise ConfigurationError(f"{name}: {'; '.join(found)}.")
    try:
        request = TuningRequest.model_validate(document)
    except ValidationError as error:
        faults = "; ".join(map(in_words, error.errors(include_url=False)))
        raise ConfigurationError(f"{name}: {faults}.") from None
    _ = request.objective_regex  # a regex that cannot work is refused before any job runs
    return request
