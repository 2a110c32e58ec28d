"""Servers as child processes, the model that they answer with, and what the system knows of their processes."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

from timing import ROOT, rows

import numpy as np

CORES = len(os.sched_getaffinity(0))


def train(folder, N, d=10):
    """Make `folder` an /opt/ml, and run the real `train` there on N rows."""
    (folder / "input/config").mkdir(parents=True)
    for name, document in (("hyperparameters", {"bias": "1"}), ("inputdataconfig", {})):
        (folder / f"input/config/{name}.json").write_text(json.dumps(document))
    (folder / "input/data/training").mkdir(parents=True)
    X, y = rows(N, d)
    np.save(folder / "input/data/training/rows.npy", np.column_stack([y, X]))
    environ = environ_of(folder)
    subprocess.run(
        [sys.executable, ROOT / "gaussian_processes/train"], env=environ, check=True, stdout=subprocess.DEVNULL
    )


def environ_of(folder, **more):
    """The number of threads is left to `train` and `serve`, unless `more` says it."""
    environ = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    return {**environ, "SAGEMAKER_BASE_DIR": str(folder), **more}


@dataclass(frozen=True)
class Server:
    """A server that answers on a port of this machine; `parent` is the id of its first process."""

    parent: int
    port: int

    def ask(self, path, body=None, **headers):
        """The status and the body of an answer."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=600)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request("GET" if body is None else "POST", path, body, named)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, content

    def workers(self):
        """The ids of the processes below it."""
        return descendants(self.parent)

    def settle(self):
        """Wait until it does nothing: what was asked by clients that have gone is computed all the same."""
        before, now = -1.0, 0.0
        while now - before > 0.02:
            before = now
            time.sleep(0.2)
            now = sum(map(cpu_seconds, [self.parent, *self.workers()]))


def serve(folder, workers=CORES, **environ):
    """The server of this project, as it starts by itself but for what `environ` says."""
    port = free_port()
    environ = environ_of(folder, SAGEMAKER_BIND_TO_PORT=str(port), MODEL_SERVER_WORKERS=str(workers), **environ)
    return running([sys.executable, str(ROOT / "gaussian_processes/serve")], port, environ, workers)


@contextmanager
def running(command, port, environ, workers=None, ready="/ping"):
    """A server, from when it is ready, with all its workers where their number is given, until the block ends."""
    log = Path(environ["SAGEMAKER_BASE_DIR"], f"{port}.log")
    with log.open("wb") as stream:
        process = subprocess.Popen(command, env=environ, stdout=stream, stderr=subprocess.STDOUT)
    server = Server(process.pid, port)
    try:
        deadline = time.monotonic() + 60
        while not (is_ready(server, ready) and workers in (None, len(server.workers()))):
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{' '.join(command)} does not start:\n{log.read_text()[-2000:]}")
            time.sleep(0.05)
        yield server
    finally:
        below = server.workers()
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            for worker in below:
                with suppress(ProcessLookupError):
                    os.kill(worker, signal.SIGKILL)


def is_ready(server, path):
    try:
        return server.ask(path)[0] == 200
    except OSError:
        return False


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def connect(server, worker):
    """A connection that this worker has taken. The system chooses who takes one, so there may be others before it."""
    others = []
    try:
        for _ in range(1000):
            connection = socket.create_connection(("127.0.0.1", server.port))
            if owner(server, connection) == worker:
                return connection
            others.append(connection)
    finally:
        for connection in others:
            connection.close()
    raise SystemExit(f"The worker {worker} takes none of 1,000 connections.")


def owner(server, connection):
    """The worker that has taken a connection."""
    ends = [f":{server.port:04X}", f":{connection.getsockname()[1]:04X}"]
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
            fields = line.split()
            if [fields[1][-5:], fields[2][-5:]] == ends:
                inode = f"socket:[{fields[9]}]"
                for worker in server.workers():
                    if inode in open_files(worker):
                        return worker
        time.sleep(0.002)
    raise SystemExit("No worker has taken a connection for a minute.")


def open_files(process):
    for entry in Path(f"/proc/{process}/fd").iterdir():
        try:
            yield str(entry.readlink())
        except FileNotFoundError:  # closed in the meantime
            continue


class Meter:
    """How busy others are: beside busy neighbours a benchmark says little."""

    def __init__(self, servers):
        self._servers = servers
        self._start = self._now()

    def others(self):
        """Cores that neither this process and its children nor the servers have had since the beginning."""
        busy, own, at = (now - start for now, start in zip(self._now(), self._start, strict=True))
        return max(0.0, busy - own) / at

    def _now(self):
        ticks = [int(field) for field in Path("/proc/stat").read_text().split(maxsplit=9)[1:9]]
        busy = (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")  # less idle and waiting for a disk
        processes = [process for server in self._servers for process in (server.parent, *server.workers())]
        return busy, sum(os.times()[:4]) + sum(map(cpu_seconds, processes)), time.monotonic()


def descendants(process):
    """The ids of a process's children, and of theirs."""
    lists = [path.read_text().split() for path in Path(f"/proc/{process}/task").glob("*/children")]
    children = [int(child) for found in lists for child in found]
    return children + [below for child in children for below in descendants(child)]


def cpu_seconds(process):
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(process, name, file="status"):
    """A line of /proc/PID/status or another file like it, such as VmHWM, in bytes."""
    lines = Path(f"/proc/{process}/{file}").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))
