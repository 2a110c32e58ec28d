"""`serve` leans on no folder: /dev/shm may be full, fill up, or be missing; and whatever ends the server, nothing is left."""

import os
import shutil
import signal
import socket
import subprocess
import sys

import numpy as np
import pytest
from mounts import shared_memory
from processes import NEIGHBOURS, environ_of, free_port, run_train, running_server, wait_for, write_opt_ml
from reference import ROOT

FRONTS = ["gunicorn", "nginx"]


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    rows = np.random.default_rng(6).normal(size=(50, 4))
    text = "".join(",".join(map(repr, row)) + "\n" for row in rows.tolist())
    paths = write_opt_ml(tmp_path_factory.mktemp("served"), {"training/a.csv": text})
    assert run_train(paths, NEIGHBOURS).returncode == 0
    return paths


@pytest.fixture(params=FRONTS)
def front(request):
    """What stands at the port."""
    if request.param == "nginx" and shutil.which("nginx") is None:
        pytest.skip("there is no nginx on this machine")
    return {**NEIGHBOURS, "MODEL_SERVER_FRONT": request.param, "MODEL_SERVER_WORKERS": "2"}


def ask(server):
    return server.request("/invocations", b"1,2,3\n", Content_Type="text/csv").status


def counted(server):
    """Rows that were predicted, by all workers."""
    text = server.request("/metrics").text
    return float(
        next(line for line in text.splitlines() if line.startswith("model_server_predicted_rows_total")).split()[1]
    )


def kill_a_worker(server):
    """Kill one, and wait for the one that takes its place."""
    wait_for(lambda: len(server.workers) == 2)
    killed = server.workers[0]
    os.kill(killed, signal.SIGKILL)
    wait_for(lambda: killed not in server.workers and len(server.workers) == 2)


@pytest.mark.parametrize("options", ["size=64k", "nr_inodes=1", "ro"], ids=["full", "without names", "read-only"])
def test_a_shared_memory_that_cannot_be_written_is_not_missed(paths, front, options):
    """From the start: requests are answered and counted, and a worker that is killed is replaced."""
    with shared_memory(options) as mounts:
        if options == "size=64k":
            mounts.fill()
        with running_server(paths, front, within=mounts.within) as server:
            assert [ask(server) for _ in range(10)] == [200] * 10
            kill_a_worker(server)
            assert [ask(server) for _ in range(10)] == [200] * 10
            assert counted(server) == 20
            server.process.send_signal(signal.SIGTERM)
            assert server.process.wait(timeout=25) == 0
        assert "Traceback" not in server.log.read_text()


def test_a_shared_memory_that_fills_up_kills_nobody(paths, front):
    """Whatever is asked then, and however often a worker is replaced."""
    with shared_memory("size=1m") as mounts, running_server(paths, front, within=mounts.within) as server:
        wait_for(lambda: len(server.workers) == 2)
        mounts.fill()
        before = server.workers
        for number in range(300):  # each other status, path or type is another series
            server.request("/invocations", b"1,2,3\n", Content_Type=("text/csv", "application/json", "x/y")[number % 3])
            server.request(("/nowhere", "/metrics", "/openapi.json")[number % 3], method=("GET", "PUT")[number % 2])
        assert server.workers == before
        kill_a_worker(server)
        assert [ask(server) for _ in range(10)] == [200] * 10
        assert counted(server) == 110


def test_counters_never_go_back_and_files_do_not_add_up(paths):
    """Whichever worker dies, however often."""
    extra = {**NEIGHBOURS, "MODEL_SERVER_WORKERS": "2"}
    with shared_memory("size=1m") as mounts, running_server(paths, extra, within=mounts.within) as server:
        for round_ in range(1, 5):
            assert [ask(server) for _ in range(5)] == [200] * 5
            assert counted(server) == 5 * round_
            kill_a_worker(server)
        assert counted(server) == 20
        assert list(mounts.shared_memory.rglob("*")) == []


@pytest.mark.parametrize("moment", ["loading", "serving"])
@pytest.mark.parametrize(
    "number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGKILL], ids=lambda one: one.name
)
def test_nothing_is_left_of_a_server_that_is_ended(paths, front, tmp_path, number, moment):
    """No file, and no process that would go on listening."""
    (tmp_path / "folder").mkdir()
    extra = {**front, "ALGORITHM": "loading", "LOADING": str(tmp_path), "TMPDIR": str(tmp_path / "folder")}
    if moment == "serving":
        (tmp_path / "go").touch()
    with shared_memory("size=1m") as mounts:
        if number == signal.SIGKILL and front["MODEL_SERVER_FRONT"] == "nginx":
            pytest.skip("nginx outlives what was killed without a word, where that is not a container's first process")
        with running_server(paths, extra, within=mounts.within, healthy=moment == "serving") as server:
            server.process.send_signal(number)
            server.process.wait(timeout=25)
            wait_for(lambda: not listens(server.port))
        assert [*mounts.shared_memory.iterdir(), *(tmp_path / "folder").iterdir()] == []
    assert "Traceback" not in server.log.read_text()


def listens(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def test_a_server_that_cannot_start_takes_its_nginx_along(paths):
    """The port is free again."""
    if shutil.which("nginx") is None:
        pytest.skip("there is no nginx on this machine")
    port = free_port()
    extra = {"MODEL_SERVER_FRONT": "nginx", "ALGORITHM": "no_such_module", "SAGEMAKER_BIND_TO_PORT": str(port)}
    command = [sys.executable, str(ROOT / "gaussian_processes/serve")]
    environ = environ_of(paths, extra)
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    wait_for(lambda: not listens(port), seconds=10)
