"""The specification: the parts of AWS requests that follow from what an algorithm declares."""

import json
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gaussian_processes import __version__
from gaussian_processes.algorithm import Algorithm, Metric, SeveralHosts
from gaussian_processes.data.channels.formats import FORMATS
from gaussian_processes.data.http import ANSWERS, REQUESTS
from gaussian_processes.description.hyperparameters import Parameter, parameters_of, search_range, text
from gaussian_processes.job.contract.channels import INPUT_MODES, TRAINING_CHANNELS, VALIDATION_CHANNEL
from gaussian_processes.job.contract.metric_definitions import definition_for

CONTENT_TYPES = tuple(name for known in FORMATS for name in known.media_types)
COMPRESSION_TYPES = ("None", "Gzip")
# What AWS has with each kind of processor, and without an accelerator: of ARM processors, Graviton, endpoints alone.
INSTANCES = Path(__file__).with_name("instances.json")
DESCRIPTION_LENGTH = 1024


def describe(algorithm: Algorithm[Any, Any], image: str, architecture: str = "amd64") -> dict[str, Any]:
    """Everything that a request for this image repeats, under AWS's names.

    Args:
        algorithm: which declares hyperparameters and metrics.
        image: its address in a registry.
        architecture: of the processors that it is for, amd64 or arm64.

    Raises:
        ConfigurationError: a hyperparameter is marked for a search that no tuner could make.
    """
    parameters = parameters_of(algorithm.hyperparameters)
    instances = {
        use: [f"ml.{family}.{size}" for family, sizes in families.items() for size in sizes.split()]
        for use, families in json.loads(INSTANCES.read_text())[architecture].items()
    }
    several_hosts = algorithm.distribution is not None and issubclass(algorithm.hyperparameters, SeveralHosts)
    specification = {
        "TrainingImage": image,
        "SupportedHyperParameters": [_hyperparameter(parameter) for parameter in parameters],
        "SupportedTrainingInstanceTypes": instances["training"],
        "SupportsDistributedTraining": several_hosts,
        "MetricDefinitions": [definition_for(metric, algorithm.metrics).entry for metric in algorithm.metrics],
        "TrainingChannels": [
            _channel(TRAINING_CHANNELS[0], "rows to learn from: the target, then the features", required=True),
            _channel(VALIDATION_CHANNEL, "rows to compute the validation metrics on", required=False),
        ],
        "SupportedTuningJobObjectiveMetrics": _objectives(algorithm.metrics),
    }
    inference = {
        "Containers": [{"Image": image}],
        "SupportedTransformInstanceTypes": instances["transform"],
        "SupportedRealtimeInferenceInstanceTypes": instances["endpoint"],
        "SupportedContentTypes": [name for known in REQUESTS for name in known.media_types],
        "SupportedResponseMIMETypes": [known.media_type for known in ANSWERS],
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
        # A list of instances for batches may be left out, and may not be empty.
        "InferenceSpecification": {name: value for name, value in inference.items() if value},
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
