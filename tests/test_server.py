"""How many workers there are, in how many threads: never more than cores and memory carry."""

from dataclasses import replace

import pytest

from gaussian_processes.serving.processes import server
from gaussian_processes.serving.processes.server_settings import Settings

SETTINGS = replace(Settings.from_environ({}), cores=8)
GIB = 2**30


@pytest.mark.parametrize(
    ("settings", "memory", "workers"),
    [
        (SETTINGS, float("inf"), 8),
        (SETTINGS, 64 * GIB, 8),
        (SETTINGS, GIB, 4),
        (SETTINGS, 0.1 * GIB, 1),
        (SETTINGS, -GIB, 1),
        (replace(SETTINGS, workers=3), 0.1 * GIB, 3),
        (replace(SETTINGS, multi_model=True, workers=3), 64 * GIB, 1),
    ],
)
def test_workers_are_as_many_as_cores_and_as_the_model_has_left_memory_for(monkeypatch, settings, memory, workers):
    """Unless the user says how many; of many models one process has them all."""
    monkeypatch.setattr(server, "available_memory", lambda: memory)
    assert server._workers(settings) == workers


@pytest.mark.parametrize(
    ("settings", "workers", "threads"),
    [
        (SETTINGS, 8, 1),
        (SETTINGS, 3, 2),
        (SETTINGS, 1, 8),
        (SETTINGS, 20, 1),
        (replace(SETTINGS, threads=5), 2, 5),
        (replace(SETTINGS, multi_model=True), 1, 1),
    ],
)
def test_workers_times_threads_are_no_more_than_the_cores(monkeypatch, settings, workers, threads):
    """Unless the user says how many threads; many models are computed side by side, each in one."""
    limits = []
    monkeypatch.setattr(server, "threadpool_limits", limits.append)
    server._gunicorn_settings(settings, workers, print)["post_fork"](None, None)
    assert limits == [threads]
