"""`train` killed at any moment: it ends soon, with the right code, and leaves a whole model or none."""

import contextlib
import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from processes import environ_of, wait_for, write_opt_ml
from reference import ROOT
from unnamed import has_unnamed_files

from gaussian_processes.arc_cosine import algorithm as gaussian_process
from gaussian_processes.storage.model_file import load_artifact

STOPPED = 128 + signal.SIGTERM
pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")


@contextlib.contextmanager
def running_train(paths, extra=None):
    """`train`, from the moment at which it listens to SIGTERM."""
    command = [sys.executable, "-W", "error", str(ROOT / "gaussian_processes/train")]
    with (paths.root / "log").open("wb") as log:
        process = subprocess.Popen(command, env=environ_of(paths, extra), stdout=log, stderr=subprocess.STDOUT)
    try:
        while not listens(process.pid):
            assert process.poll() is None
            time.sleep(0.001)
        yield process
    finally:
        process.kill()
        process.wait()


def listens(pid):
    """Whether the process has a handler for SIGTERM."""
    status = Path(f"/proc/{pid}/status").read_text()
    (caught,) = (line.split()[1] for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(int(caught, 16) >> (signal.SIGTERM - 1) & 1)


def names(folder):
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


ROWS = "".join(f"{i % 7},{i},{i * i % 101},{i % 13}\n" for i in range(1, 3001))


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    """A function that lays out a job of some seconds; what that job takes here from listening on."""

    def make(name):
        return write_opt_ml(tmp_path_factory.mktemp(name), {"training/a.csv": ROWS}, {"bias": "1"})

    make("compile")
    for name in ("compiling", "compiled"):
        start = time.monotonic()
        with running_train(make(name)) as process:
            assert process.wait(timeout=120) == 0
            duration = time.monotonic() - start
    return make, duration


def test_in_local_mode_a_host_with_nothing_to_do_ends_only_when_it_is_stopped(tmp_path):
    """Well: local mode stops all containers when one ends, and counts the code of that one."""
    paths = write_opt_ml(tmp_path / "job", {}, {"distributed": "false"})
    document = {"current_host": "algo-2", "hosts": ["algo-1", "algo-2"], "current_instance_type": "local"}
    paths.resource_config.write_text(json.dumps(document))
    with running_train(paths) as process:
        wait_for(lambda: "nothing is left to do here" in (paths.root / "log").read_text())
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=0.5)
        process.terminate()
        assert process.wait(timeout=10) == 0


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGKILL], ids=lambda sent: sent.name)
@pytest.mark.parametrize("part", range(20))
def test_at_any_moment_it_leaves_a_whole_model_or_none(job, sent, part):
    """One moment in each twentieth of the job, start-up and saving among them."""
    make, duration = job
    paths = make(f"{sent.name}{part}")
    moment = duration * (part + random.Random(f"{sent.name}{part}").random()) / 20
    with running_train(paths) as process:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=moment)
        process.send_signal(sent)
        code = process.wait(timeout=10)
    assert code in ({STOPPED, 0} if sent == signal.SIGTERM else {-signal.SIGKILL, 0})
    left = names(paths.model)
    if left == ["model.pkl"]:
        assert load_artifact(paths.model, gaussian_process).features == 3
    elif sent == signal.SIGTERM or has_unnamed_files(paths.root):
        assert left == []
    assert not paths.failure.exists()
    log = (paths.root / "log").read_text()
    assert "Traceback" not in log
    assert log.endswith("Stopped by SIGTERM before the end.\n") == (code == STOPPED)


NEIGHBOURS = """
import ctypes, os, subprocess, sys, threading, time, warnings
from dataclasses import replace
from pathlib import Path
import numpy as np
import nearest_neighbours

def here():
    Path(os.environ["HERE"]).touch()

def fit(dataset, hyperparameters, reporter):
    {}
    return nearest_neighbours.fit(dataset, hyperparameters, reporter)

algorithm = replace(nearest_neighbours.algorithm, fit=fit)
"""
LOCKED = "mutex = ctypes.create_string_buffer(64); lock = ctypes.CDLL(None).pthread_mutex_lock; lock(mutex); here(); lock(mutex)"
PLACES = {
    "a call into C that never returns": LOCKED,
    "a call into C in a thread that is waited for": "thread = threading.Thread(target=lambda: ctypes.CDLL(None).sleep(300)); thread.start(); here(); thread.join()",
    "time.sleep": "here(); time.sleep(300)",
    "a FIFO that nobody writes to": "os.mkfifo(os.environ['HERE'] + '.fifo'); here(); open(os.environ['HERE'] + '.fifo').read()",
    "a pure loop": "here(); exec('while True: pass')",
    "code that catches everything": "here(); exec('while True:\\n try: time.sleep(300)\\n except BaseException: pass')",
    "a destructor": "type('A', (), {'__del__': lambda self: (here(), time.sleep(300))})()",
    "a wait for a child": "here(); subprocess.run([sys.executable, '-c', 'import time; time.sleep(300)'])",
}


