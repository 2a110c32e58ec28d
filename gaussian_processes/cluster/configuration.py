"""Configuration: Dask's settings for hosts that share one job and nothing else."""

import logging
from typing import Any

import dask

from gaussian_processes.cluster.replicas import DropCopies

# Seconds of silence after which a worker is taken for lost, and after which the leader is.
WORKER_SILENCE, LEADER_SILENCE = 30.0, 45.0
# Tasks that a worker does at a time, at most: beyond it, its threads share the tasks.
TASKS = 16


def slots(threads: int) -> tuple[int, int]:
    """How many tasks a worker with so many threads does at a time, and in how many threads each computes."""
    tasks = min(threads, TASKS)
    return tasks, threads // tasks


def configure(threads: int) -> None:
    """Set Dask up in this process, and through it in the workers that it starts; what Dask's own variables say counts.

    Args:
        threads: of this host.
    """
    _, each = slots(threads)
    variables = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    policy = f"{DropCopies.__module__}.{DropCopies.__qualname__}"
    settings: dict[str, Any] = {
        # Whose is what is the algorithm's to say: work that is stolen would take its data along.
        "scheduler.work-stealing": False,
        "scheduler.worker-ttl": f"{WORKER_SILENCE} s",
        # A task is not at fault because the workers that had it in hand were lost; the deadline ends what never ends.
        "scheduler.allowed-failures": 1000,
        "scheduler.active-memory-manager": {
            "start": True,
            "interval": "500ms",
            "measure": "managed",
            "policies": [{"class": policy}],
        },
        # A worker that spills to disk, or pauses, would be slower than the job could bear: its needs are known before.
        **dict.fromkeys([f"worker.memory.{limit}" for limit in ("target", "spill", "pause", "terminate")], False),
        "worker.profile.enabled": False,
        # Nobody looks at what Dask measures of itself, fifty times a second, on processors that have other things to do.
        "admin.tick.interval": "1s",
        "admin.system-monitor.interval": "10s",
        "nanny.pre-spawn-environ": {
            **dict.fromkeys(variables, str(each)),
            # Memory that tiles leave is given back at once.
            "MALLOC_TRIM_THRESHOLD_": "65536",
            "DASK_LOGGING__DISTRIBUTED": "critical",
        },
        "admin.large-graph-warning-threshold": "1 TB",
    }
    dask.config.set({f"distributed.{name}": value for name, value in settings.items()})
    dask.config.update(dask.config.config, dask.config.collect())
    # What Dask, and Tornado beneath it, have to say of a host that fails is nobody's concern: the job says it.
    for name in [name for name in logging.root.manager.loggerDict if name.split(".")[0] in ("distributed", "tornado")]:
        logging.getLogger(name).setLevel(logging.CRITICAL)
