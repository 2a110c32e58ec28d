"""Account: what a training job did, as its report tells it."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from pydantic import BaseModel

from gaussian_processes.algorithm import Comparison, Forecast, LearningCurve, Metric
from gaussian_processes.data.dataset import Dataset


@dataclass(frozen=True)
class Channel:
    """A channel as it was read.

    Attributes:
        rows: in all its files.
        features: of each row.
        files: their names, in the order of their rows.
        fingerprint: by which the same data are known again.
    """

    rows: int
    features: int
    files: tuple[str, ...]
    fingerprint: str

    @classmethod
    def of(cls, dataset: Dataset) -> "Channel":
        """What there is to say of the rows that were read."""
        files = tuple(source.name for source in dataset.sources)
        return cls(len(dataset), dataset.features.shape[1], files, dataset.fingerprint)


@dataclass(frozen=True, eq=False)
class Account:
    """What a training job did.

    Attributes:
        algorithm: its name.
        version: of the program.
        job: its name; None where it has none.
        hyperparameters: as parsed, so that they know which of them were given.
        declared: what the algorithm says of its metrics.
        metrics: their values; those not finite are told as such.
        objective: the metric that a tuning job optimises; None where there is none.
        timings: seconds by phase, in order.
        peak_memory: bytes.
        threads: that it computed in.
        versions: of what it ran on, by name.
        channels: by name.
        columns: the target's name and the features' names; None where the files have none.
        learned: hyperparameters that were not taken as given, with what they became.
        forecast: what the plots of predictions show; None where the algorithm has made none.
        forecast_of: where its targets come from, such as "validation channel" or "leave-one-out".
        rows: the rows of the forecast, with their features and files; None where they are unknown.
        comparison: what the model was chosen among; None where there was no choice.
        curve: what the criterion did while hyperparameters were learned; None where that is unknown.
        warnings: what speaks against trusting the model, in sentences.
    """

    algorithm: str
    version: str
    job: str | None
    hyperparameters: BaseModel
    declared: tuple[Metric, ...]
    metrics: Mapping[str, float]
    objective: str | None
    timings: Mapping[str, float]
    peak_memory: int
    threads: int
    versions: Mapping[str, str]
    channels: Mapping[str, Channel]
    columns: tuple[str, ...] | None = None
    learned: Mapping[str, float] = field(default_factory=dict)
    forecast: Forecast | None = None
    forecast_of: str = "validation channel"
    rows: Dataset | None = None
    comparison: Comparison | None = None
    curve: LearningCurve | None = None
    warnings: tuple[str, ...] = ()

    @property
    def defaults(self) -> dict[str, Any]:
        """The hyperparameters that nothing given would have led to; those that must be given are None."""
        fields = type(self.hyperparameters).model_fields
        return {
            name: None if f.is_required() else f.get_default(call_default_factory=True) for name, f in fields.items()
        }

    def document(self) -> dict[str, Any]:
        """All but what is only drawn, for JSON: what is not finite, which JSON cannot say, is None."""
        told = {
            "algorithm": self.algorithm,
            "version": self.version,
            "job": self.job,
            "metrics": self.metrics,
            "objective": self.objective,
            "hyperparameters": self.hyperparameters.model_dump(),
            "defaults": self.defaults,
            "given": sorted(self.hyperparameters.model_fields_set),
            "learned": self.learned,
            "warnings": self.warnings,
            "comparison": _told(self.comparison) if self.comparison else None,
            "timings": self.timings,
            "peak_memory": self.peak_memory,
            "threads": self.threads,
            "versions": self.versions,
            "channels": {name: asdict(channel) for name, channel in self.channels.items()},
            "columns": self.columns,
            "forecast_of": self.forecast_of if self.forecast else None,
        }
        return {key: _sayable(value) for key, value in told.items()}


def _told(comparison: Comparison) -> dict[str, Any]:
    variants = [{"settings": variant.settings, "value": variant.value} for variant in comparison.variants]
    return {"criterion": comparison.criterion, "chosen": comparison.chosen, "variants": variants}


def _sayable(value: Any) -> Any:
    match value:
        case Mapping():
            return {str(key): _sayable(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_sayable(inner) for inner in value]
        case float():
            return float(value) if math.isfinite(value) else None
        case None | bool() | int() | str():
            return value
        case _:
            return str(value)