def algorithm_that(tmp_path, body):
    """The environment of a job whose algorithm does `body` while it fits, and the file by which it says that it does."""
    (tmp_path / "placed.py").write_text(NEIGHBOURS.format(body))
    here = tmp_path / "here"
    return {"ALGORITHM": "placed", "PYTHONPATH": f"{tmp_path}:{ROOT / 'tests/algorithms'}", "HERE": str(here)}, here


@pytest.mark.parametrize("body", PLACES.values(), ids=PLACES)
def test_it_ends_wherever_it_is(tmp_path, body):
    """Soon, with the code of SIGTERM, and without a failure file; a second SIGTERM does no harm."""
    extra, here = algorithm_that(tmp_path, body)
    paths = write_opt_ml(tmp_path / "job", {"training/a.csv": "1,2\n2,3\n"})
    with running_train(paths, extra) as process:
        wait_for(here.exists)
        process.terminate()
        process.terminate()
        assert process.wait(timeout=10) == STOPPED
    assert names(paths.model) == []
    assert not paths.failure.exists()
    assert (paths.root / "log").read_text().endswith("Stopped by SIGTERM before the end.\n")


def test_an_algorithms_child_processes_are_stopped_too(tmp_path):
    """Outside a container nobody else would; those that they have started, too."""
    body = (
        "child = subprocess.Popen(['bash', '-c', 'sleep 300 & echo $! > $HERE.new; mv $HERE.new $HERE.pid; wait']); "
        "p = Path(os.environ['HERE'] + '.pid'); [time.sleep(0.01) for _ in iter(p.exists, True)]; here(); child.wait()"
    )
    extra, here = algorithm_that(tmp_path, body)
    paths = write_opt_ml(tmp_path / "job", {"training/a.csv": "1,2\n2,3\n"})
    with running_train(paths, extra) as process:
        wait_for(here.exists)
        process.terminate()
        assert process.wait(timeout=10) == STOPPED
    child = Path("/proc") / (tmp_path / "here.pid").read_text().strip()
    wait_for(lambda: not child.exists() or "\nState:\tZ" in (child / "status").read_text())


def test_a_forked_process_that_is_stopped_does_not_stop_the_job(tmp_path):
    """As multiprocessing stops its workers: by SIGTERM, to which they answer by themselves."""
    body = (
        "warnings.simplefilter('ignore'); child = os.fork(); child or time.sleep(300); "
        "os.kill(child, 15); assert os.waitpid(child, 0)[1] == 15; time.sleep(0.2)"
    )
    extra, _ = algorithm_that(tmp_path, body)
    paths = write_opt_ml(tmp_path / "job", {"training/a.csv": "1,2\n2,3\n"})
    with running_train(paths, extra) as process:
        assert process.wait(timeout=60) == 0, (paths.root / "log").read_text()
    assert names(paths.model) == ["model.pkl"]


def test_an_algorithm_may_answer_sigterm_itself(tmp_path):
    """A handler of its own is what counts then."""
    body = "import signal; signal.signal(15, lambda *_: sys.exit(7)); here(); time.sleep(300)"
    extra, here = algorithm_that(tmp_path, body)
    paths = write_opt_ml(tmp_path / "job", {"training/a.csv": "1,2\n2,3\n"})
    with running_train(paths, extra) as process:
        wait_for(here.exists)
        process.terminate()
        assert process.wait(timeout=10) == 7


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGKILL], ids=lambda sent: sent.name)
def test_a_large_model_that_is_being_written_leaves_nothing(tmp_path, sent):
    """Half a gigabyte, of which a part is on the disk."""
    (tmp_path / "large.py").write_text(
        "from dataclasses import replace\n"
        "import numpy as np\n"
        "from nearest_neighbours import algorithm\n"
        "algorithm = replace(algorithm, state=lambda model: {'large': np.zeros(2**26)})\n"
    )
    extra = {"ALGORITHM": "large", "PYTHONPATH": f"{tmp_path}:{ROOT / 'tests/algorithms'}"}
    paths = write_opt_ml(tmp_path / "job", {"training/a.csv": "1,2\n2,3\n"})
    with running_train(paths, extra) as process:
        wait_for(lambda: process.poll() is not None or written(process.pid) > 2**25)
        process.send_signal(sent)
        assert process.wait(timeout=10) == (STOPPED if sent == signal.SIGTERM else -signal.SIGKILL)
    if sent == signal.SIGTERM or has_unnamed_files(paths.root):
        assert names(paths.model) == []
    assert not paths.failure.exists()


def written(pid):
    """Bytes that a process has written."""
    (count,) = (line.split()[1] for line in Path(f"/proc/{pid}/io").read_text().splitlines() if "wchar" in line)
    return int(count)
