"""The specification: the parts of AWS requests that follow from what an algorithm declares."""

import unicodedata
from collections.abc import Sequence
from typing import Any

from gaussian_processes import __version__
from gaussian_processes.algorithm import Algorithm, Metric
from gaussian_processes.data.channel_formats import FORMATS
from gaussian_processes.description.parameters import Parameter, parameters_of, search_range, text
from gaussian_processes.job.definitions import definition_for
from gaussian_processes.job.inputs import TRAINING_CHANNELS, VALIDATION_CHANNEL

CONTENT_TYPES = tuple(known.media_type for known in FORMATS)
INPUT_MODES = ("File", "FastFile", "Pipe")
COMPRESSION_TYPES = ("None", "Gzip")
# Those with x86-64 processors: the image is for linux/amd64, and computes on no GPU.
INSTANCES = {
    "t3": "medium large xlarge 2xlarge",
    "m5": "large xlarge 2xlarge 4xlarge 12xlarge 24xlarge",
    "c5": "xlarge 2xlarge 4xlarge 9xlarge 18xlarge",
    "r5": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge",
    "m6i": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge",
    "c6i": "xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge",
    "r6i": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge",
    "m7i": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge",
    "c7i": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge",
    "r7i": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge",
}
INSTANCE_TYPES = tuple(f"ml.{family}.{size}" for family, sizes in INSTANCES.items() for size in sizes.split())
DESCRIPTION_LENGTH = 1024


def describe(algorithm: Algorithm[Any, Any], image: str) -> dict[str, Any]:
    """Everything that a request for this image repeats, under AWS's names.

    Args:
        algorithm: which declares hyperparameters and metrics.
        image: its address in a registry.

    Raises:
        ConfigurationError: a hyperparameter is marked for a search that no tuner could make.
    """
    parameters = parameters_of(algorithm.hyperparameters)
    specification = {
        "TrainingImage": image,
        "SupportedHyperParameters": [_hyperparameter(parameter) for parameter in parameters],
        "SupportedTrainingInstanceTypes": list(INSTANCE_TYPES),
        "SupportsDistributedTraining": False,
        "MetricDefinitions": [definition_for(metric, algorithm.metrics).entry for metric in algorithm.metrics],
        "TrainingChannels": [
            _channel(TRAINING_CHANNELS[0], "rows to learn from: the target, then the features", required=True),
            _channel(VALIDATION_CHANNEL, "rows to compute the validation metrics on", required=False),
        ],
        "SupportedTuningJobObjectiveMetrics": _objectives(algorithm.metrics),
    }
    return {
        "Algorithm": algorithm.name,
        "Version": __version__,
        "HyperParameterSchema": algorithm.hyperparameters.model_json_schema(),
        "ParameterRanges": _parameter_ranges(parameters),
        "MetricDefinitions": specification["MetricDefinitions"],
        "TrainingChannels": specification["TrainingChannels"],
        "SupportedContentTypes": list(CONTENT_TYPES),
        "SupportedTrainingInstanceTypes": specification["SupportedTrainingInstanceTypes"],
        "TrainingSpecification": specification,
    }


def _hyperparameter(parameter: Parameter) -> dict[str, Any]:
    """A HyperParameterSpecification."""
    specification: dict[str, Any] = {
        "Name": parameter.name,
        "Description": _description(parameter.description),
        "Type": parameter.kind,
        "IsTunable": parameter.search is not None,
        "IsRequired": parameter.required,
    }
    match parameter.kind:
        case "Categorical":
            specification["Range"] = {"CategoricalParameterRangeSpecification": {"Values": list(parameter.choices)}}
        case "Integer" | "Continuous":
            bounds = {"MinValue": text(parameter.least), "MaxValue": text(parameter.greatest)}
            specification["Range"] = {f"{parameter.kind}ParameterRangeSpecification": bounds}
    if parameter.default is not None:
        specification["DefaultValue"] = parameter.default
    return specification


def _description(words: str) -> str:
    """An EntityDescription: letters, marks, numbers, punctuation, symbols and spaces, so many at most."""
    printable = "".join(" " if unicodedata.category(c).startswith("C") else c for c in words)
    line = " ".join(printable.split())
    return line if len(line) <= DESCRIPTION_LENGTH else line[: DESCRIPTION_LENGTH - 1] + "…"


def _parameter_ranges(parameters: Sequence[Parameter]) -> dict[str, list[dict[str, Any]]]:
    return {
        f"{kind}ParameterRanges": [
            search_range(parameter, parameter.search)
            for parameter in parameters
            if parameter.search is not None and parameter.kind == kind
        ]
        for kind in ("Integer", "Continuous", "Categorical")
    }


def _channel(name: str, description: str, *, required: bool) -> dict[str, Any]:
    return {
        "Name": name,
        "Description": description,
        "IsRequired": required,
        "SupportedContentTypes": list(CONTENT_TYPES),
        "SupportedCompressionTypes": list(COMPRESSION_TYPES),
        "SupportedInputModes": list(INPUT_MODES),
    }


def _objectives(metrics: Sequence[Metric]) -> list[dict[str, str]]:
    return [
        {"Type": metric.direction.capitalize(), "MetricName": metric.name}
        for metric in metrics
        if metric.direction is not None
    ]
