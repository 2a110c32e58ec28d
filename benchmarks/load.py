"""Load: wrk, in one thread, keeping connections busy with one request; each sends its next one when it has its answer."""

import json
import os
import resource
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

SCRIPT = Path(__file__).with_name("load.lua")
QUANTILES = ("p50", "p90", "p99", "max")


@dataclass(frozen=True)
class Load:
    """What came of a load.

    Attributes:
        rate: requests answered in a second.
        latencies: quantiles, in milliseconds, by name.
        cost: what wrk took, as a share of all cores' time.
    """

    rate: float
    latencies: dict
    cost: float


def require_wrk():
    if not shutil.which("wrk"):
        raise SystemExit("wrk is not installed; apt-get install wrk")


def load(url, body, content_type, connections, seconds):
    """Any answer but a success ends the benchmark."""
    before = wrk_seconds()
    with tempfile.NamedTemporaryFile() as file:
        file.write(body)
        file.flush()
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "60s", "-s", SCRIPT, url]
        run = subprocess.run([*command, "--", file.name, content_type], check=True, stdout=subprocess.PIPE, text=True)
    said = json.loads(run.stdout.splitlines()[-1])
    if said["refused"] or said["broken"] or not said["requests"]:
        raise SystemExit(f"{url} under {connections} connections of {content_type}: {said}")
    cost = (wrk_seconds() - before) / (said["seconds"] * len(os.sched_getaffinity(0)))
    return Load(said["requests"] / said["seconds"], {name: said[name] for name in QUANTILES}, cost)


def wrk_seconds():
    """Processor time of the children that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
