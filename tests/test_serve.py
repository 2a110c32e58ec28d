"""`serve` as SageMaker runs it: gunicorn, its workers, one model, a clean end."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from load import connect, heads, post_bytes, read_to_end
from processes import NEIGHBOURS, environ_of, run_train, running_server, wait_for, write_opt_ml
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
            "The request body: line 1, column 2: found 'x', a finite number is wanted.\n",
        )
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=25) == 0
    log = server.log.read_text()
    assert "Traceback" not in log
    assert "Warning" not in log


def test_requests_side_by_side_and_threads_within_them_do_not_mix(trained):
    """Answers to many rows at once, in one worker of two threads, are those of the rows one by one, to the bit."""
    rows = np.random.default_rng(7).normal(size=(400, 3))
    with running_server(trained, {"MODEL_SERVER_WORKERS": "1", "OMP_NUM_THREADS": "2"}) as server:

        def means(part):
            body = "".join(",".join(map(repr, row)) + "\n" for row in part.tolist()).encode()
            return server.request("/invocations", body, Content_Type="text/csv").text.splitlines()

        wanted = [means(row[None])[0] for row in rows[:20]]
        with ThreadPoolExecutor(6) as pool:
            for found in pool.map(means, [rows] * 12):
                assert len(found) == 400
                assert found[:20] == wanted


LONG = b"1,2\n" * 10_000


@pytest.fixture
def long_request(tmp_path, example_job):
    """A server with one worker, in the middle of a request that lasts until `finish` is called."""
    paths = example_job()
    paths.hyperparameters.write_text("{}")
    assert run_train(paths, NEIGHBOURS).returncode == 0
    extra = {**NEIGHBOURS, "ALGORITHM": "waiting", "WAITING": str(tmp_path), "MODEL_SERVER_WORKERS": "1"}
    with running_server(paths, extra) as server, ThreadPoolExecutor() as pool:
        (tmp_path / "hold").touch()
        answer = pool.submit(server.request, "/invocations", LONG, Content_Type="text/csv")
        while not (tmp_path / "started").exists():
            assert not answer.done()
            time.sleep(0.01)

        def finish():
            (tmp_path / "go").touch()
            return answer.result(timeout=60)

        try:
            yield server, finish
        finally:
            (tmp_path / "go").touch()


@pytest.mark.parametrize("idle", [0, 1, 5])
def test_requests_in_progress_are_finished_after_sigterm(long_request, idle):
    """A request that was accepted gets its answer, whatever idle connections there are, and then the server ends with exit 0."""
    server, finish = long_request
    with ExitStack() as stack:
        connections = [
            stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=30)) for _ in range(idle)
        ]
        for connection in connections:
            connection.sendall(b"GET /ping HTTP/1.1\r\nHost: a\r\n\r\n")
            assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        server.process.send_signal(signal.SIGTERM)
        # The worker has heard it when it ends what is idle; without any, once its parent has.
        for connection in connections:
            assert connection.recv(65536) == b""
        while "Handling signal: term" not in server.log.read_text():
            time.sleep(0.01)
        time.sleep(2.0)  # the worker looks every second whether it is to stop
        assert finish().status == 200
    assert server.process.wait(timeout=25) == 0


def test_ping_answers_while_the_only_worker_computes(long_request):
    """Arithmetic that never yields does not hold up the health check."""
    server, finish = long_request
    for _ in range(10):
        assert server.request("/ping").status == 200
    assert finish().status == 200


def test_short_work_passes_long_work(long_request):
    """While every thread for long work has some and more of it waits, a row is answered."""
    server, finish = long_request
    with ThreadPoolExecutor() as pool:
        others = [pool.submit(server.request, "/invocations", LONG, Content_Type="text/csv") for _ in range(5)]
        for _ in range(10):
            assert server.request("/invocations", b"3,4\n", Content_Type="text/csv").status == 200
        assert not any(other.done() for other in others)
        assert finish().status == 200
        assert {other.result().status for other in others} == {200}


def test_work_stops_when_its_client_has_gone(long_request):
    """The log says so; a client that has only closed its own half of the connection gets its answer, and a word before it."""
    server, finish = long_request
    with connect(server.port, 60) as half, connect(server.port, 60) as gone:
        for connection in (half, gone):
            connection.sendall(post_bytes(LONG, "Connection: close"))
            time.sleep(0.5)  # both are at work
            connection.shutdown(socket.SHUT_WR)
        gone.close()
        time.sleep(2.5)  # after which the client is asked
        assert finish().status == 200
        answer = read_to_end(half)
    assert [head.status for head in heads(answer)] == [100, 200]
    assert answer.count(b"\n") > 10_000
    wait_for(lambda: sorted(event["status"] for event in server.events) == [200, 200, 499])


def test_a_refusal_reaches_a_client_that_is_still_sending(trained):
    """The body is read to its end first: wrong type, wrong path, wrong method, all with megabytes behind them."""
    body = b"1,2,3\n" * 10**6
    with running_server(trained) as server:
        assert server.request("/invocations", body, Content_Type="text/plain").status == 415
        assert server.request("/invocations", body, Content_Type="text/csv", Accept="image/png").status == 406
        assert server.request("/nowhere", body, Content_Type="text/csv").status == 404
        assert server.request("/ping", body, Content_Type="text/csv").status == 405


def send_raw(server, head, body):
    """What the server answers to bytes that no client library would send."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(
            b"POST /invocations HTTP/1.1\r\nHost: a\r\nContent-Type: text/csv\r\n" + head + b"\r\n" + body
        )
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while block := connection.recv(65536):
            answer += block
    return int(answer.split()[1]), answer.partition(b"\r\n\r\n")[2].decode()


