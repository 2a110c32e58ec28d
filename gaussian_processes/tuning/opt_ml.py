"""The /opt/ml that SageMaker would give a training job, in a folder of this machine."""

import json
from collections.abc import Mapping
from pathlib import Path

from gaussian_processes.tuning.request import TuningRequest


def write_opt_ml(
    request: TuningRequest, combination: Mapping[str, str], data: Path, directory: Path, *, mounted: bool
) -> None:
    """Write the documents of a job, and a link to its data, or, where they will be mounted, a place for them."""
    definition = request.training_job_definition
    hyperparameters = definition.static_hyper_parameters | dict(combination)
    hyperparameters["_tuning_objective_metric"] = request.objective.metric_name
    content_types = {channel.channel_name: channel.content_type for channel in definition.input_data_config}
    channels = {}
    for path in sorted(data.iterdir()):
        if path.is_dir():
            channels[path.name] = {
                "TrainingInputMode": "File",
                "S3DistributionType": "FullyReplicated",
                "RecordWrapperType": "None",
            }
            if content_types.get(path.name) is not None:
                channels[path.name]["ContentType"] = str(content_types[path.name])
    metrics = [
        {"Name": metric.name, "Regex": metric.regex} for metric in definition.algorithm_specification.metric_definitions
    ]
    documents = {
        "hyperparameters": hyperparameters,
        "inputdataconfig": channels,
        "resourceconfig": {"current_host": "algo-1", "hosts": ["algo-1"], "network_interface_name": "eth0"},
        "metric-definition-regex": metrics,
    }
    config = directory / "input/config"
    config.mkdir(parents=True)
    for name, document in documents.items():
        (config / f"{name}.json").write_text(json.dumps(document), encoding="utf-8")
    for folder in ("model", "output"):
        (directory / folder).mkdir()
    if mounted:
        (directory / "input/data").mkdir()
    else:
        (directory / "input/data").symlink_to(data, target_is_directory=True)
