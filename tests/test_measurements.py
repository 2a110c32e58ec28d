"""What is counted: the sums of all workers, those that have died as well, as Prometheus reads them."""

import os
import signal

import pytest
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from gaussian_processes.serving.watching.metrics import ROWS, SECONDS, Facts, Measurements, Tally

pytestmark = pytest.mark.slow

REQUESTS = [
    ("/ping", 200, "none", 0.0001, None),
    ("/invocations", 200, "text/csv", 0.001, Tally(1, 0, None)),
    ("/invocations", 200, "text/csv", 0.00101, Tally(1_000_000, 3, 5)),
    ("/invocations", 400, "application/json", 61.5, None),
    ("/models/<name>/invoke", 507, "other", 0.5, Tally(10**7, 0, 10**7)),
]


def observe(measurements, requests=REQUESTS):
    for request in requests:
        measurements.observe(*request)


def lines(exposition):
    return {line for line in exposition.decode().splitlines() if "_created" not in line}


def as_prometheus_counts():
    """The same requests, counted by prometheus_client itself."""
    registry = CollectorRegistry()
    names = ("path", "status", "content_type")
    requests = Counter("model_server_requests", "Requests, by path, status and content type.", names, registry=registry)
    seconds = Histogram(
        "model_server_request_seconds",
        "Seconds from a request's head to its answer.",
        ("path",),
        registry=registry,
        buckets=SECONDS,
    )
    rows = Histogram("model_server_request_rows", "Rows of a request.", registry=registry, buckets=ROWS)
    for path, status, content_type, duration, tally in REQUESTS:
        requests.labels(path, str(status), content_type).inc()
        seconds.labels(path).observe(duration)
        if tally:
            rows.observe(tally.rows)
    return lines(generate_latest(registry))


def test_requests_are_told_as_prometheus_own_client_tells_them():
    """To the letter."""
    measurements = Measurements(Facts())
    observe(measurements)
    assert as_prometheus_counts() < lines(measurements.exposition())


def test_rows_are_counted_by_what_came_of_them():
    """Those of which nothing was found out are not among the examined."""
    measurements = Measurements(Facts())
    observe(measurements)
    found = lines(measurements.exposition())
    for name, count in {
        "predicted": 10999998.0,
        "refused": 3.0,
        "examined": 10999997.0,
        "extrapolating": 10000005.0,
    }.items():
        (value,) = (float(line.split()[1]) for line in found if line.startswith(f"model_server_{name}_rows_total "))
        assert value == count


def test_before_any_request_there_are_zeros():
    """Of what has no labels: a rate needs them."""
    found = lines(Measurements(Facts()).exposition())
    assert {"model_server_predicted_rows_total 0.0", "model_server_request_rows_count 0.0"} < found


@pytest.mark.parametrize("ending", [signal.SIGKILL, None], ids=["killed", "ended"])
def test_counts_are_of_all_processes_and_outlive_each(ending):
    """Three that count side by side, each of which is replaced by one of its number, again and again."""
    measurements = Measurements(Facts(), 3)
    for _ in range(4):
        children = []
        for number in range(3):
            child = os.fork()
            if not child:
                measurements.begin(number)
                observe(measurements)
                os._exit(0) if ending is None else os.kill(os.getpid(), ending)
            children.append(child)
        for child in children:
            os.waitpid(child, 0)
    found = lines(measurements.exposition())
    assert 'model_server_requests_total{content_type="text/csv",path="/invocations",status="200"} 24.0' in found
    assert 'model_server_request_seconds_bucket{le="+Inf",path="/invocations"} 36.0' in found
    assert "model_server_refused_rows_total 36.0" in found


def test_a_process_that_is_killed_while_it_counts_spoils_nothing():
    """At any moment: what it has counted is whole, and who takes its place goes on from there."""
    measurements = Measurements(Facts(), 1)
    before = 0.0
    for round_ in range(20):
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            measurements.begin(0)
            os.write(writing, b"1")
            for number in range(100):
                measurements.observe(f"/{round_}/{number}", 200, "none", 0.1, None)
            signal.pause()
        os.read(reading, 1)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(reading)
        os.close(writing)
        counts = [
            float(line.rpartition(" ")[2]) for line in lines(measurements.exposition()) if "requests_total{" in line
        ]
        assert set(counts) <= {0.0, 1.0}
        assert sum(counts) >= before
        before = sum(counts)


def test_more_series_than_there_is_room_for_leave_the_others_right():
    """Which would take more paths than there are."""
    measurements = Measurements(Facts())
    for number in range(3000):
        measurements.observe(f"/{number}", 200, "none", 0.1, None)
    observe(measurements, [("/0", 200, "none", 0.1, None)])
    assert 'model_server_requests_total{content_type="none",path="/0",status="200"} 2.0' in lines(
        measurements.exposition()
    )