def test_bodies_come_in_chunks_whole_or_not(trained):
    """A chunked body is answered; one that breaks off or is malformed is the client's fault, and not guessed at."""
    chunked = b"Transfer-Encoding: chunked\r\n"
    with running_server(trained) as server:
        status, text = send_raw(server, chunked, b"3\r\n1,2\r\n3\r\n,3\n\r\n0\r\n\r\n")
        assert (status, len(text.split())) == (200, 1)
        assert send_raw(server, chunked, b"zz\r\n1,2\r\n")[0] == 400
        assert send_raw(server, chunked, b"9\r\n1,2")[0] == 400
        status, text = send_raw(server, b"Content-Length: 100\r\n", b"1,2,3\n")
        assert (status, text) == (400, "The request body breaks off: 6 of 100 bytes came.\n")
    assert "Traceback" not in server.log.read_text()


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
        assert len(server.workers) == 3
        for child in server.workers:
            rollup = Path(f"/proc/{child}/smaps_rollup").read_text().splitlines()
            private = sum(int(line.split()[1]) for line in rollup if line.startswith("Private_")) / 1024
            assert private < factor


def test_the_port_is_answered_before_the_model_is_there(tmp_path, example_job):
    """503 while it loads, to the health check and to requests; then 200, on the same port, without a moment of neither."""
    paths = example_job()
    paths.hyperparameters.write_text("{}")
    assert run_train(paths, NEIGHBOURS).returncode == 0
    extra = {**NEIGHBOURS, "ALGORITHM": "loading", "LOADING": str(tmp_path)}
    with running_server(paths, extra, healthy=False) as server:
        ping = server.request("/ping")
        assert (ping.status, ping.text) == (503, "The model is still being loaded.\n")
        assert server.request("/invocations", b"1,2\n", Content_Type="text/csv").status == 503
        (tmp_path / "go").touch()
        statuses = []
        while not statuses or statuses[-1] != 200:
            statuses.append(server.request("/ping").status)  # a connection that is refused fails the test
        assert set(statuses[:-1]) <= {503}
        assert [server.request("/ping").status for _ in range(20)] == [200] * 20
        assert server.request("/invocations", b"1,2\n", Content_Type="text/csv").status == 200


def spoilt(paths):
    (paths.model / "model.pkl").write_bytes((paths.model / "model.pkl").read_bytes()[:-100])


def missing(paths):
    (paths.model / "model.pkl").unlink()


def packed_with_its_folder(paths):
    (paths.model / "model").mkdir()
    (paths.model / "model.pkl").rename(paths.model / "model/model.pkl")


SPOILT = {
    spoilt: "is damaged or cut short",
    missing: "There is no model",
    packed_with_its_folder: "its folder holds 'model/model.pkl'. model.pkl has to lie there",
}


@pytest.mark.parametrize(("spoil", "reason"), SPOILT.items())
def test_without_a_usable_model_the_server_stays_to_say_so(example_job, spoil, reason):
    """503 with the reason, in the answers and in the log; and it ends as any server does."""
    paths = example_job()
    assert run_train(paths).returncode == 0
    spoil(paths)
    with running_server(paths, healthy=False) as server:
        while (ping := server.request("/ping")).text.startswith("The model is still being loaded"):
            time.sleep(0.05)
        assert ping.status == 503
        assert reason in ping.text
        assert reason in server.request("/invocations", b"1,2\n", Content_Type="text/csv").text
        assert reason in server.log.read_text()
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=25) == 0


def test_a_fault_of_the_program_while_loading_is_in_the_log_alone(tmp_path, example_job):
    """The server stays, and tells its clients where to look."""
    paths = example_job()
    paths.hyperparameters.write_text("{}")
    assert run_train(paths, NEIGHBOURS).returncode == 0
    (tmp_path / "go").write_text("fail")
    with running_server(
        paths, {**NEIGHBOURS, "ALGORITHM": "loading", "LOADING": str(tmp_path)}, healthy=False
    ) as server:
        while (ping := server.request("/ping")).text.startswith("The model is still being loaded"):
            time.sleep(0.05)
        assert (ping.status, "secret" in ping.text) == (503, False)
        assert "a secret of the program" in server.log.read_text()


