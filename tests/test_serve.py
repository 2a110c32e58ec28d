"""`serve` as SageMaker runs it: gunicorn, its workers, one model, a clean end."""

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from processes import environ_of, run_train, running_server, write_opt_ml
from reference import ROOT


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with a trained model of some size, and its rows."""
    generator = np.random.default_rng(6)
    rows = generator.normal(size=(800, 4))
    text = "".join(",".join(map(repr, row)) + "\n" for row in rows.tolist())
    paths = write_opt_ml(tmp_path_factory.mktemp("served"), {"training/a.csv": text}, {"bias": "1"})
    assert run_train(paths).returncode == 0
    return paths


def test_answers_and_ends_cleanly(trained):
    """Ping, CSV, JSON, an error; then SIGTERM, and exit 0 with nothing untoward in the log."""
    with running_server(trained) as server:
        assert server.request("/ping").text == ""
        csv = server.request("/invocations", b"1,2,3\n4,5,6\n", Content_Type="text/csv; charset=utf-8")
        assert csv.status == 200
        means = [float(line) for line in csv.text.splitlines()]
        body = json.dumps({"instances": [{"features": [1, 2, 3]}, {"features": [4, 5, 6]}]}).encode()
        rows = json.loads(server.request("/invocations", body, Content_Type="application/json").text)["predictions"]
        assert [row["mean"] for row in rows] == pytest.approx(means, rel=1e-12)
        assert all(row["std"] > 0 for row in rows)
        refused = server.request("/invocations", b"1,x,3\n", Content_Type="text/csv")
        assert (refused.status, refused.text) == (
            400,
            "The request body: row 1, column 2: found 'x', a finite number is wanted.\n",
        )
        started = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=25) == 0
        assert time.monotonic() - started < 25
    log = server.log.read_text()
    assert "Traceback" not in log
    assert "Warning" not in log


def test_requests_in_progress_are_finished_after_sigterm(trained):
    """A long request that was accepted gets its answer."""
    body = b"1,2,3\n" * 20_000
    with running_server(trained) as server, ThreadPoolExecutor() as pool:
        answer = pool.submit(server.request, "/invocations", body, Content_Type="text/csv", Accept="application/json")
        time.sleep(0.3)
        assert not answer.done()
        server.process.send_signal(signal.SIGTERM)
        assert answer.result().status == 200
        assert len(json.loads(answer.result().text)["predictions"]) == 20_000
        assert server.process.wait(timeout=25) == 0


def test_ping_answers_while_every_worker_computes(trained):
    """A BLAS call does not hold up the health check: each ping stays far below SageMaker's 2 s."""
    body = b"1,2,3\n" * 20_000
    with running_server(trained, {"MODEL_SERVER_WORKERS": "1"}) as server, ThreadPoolExecutor() as pool:
        answer = pool.submit(server.request, "/invocations", body, Content_Type="text/csv", Accept="application/json")
        time.sleep(0.2)
        pings = 0
        while not answer.done():
            started = time.monotonic()
            assert server.request("/ping").status == 200
            assert time.monotonic() - started < 2
            pings += 1
        assert answer.result().status == 200
        assert pings > 1


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="needs Linux's /proc/PID/smaps_rollup")
def test_the_model_is_in_memory_once(tmp_path):
    """The workers' private memory does not hold another copy of a 72 MB factor, even after predictions."""
    rows = np.random.default_rng(7).normal(size=(3000, 3))
    text = "".join(",".join(map(repr, row)) + "\n" for row in rows.tolist())
    paths = write_opt_ml(tmp_path, {"training/a.csv": text}, {"bias": "1"})
    assert run_train(paths).returncode == 0
    factor = 8 * 3000**2 / 2**20
    with running_server(paths, {"MODEL_SERVER_WORKERS": "3"}) as server:
        body = json.dumps({"instances": [{"features": [1, 2]}]}).encode()
        for _ in range(30):
            assert server.request("/invocations", body, Content_Type="application/json").status == 200
        children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
        assert len(children) == 3
        for child in children:
            rollup = Path(f"/proc/{child}/smaps_rollup").read_text().splitlines()
            private = sum(int(line.split()[1]) for line in rollup if line.startswith("Private_")) / 1024
            assert private < factor


def test_a_killed_worker_is_replaced(trained):
    """The server goes on answering."""
    with running_server(trained, {"MODEL_SERVER_WORKERS": "1"}) as server:
        children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
        os.kill(int(children.read_text()), signal.SIGKILL)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                if server.request("/invocations", b"1,2,3\n", Content_Type="text/csv").status == 200:
                    return
            except OSError:
                time.sleep(0.1)
        pytest.fail("no answer after the worker was killed")


@pytest.mark.parametrize(
    ("extra", "reason"),
    [
        ({"SAGEMAKER_BASE_DIR": "/nonexistent"}, "cannot be read: No such file or directory. Run `train` first."),
        ({"MODEL_SERVER_WORKERS": "two"}, "MODEL_SERVER_WORKERS is 'two'; a whole number above 0 is wanted"),
        ({"SAGEMAKER_BIND_TO_PORT": "0"}, "SAGEMAKER_BIND_TO_PORT is '0'"),
        ({"ALGORITHM": "no_such_module"}, "ALGORITHM names the module 'no_such_module'"),
        ({"ALGORITHM": "json"}, "has no `algorithm = Algorithm(...)`"),
    ],
    ids=str,
)
def test_a_server_that_cannot_start_says_why(trained, extra, reason):
    """One sentence, exit code 2, no traceback."""
    command = [sys.executable, str(ROOT / "gaussian_processes/serve")]
    environ = environ_of(trained, extra)
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert reason in done.stderr
    assert "Traceback" not in done.stderr
