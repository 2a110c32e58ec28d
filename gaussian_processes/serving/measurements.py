"""Measurements: what Prometheus reads at /metrics, of all workers together."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
ROWS = (1, 10, 100, 1_000, 10_000, 100_000, 1_000_000)


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


class Measurements:
    """Counts requests.

    Args:
        folder: in which every process keeps its own counts, where there are several; prometheus_client has read its name
            from PROMETHEUS_MULTIPROC_DIR when it was imported. None for one process.
        facts: that are told along with the counts.
    """

    def __init__(self, folder: str | None, facts: Facts) -> None:
        self._folder = folder
        self._facts = facts
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "model_server_requests",
            "Requests, by path, status and content type.",
            ("path", "status", "content_type"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "model_server_request_seconds",
            "Seconds from a request's head to its answer.",
            ("path",),
            registry=self._registry,
            buckets=SECONDS,
        )
        self._rows = Histogram("model_server_request_rows", "Rows of a request.", registry=self._registry, buckets=ROWS)
        self._row_counts = {
            name: Counter(f"model_server_{name}_rows", description, registry=self._registry)
            for name, description in (
                ("predicted", "Rows that were predicted."),
                ("refused", "Rows that were given a reason instead, in batch transform."),
                ("examined", "Rows of which it is known whether they are unlike all that was learnt from."),
                ("extrapolating", "Rows that are."),
            )
        }

    def observe(self, path: str, status: int, content_type: str, seconds: float, tally: Tally | None) -> None:
        """Count a request.

        Args:
            path: the route, of which there are few: never what a client made up; and so for content_type.
            status: of the answer.
            content_type: of the request.
            seconds: that it took.
            tally: of its rows, where it was answered.
        """
        self._requests.labels(path, str(status), content_type).inc()
        self._seconds.labels(path).observe(seconds)
        if tally is None:
            return
        self._rows.observe(tally.rows)
        self._row_counts["predicted"].inc(tally.rows - tally.faults)
        self._row_counts["refused"].inc(tally.faults)
        if tally.extrapolating is not None:
            self._row_counts["examined"].inc(tally.rows - tally.faults)
            self._row_counts["extrapolating"].inc(tally.extrapolating)

    def exposition(self) -> bytes:
        """In Prometheus' text format."""
        registry = CollectorRegistry()
        if self._folder:
            MultiProcessCollector(registry, self._folder)
        else:
            registry.register(self._registry)
        registry.register(self._facts)
        return generate_latest(registry)