def test_idle_connections_do_not_hold_up_the_end(trained):
    """A client that keeps its connection for the next request is not waited for."""
    with (
        running_server(trained) as server,
        socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection,
    ):
        connection.sendall(b"GET /ping HTTP/1.1\r\nHost: a\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=10) == 0  # half of what a request in progress would be given


def test_the_end_is_heard_by_workers_that_have_just_been_forked(example_job):
    """A signal that comes before they listen to any waits for them, and they do not keep the server from ending."""
    paths = example_job()
    paths.hyperparameters.write_text("{}")
    assert run_train(paths, NEIGHBOURS).returncode == 0
    extra = {**NEIGHBOURS, "ALGORITHM": "late_workers", "MODEL_SERVER_WORKERS": "1"}
    with running_server(paths, extra, healthy=False) as server:
        while "Using worker" not in server.log.read_text():  # what is logged last before the fork
            time.sleep(0.01)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=10) == 0


def test_metrics_are_of_all_workers_together(trained):
    """Whichever of them is asked."""
    with running_server(trained, {"MODEL_SERVER_WORKERS": "3"}) as server:
        with ThreadPoolExecutor(8) as pool:
            answers = list(
                pool.map(lambda _: server.request("/invocations", b"1,2,3\n", Content_Type="text/csv"), range(60))
            )
        assert {answer.status for answer in answers} == {200}
        for _ in range(6):
            text = server.request("/metrics").text
            assert "model_server_predicted_rows_total 60.0" in text
            assert 'status="200"} 60.0' in text
            assert "model_server_model_info{" in text
            assert 'algorithm="arc-cosine-gaussian-process"' in text
            assert "model_server_model_load_seconds " in text
        assert len(server.events) == 60


def test_a_killed_worker_is_replaced(trained):
    """The server goes on answering."""
    with running_server(trained, {"MODEL_SERVER_WORKERS": "1"}) as server:
        os.kill(*server.workers, signal.SIGKILL)
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
        (
            {"MODEL_SERVER_QUERY": "outputs=vari"},
            "MODEL_SERVER_QUERY is wrong. What the request asks for: 'vari' is no output",
        ),
        (
            {"MODEL_SERVER_QUERY": "output=mean"},
            "MODEL_SERVER_QUERY has 'output'; outputs, level, samples, seed are wanted",
        ),
        ({"SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "text/html"}, "No answer can be given as 'text/html'"),
        ({"MODEL_SERVER_WORKERS": "two"}, "MODEL_SERVER_WORKERS is 'two'; a whole number from 1 to 1000000 is wanted"),
        ({"SAGEMAKER_BIND_TO_PORT": "0"}, "SAGEMAKER_BIND_TO_PORT is '0'"),
        ({"ALGORITHM": "no_such_module"}, "ALGORITHM names the module 'no_such_module'"),
        ({"SAGEMAKER_BIND_TO_PORT": "65536"}, "SAGEMAKER_BIND_TO_PORT is '65536'; a whole number from 1 to 65535"),
        ({"ALGORITHM": ".relative"}, "ALGORITHM is '.relative'; the name of a Python module is wanted"),
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


def nginx_before(trained, extra=None):
    if shutil.which("nginx") is None:
        pytest.skip("there is no nginx on this machine")
    return running_server(trained, {"MODEL_SERVER_FRONT": "nginx", **(extra or {})})


def test_nginx_before_the_server_is_no_tighter_than_the_server(trained):
    """Large bodies, whole or in chunks, large heads, and refusals reach the same end as without it."""
    rows = b"1,2,3\n" * 200_000
    with nginx_before(trained) as server:
        answer = server.request("/invocations", rows, Content_Type="text/csv")
        assert (answer.status, len(answer.text.split())) == (200, 200_000)
        status, text = send_raw(server, b"Transfer-Encoding: chunked\r\n", b"6\r\n1,2,3\n\r\n0\r\n\r\n")
        assert (status, len(text.split())) == (200, 1)
        fields = {f"X-Field-{number}": "x" * 8000 for number in range(20)}
        assert server.request("/invocations", b"1,2,3\n", Content_Type="text/csv", **fields).status == 200
        assert server.request("/invocations", b"1,x,3\n", Content_Type="text/csv").status == 400
        assert server.request("/metrics").status == 200
        assert server.request("/execution-parameters").status == 200
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=25) == 0
    assert "Traceback" not in server.log.read_text()


def test_the_server_ends_when_the_nginx_before_it_does(trained):
    """What cannot be reached should not seem to run."""
    with nginx_before(trained) as server:
        (front,) = (
            int(child)
            for child in Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
            if "nginx" in Path(f"/proc/{child}/cmdline").read_text()
        )
        os.kill(front, signal.SIGKILL)
        assert server.process.wait(timeout=25) == 0
        with pytest.raises(OSError, match="refused"):
            server.request("/ping")


def test_a_front_that_is_not_installed_is_named(trained):
    """One sentence, exit code 2."""
    command = [sys.executable, str(ROOT / "gaussian_processes/serve")]
    environ = environ_of(trained, {"MODEL_SERVER_FRONT": "nginx", "PATH": "/nonexistent"})
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, "there is no nginx on PATH" in done.stderr) == (2, True)
