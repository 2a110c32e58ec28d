"""Channels: which of them a job has, and what it learns and validates with."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gaussian_processes.algorithm import Size
from gaussian_processes.data.channels.builder import require_same_names
from gaussian_processes.data.channels.channel import Channel, parse_channel_type
from gaussian_processes.data.channels.reading import read_channel
from gaussian_processes.data.channels.survey import survey_channel
from gaussian_processes.data.dataset import Dataset
from gaussian_processes.errors import ConfigurationError, DataError, Faults
from gaussian_processes.job.contract.documents import read_object
from gaussian_processes.job.contract.paths import OptMl

TRAINING_CHANNELS = ("training", "train")
VALIDATION_CHANNEL = "validation"
INPUT_MODES = ("File", "FastFile", "Pipe")
# What AWS's incremental training calls its channel, and a model in any other; and channels of the SDK's own programs.
MODEL_CHANNEL, MODEL_TYPE, PROGRAMS = "model", "application/x-sagemaker-model", {"code", "sm_drivers"}

# Called again and again while channels are read, with what is being read and the fraction of its bytes that is.
Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Inputs:
    """The channels of a job that are read, and the names of the others, which are left alone."""

    training: Channel
    validation: Channel | None
    others: tuple[str, ...] = ()

    @property
    def note(self) -> str | None:
        """What is left alone, and why, in words."""
        advice = "" if self.validation else f" Name a channel '{VALIDATION_CHANNEL}' to evaluate the model on it."
        only = f"only '{self.training.name}' and '{VALIDATION_CHANNEL}' are read.{advice}"
        return f"Channels left alone: {', '.join(map(repr, self.others))}; {only}" if self.others else None


@dataclass(frozen=True, eq=False)
class Datasets:
    """What was read of a job's channels."""

    training: Dataset
    validation: Dataset | None

    @property
    def size(self) -> Size:
        """By which an algorithm says what it needs."""
        rows, features = self.training.features.shape
        return Size(rows, features, len(self.validation) if self.validation else 0)

    @property
    def by_channel(self) -> dict[str, Dataset]:
        """Those that there are, by what they are for."""
        validation = {VALIDATION_CHANNEL: self.validation} if self.validation else {}
        return {TRAINING_CHANNELS[0]: self.training} | validation


def find_channels(paths: OptMl, group: str | None = None) -> Inputs:
    """The job's channels by what SageMaker says of them, on a host of this instance group if there are several groups.

    Raises:
        ConfigurationError: a channel is not delivered in a way that can be read.
        DataError: no training channel or two of them, a content type that none can have, or a model to go on from.
        UserError: several of these.
    """
    settings = read_object(paths.input_data_config)
    names = set(settings) | {folder.name for folder in paths.data.glob("*/")}
    others = tuple(sorted(names - {*TRAINING_CHANNELS, VALIDATION_CHANNEL, *PROGRAMS}))
    given = [name for name in TRAINING_CHANNELS if name in names]

    def training_channel() -> Channel:
        if len(given) > 1:
            raise DataError("The job has a channel 'training' and a channel 'train'; which one to learn? Keep one.")
        channel = _channel(paths, given[0], settings) if given else None
        if channel and (channel.piped or channel.path.is_dir() or not group):
            return channel
        found = ", ".join(sorted(names.difference(given))) or "none"
        remedy = "Name one of them so."
        if group:
            remedy = f"This host leads: its instance group, {group!r}, must be in the channel's InstanceGroupNames."
        raise DataError(f"The job has no channel named 'training' or 'train'; found in {paths.data}: {found}. {remedy}")

    faults = Faults()
    training = faults.gather(training_channel)
    validation = None
    if VALIDATION_CHANNEL in names:
        validation = faults.gather(lambda: _channel(paths, VALIDATION_CHANNEL, settings))
    faults.gather(lambda: _refuse_models(others, settings))
    faults.raise_any()
    return Inputs(training, validation, others)  # type: ignore[arg-type]  # what was not refused is there


def read_inputs(inputs: Inputs, read: Callable[[Channel], Dataset]) -> Datasets:
    """The training channel, and the validation channel if the job has one, with the same columns.

    Args:
        inputs: the channels.
        read: reads one of them.

    Raises:
        DataError: fewer than two rows to learn from, different columns, and as `read`.
        PlatformError: as `read`.
    """
    training = read(inputs.training)
    if len(training) < 2:
        raise DataError(
            f"Channel '{inputs.training.name}' holds one row ({training.origin(0)}); two or more are wanted."
        )
    if inputs.validation is None:
        return Datasets(training, None)
    validation = read(inputs.validation)
    here, there = validation.sources[0].name, training.sources[0].name
    if validation.features.shape[1] != training.features.shape[1]:
        raise DataError(
            f"{here} has {validation.features.shape[1] + 1} columns where {there} has {training.features.shape[1] + 1}; "
            "the target and the same features are wanted in both channels."
        )
    require_same_names(f"Channel '{inputs.validation.name}'", validation.columns, there, training.columns)
    return Datasets(training, validation)


def read_here(channel: Channel, progress: Progress) -> Dataset:
    """A channel that this host has, telling how far the reading is.

    Raises:
        DataError, PlatformError: as `read_channel`.
    """
    size = survey_channel(channel).bytes

    def advance(read: int) -> None:
        if size:
            progress(f"reading channel {channel.name}", read / size)

    return read_channel(channel, advance)


def _refuse_models(others: Iterable[str], settings: Mapping[str, Any]) -> None:
    """Refuse AWS's incremental training: the user would believe that the old model is used."""
    for name in others:
        if name.lower() == MODEL_CHANNEL or MODEL_TYPE in str(settings.get(name)).lower():
            raise DataError(
                f"Channel '{name}' brings a model, for incremental training. Nothing here goes on from an earlier model: "
                "each job learns from its training channel alone. Remove the channel."
            )


def _channel(paths: OptMl, name: str, settings: Mapping[str, Any]) -> Channel:
    document = paths.input_data_config.name
    of_channel = settings.get(name) or {}
    if not isinstance(of_channel, dict):
        raise ConfigurationError(f"{document}: channel '{name}' is not an object.")
    wrapper = of_channel.get("RecordWrapperType") or "None"
    if wrapper != "None":
        raise ConfigurationError(
            f"Channel '{name}' has the RecordWrapperType {str(wrapper)[:40]!r}; its files are read as they are: set None."
        )
    content_type = of_channel.get("ContentType") or None
    if not isinstance(content_type, str | None):
        raise ConfigurationError(f"{document}: the ContentType of channel '{name}' is no string.")
    mode = of_channel.get("TrainingInputMode") or "File"
    if mode not in INPUT_MODES:
        raise ConfigurationError(
            f"{document}: channel '{name}' has the TrainingInputMode {str(mode)[:40]!r}; File, FastFile or Pipe is wanted."
        )
    sharded = of_channel.get("S3DistributionType") == "ShardedByS3Key"
    known, parameters = parse_channel_type(name, content_type)
    return Channel(name, paths.data / name, known, parameters, piped=mode == "Pipe", sharded=sharded)
