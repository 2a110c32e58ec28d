"""Inputs: which channels a job has, and what it learns and validates with."""

from collections.abc import Mapping
from typing import Any

from gaussian_processes.data.channels import read_channel
from gaussian_processes.data.dataset import Dataset
from gaussian_processes.errors import ConfigurationError, DataError
from gaussian_processes.job.documents import read_object
from gaussian_processes.job.paths import OptMl

TRAINING_CHANNELS = ("training", "train")
VALIDATION_CHANNEL = "validation"


def read_inputs(paths: OptMl) -> tuple[Dataset, Dataset | None]:
    """The training channel, and the validation channel if the job has one, with the same columns.

    Raises:
        ConfigurationError: a channel is not delivered in a way that can be read.
        DataError: no training channel or two of them, fewer than two rows, different columns, and as `read_channel`.
    """
    channels = read_object(paths.input_data_config)
    names = set(channels) | {path.name for path in paths.data.glob("*") if path.is_dir()}
    given = [name for name in TRAINING_CHANNELS if name in names]
    if not given:
        found = ", ".join(sorted(names)) or "none"
        raise DataError(
            f"The job has no channel named 'training' or 'train'; found in {paths.data}: {found}. Name one of them so."
        )
    if len(given) > 1:
        raise DataError("The job has a channel 'training' and a channel 'train'; which one to learn from? Keep one.")
    training = _read_channel(paths, given[0], channels)
    if len(training) < 2:
        raise DataError(f"Channel '{given[0]}' holds one row ({training.origin(0)}); two or more are wanted.")
    if VALIDATION_CHANNEL not in names:
        return training, None
    validation = _read_channel(paths, VALIDATION_CHANNEL, channels)
    if validation.features.shape[1] != training.features.shape[1]:
        raise DataError(
            f"{validation.sources[0].name} has {validation.features.shape[1] + 1} columns where "
            f"{training.sources[0].name} has {training.features.shape[1] + 1}; the target and the same features are "
            "wanted in both channels."
        )
    return training, validation


def _read_channel(paths: OptMl, name: str, channels: Mapping[str, Any]) -> Dataset:
    settings = channels.get(name, {})
    if not isinstance(settings, dict):
        raise ConfigurationError(f"{paths.input_data_config.name}: channel '{name}' is not an object.")
    if settings.get("TrainingInputMode") == "Pipe":
        raise ConfigurationError(f"Channel '{name}' is in Pipe mode; this image reads File and FastFile channels.")
    content_type = settings.get("ContentType")
    if not isinstance(content_type, str | None):
        raise ConfigurationError(f"{paths.input_data_config.name}: the ContentType of channel '{name}' is no string.")
    return read_channel(paths.data / name, content_type)
