"""The part of a CreateHyperParameterTuningJob request that a local search needs, as typed records."""

import math
import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_pascal

from gaussian_processes.errors import ConfigurationError
from gaussian_processes.faults import in_words


class Record(BaseModel):
    """Fields are written as AWS writes them; what a local search has no use for is left alone."""

    model_config = ConfigDict(frozen=True, alias_generator=to_pascal, allow_inf_nan=False)


class CategoricalRange(Record):
    """Values to choose from, as strings."""

    name: str
    values: Annotated[tuple[str, ...], Field(min_length=1)]

    @property
    def size(self) -> int:
        """How many there are."""
        return len(self.values)

    def at(self, index: int) -> str:
        """The value at `index`, from 0."""
        return self.values[index]


class IntegerRange(Record):
    """The whole numbers from min_value to max_value, both included."""

    name: str
    min_value: int
    max_value: int

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.min_value > self.max_value:
            raise ValueError(f"{self.name}: MinValue {self.min_value} is above MaxValue {self.max_value}")
        return self

    @property
    def size(self) -> int:
        """How many there are."""
        return self.max_value - self.min_value + 1

    def at(self, index: int) -> str:
        """The number at `index`, from 0, as the string that a training job is given."""
        return str(self.min_value + index)


class ContinuousRange(Record):
    """The numbers from min_value to max_value, drawn evenly in themselves or in their logarithm."""

    name: str
    min_value: float
    max_value: float
    scaling_type: Literal["Auto", "Linear", "Logarithmic"] = "Auto"

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.min_value > self.max_value:
            raise ValueError(f"{self.name}: MinValue {self.min_value} is above MaxValue {self.max_value}")
        if self.scaling_type == "Logarithmic" and self.min_value <= 0:
            raise ValueError(f"{self.name}: Logarithmic scaling needs a MinValue above 0, found {self.min_value}")
        return self

    def at(self, fraction: float) -> str:
        """The number that lies `fraction` of the way along the range."""
        if self.scaling_type == "Logarithmic":
            return repr(self.min_value * math.exp(fraction * math.log(self.max_value / self.min_value)))
        return repr(self.min_value + fraction * (self.max_value - self.min_value))


class ParameterRanges(Record):
    """What the search varies."""

    categorical_parameter_ranges: tuple[CategoricalRange, ...] = ()
    integer_parameter_ranges: tuple[IntegerRange, ...] = ()
    continuous_parameter_ranges: tuple[ContinuousRange, ...] = ()

    @property
    def discrete(self) -> tuple[CategoricalRange | IntegerRange, ...]:
        """The ranges that can be counted."""
        return self.categorical_parameter_ranges + self.integer_parameter_ranges


class Objective(Record):
    """The metric to make small or large."""

    type: Literal["Minimize", "Maximize"]
    metric_name: str


class ResourceLimits(Record):
    """How many jobs, and how many at a time."""

    max_number_of_training_jobs: Annotated[int, Field(ge=1)] = 1
    max_parallel_training_jobs: Annotated[int, Field(ge=1)]


class TuningJobConfig(Record):
    """Strategy, objective, limits and ranges."""

    strategy: Literal["Random", "Grid"]
    hyper_parameter_tuning_job_objective: Objective
    resource_limits: ResourceLimits
    parameter_ranges: ParameterRanges
    random_seed: Annotated[int, Field(ge=0)] | None = None


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


class TrainingJobDefinition(Record):
    """What every job has in common."""

    static_hyper_parameters: dict[str, str] = Field(default_factory=dict)
    algorithm_specification: AlgorithmSpecification
    input_data_config: tuple[Channel, ...] = ()


class TuningRequest(Record):
    """A CreateHyperParameterTuningJob request."""

    hyper_parameter_tuning_job_name: str
    hyper_parameter_tuning_job_config: TuningJobConfig
    training_job_definition: TrainingJobDefinition

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
        ConfigurationError: no such file, not JSON, or fields that are missing or out of range (all of them at
            once), or an objective that no regex can find.
    """
    try:
        request = TuningRequest.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ConfigurationError(f"The request {path} cannot be read: {error.strerror}.") from None
    except ValidationError as error:
        faults = "; ".join(map(in_words, error.errors(include_url=False)))
        raise ConfigurationError(f"{path.name}: {faults}.") from None
    _ = request.objective_regex  # a regex that cannot work is refused before any job runs
    return request
