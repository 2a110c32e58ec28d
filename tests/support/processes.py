"""A temporary /opt/ml, and the real executables run on it as child processes."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from reference import ROOT

from gaussian_processes.job.contract.paths import OptMl

NEIGHBOURS = {"ALGORITHM": "nearest_neighbours", "PYTHONPATH": str(ROOT / "tests/algorithms")}

# For `slow_tiles`, and for Dask: hosts that are hasty to take each other for lost. With ALL_FAULTS=1 they are as patient as
# in a real job.
ALL_FAULTS = "ALL_FAULTS" in os.environ
HASTY = {
    "HASTE": "5",
    "DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "5 s",
    "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "5 s",
    "DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP": "11 s",
}


def write_opt_ml(root, channels, hyperparameters=None, config=None):
    """Lay out `root` as SageMaker lays out /opt/ml; `channels` maps 'channel/file' to its text or bytes."""
    for name, content in channels.items():
        path = root / "input/data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    folder = root / "input/config"
    folder.mkdir(parents=True)
    documents = {"hyperparameters": hyperparameters or {}, "inputdataconfig": config or {}}
    for name, document in documents.items():
        (folder / f"{name}.json").write_text(document if isinstance(document, str) else json.dumps(document))
    return OptMl(root)


def slow_tiles(folder: Path, progress: Path, seconds: float = 0.04) -> dict[str, str]:
    """The environment in which the algorithm is that of slow_tiles.py, which is found in a folder."""
    wanted = {"PYTHONPATH": str(folder), "PROGRESS": str(progress), "TILE_SECONDS": str(seconds)}
    return {"ALGORITHM": "slow_tiles", **wanted, **({} if ALL_FAULTS else HASTY)}


def environ_of(paths: OptMl, extra: Mapping[str, str] | None = None):
    return {**os.environ, "SAGEMAKER_BASE_DIR": str(paths.root), "OMP_NUM_THREADS": "1", **(extra or {})}


def run_train(
    paths: OptMl, extra: Mapping[str, str] | None = None, arguments: Sequence[str] = ()
) -> subprocess.CompletedProcess:
    """`train`, to its end; a warning is an error there too."""
    command = [sys.executable, "-W", "error", str(ROOT / "gaussian_processes/train"), *arguments]
    return subprocess.run(
        command, env=environ_of(paths, extra), capture_output=True, text=True, timeout=120, check=False
    )


def docker(*arguments, check=True):
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=900, check=check)


def require_engine() -> None:
    """Skip the test, with the reason, where no Docker engine answers."""
    if shutil.which("docker") is None:
        pytest.skip("there is no docker command on this machine")
    info = subprocess.run(["docker", "info"], capture_output=True, text=True, check=False)
    if info.returncode:
        pytest.skip(f"no Docker engine answers: {info.stderr.strip() or info.stdout.strip()}")


def require_aws_clients() -> Path:
    """The folder of AWS's own clients; skip the test, with the reason, where they are not installed."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gaussian-processes/aws"
    installed = folder / "installed.txt"
    if not installed.exists() or installed.read_bytes() != (ROOT / "requirements/aws.txt").read_bytes():
        pytest.skip("AWS's clients are not installed as requirements/aws.txt has them; tests/container/clients.sh does")
    return folder


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    text: str


@dataclass(frozen=True)
class Server:
    """A running `serve`."""

    process: subprocess.Popen
    port: int
    log: Path

    def request(self, path, body=None, method=None, **headers):
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data=body, headers=named, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return Answer(response.status, response.headers, response.read().decode())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.headers, error.read().decode())

    @property
    def workers(self):
        """The process numbers of gunicorn's workers."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        # In the order in which they were started; nginx, where it stands before them, is none.
        return [int(child) for child in children if "serve" in Path(f"/proc/{child}/cmdline").read_text()]

    @property
    def events(self):
        """What the log of requests has."""
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def running_server(
    paths: OptMl, extra: Mapping[str, str] | None = None, *, healthy: bool = True, within: Sequence[str] = ()
) -> Iterator[Server]:
    """`serve`, from its first healthy ping, or its first answer at all, until the block ends; `within` what runs it."""
    port = free_port()
    log = paths.root / "serve.log"
    command = [*within, sys.executable, "-W", "error", str(ROOT / "gaussian_processes/serve")]
    environ = environ_of(paths, {"SAGEMAKER_BIND_TO_PORT": str(port), **(extra or {})})
    with log.open("wb") as stream:
        process = subprocess.Popen(command, env=environ, stdout=stream, stderr=subprocess.STDOUT)
    server = Server(process, port, log)
    try:
        wait_for_ping(server, healthy=healthy)
        if healthy:  # the first worker answers before the others are started: a test that counts them would see too few
            wait_for(lambda: len(server.workers) >= int(environ.get("MODEL_SERVER_WORKERS", 1)))
        yield server
    finally:
        process.terminate()
        process.wait(timeout=30)


def wait_for(condition, seconds=60.0, pause=0.02):
    """Until the condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it has not come about in time"
        time.sleep(pause)


def wait_for_ping(server: Server, *, healthy: bool = True) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        assert server.process.poll() is None, server.log.read_text()
        try:
            if server.request("/ping").status == 200 or not healthy:
                return
        except OSError:
            pass
        time.sleep(0.05)
    pytest.fail(f"no ping within 30 s: {server.log.read_text()}")
