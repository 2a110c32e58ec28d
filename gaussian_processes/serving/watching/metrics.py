"""Metrics: what Prometheus reads at /metrics, of all workers together."""

import math
import mmap
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
ROWS = (1, 10, 100, 1_000, 10_000, 100_000, 1_000_000)
# Metrics by name: what they are, the names of their labels, and a histogram's bounds.
METRICS: dict[str, tuple[str, tuple[str, ...], tuple[float, ...]]] = {
    "requests": ("Requests, by path, status and content type.", ("path", "status", "content_type"), ()),
    "request_seconds": ("Seconds from a request's head to its answer.", ("path",), SECONDS),
    "request_rows": ("Rows of a request.", (), ROWS),
    "predicted_rows": ("Rows that were predicted.", (), ()),
    "refused_rows": ("Rows that were given a reason instead, in batch transform.", (), ()),
    "examined_rows": ("Rows of which it is known whether they are unlike all that was learnt from.", (), ()),
    "extrapolating_rows": ("Rows that are.", (), ()),
}
# Of one process: more than there are paths, statuses and content types to count by.
SERIES = 2048
SUM = np.dtype([("key", "S119"), ("is_there", "?"), ("sum", "f8")])


@dataclass(frozen=True)
class Tally:
    """What came of a request's records.

    Attributes:
        rows: records that were answered or given a reason.
        faults: those that were given a reason.
        extrapolating: those unlike all that was learnt from; None where nothing was found out about that.
    """

    rows: int
    faults: int
    extrapolating: int | None


@dataclass(frozen=True, eq=False)
class Facts(Collector):
    """What does not change while the server runs: known to each worker, and so not added up.

    Attributes:
        seconds: that loading the model took; None where there is none.
        model: what the model is, by name.
        models: how many are loaded; None where there can be but one.
    """

    seconds: float | None = None
    model: Mapping[str, str] = field(default_factory=dict)
    models: Callable[[], int] | None = None

    def collect(self) -> Iterator[Metric]:
        """As prometheus_client wants it."""
        if self.seconds is not None:
            yield GaugeMetricFamily(
                "model_server_model_load_seconds", "Seconds that loading the model took.", self.seconds
            )
            yield InfoMetricFamily("model_server_model", "What the model is.", dict(self.model))
        if self.models is not None:
            yield GaugeMetricFamily("model_server_models", "Models that are loaded.", self.models())


class Measurements(Collector):
    """Counts requests.

    What is counted lies in memory that the processes share from before the fork: no file system, which may be full, has a
    part in it. Each process has a part of its own, which the one that takes its place goes on with.

    Args:
        facts: that are told along with the counts.
        processes: that may count side by side.
    """

    def __init__(self, facts: Facts, processes: int = 1) -> None:
        self._facts = facts
        memory = np.frombuffer(mmap.mmap(-1, processes * SERIES * SUM.itemsize), SUM)
        self._parts: NDArray[Any] = memory.reshape(processes, SERIES)
        self.begin(0)

    def begin(self, process: int) -> None:
        """Be the process of that number."""
        self._own = self._parts[process % len(self._parts)]
        self._places = {key: place for place, key in enumerate(_used(self._own)["key"].tolist())}

    def observe(self, path: str, status: int, content_type: str, seconds: float, tally: Tally | None) -> None:
        """Count a request.

        Args:
            path: the route, of which there are few: never what a client made up; and so for content_type.
            status: of the answer.
            content_type: of the request.
            seconds: that it took.
            tally: of its rows, where it was answered.
        """
        self._add(1, "requests", path, str(status), content_type)
        self._sort("request_seconds", (path,), seconds)
        if tally is None:
            return
        self._sort("request_rows", (), tally.rows)
        self._add(tally.rows - tally.faults, "predicted_rows")
        self._add(tally.faults, "refused_rows")
        if tally.extrapolating is not None:
            self._add(tally.rows - tally.faults, "examined_rows")
            self._add(tally.extrapolating, "extrapolating_rows")

    def collect(self) -> Iterator[Metric]:
        """As prometheus_client wants it: the sums over all processes."""
        sums: Counter[tuple[str, ...]] = Counter()
        for part in self._parts:
            for key, _, amount in _used(part).tolist():
                sums[tuple(key.decode().split("\t"))] += amount
        for name, (description, labels, bounds) in METRICS.items():
            kind: Any = HistogramMetricFamily if bounds else CounterMetricFamily
            family: Any = kind(f"model_server_{name}", description, labels=labels)
            found = sorted({key[1 : len(labels) + 1] for key in sums if key[0] == name}) if labels else [()]
            for values in found:
                if bounds:
                    counts = accumulate(sums[(name, *values, bound)] for bound in _names(bounds))
                    family.add_metric(values, [*zip(_names(bounds), counts, strict=True)], sums[(name, *values, "sum")])
                else:
                    family.add_metric(values, sums[(name, *values)])
            yield family

    def exposition(self) -> bytes:
        """In Prometheus' text format."""
        registry = CollectorRegistry()
        registry.register(self)
        registry.register(self._facts)
        return generate_latest(registry)

    def _sort(self, name: str, labels: tuple[str, ...], value: float) -> None:
        """Into a histogram's bucket."""
        bounds = METRICS[name][2]
        self._add(1, name, *labels, _names(bounds)[bisect_left(bounds, value)])
        self._add(value, name, *labels, "sum")

    def _add(self, amount: float, *words: str) -> None:
        key = "\t".join(words).encode()
        place = self._places.setdefault(key, len(self._places))
        if place < SERIES:
            own = self._own
            if not own["is_there"][place]:  # but what was killed may have left there
                own[place] = (key, False, 0.0)
                own["is_there"][place] = True
            own["sum"][place] += amount


def _names(bounds: tuple[float, ...]) -> list[str]:
    return [floatToGoString(bound) for bound in (*bounds, math.inf)]


def _used(part: NDArray[Any]) -> NDArray[Any]:
    """The sums that are there. They are looked at one by one: what is looked at takes memory."""
    return part[: next((place for place, is_there in enumerate(part["is_there"]) if not is_there), len(part))]
