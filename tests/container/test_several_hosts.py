"""The image on several hosts: containers of one network that see each other by name, as SageMaker's do."""

import json
import re
import time
import uuid
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from processes import docker, slow_tiles, write_opt_ml
from reference import ROOT

NAMES = ("algo-1", "algo-2", "algo-3")
# A program beside the image's own, for who names it in ALGORITHM.
SLOW = Path("/opt/slow/slow_tiles.py")
METRIC = re.compile(r"^(?:train|validation):\w+=.*;$", re.MULTILINE)
# The worker is the child that multiprocessing has started; this text is not to be found in itself.
KILL = """
import os, signal
from pathlib import Path
for folder in Path("/proc").glob("[0-9]*"):
    if b"spawn" + b"_main" in (folder / "cmdline").read_bytes():
        os.kill(int(folder.name), signal.SIGKILL)
"""


class Hosts:
    """Containers side by side, by the names that they have for each other."""

    def __init__(self, names):
        self.names = names

    def log(self, name):
        done = docker("logs", self.names[name], check=False)
        return done.stdout + done.stderr

    def wait_for(self, name, text, seconds=120):
        deadline = time.monotonic() + seconds
        while text not in self.log(name):
            assert time.monotonic() < deadline, self.log(name)
            time.sleep(0.2)

    def codes(self, *names):
        return [int(docker("wait", self.names[name]).stdout) for name in names]


@contextmanager
def running(image, folder, rows, extra=None, **hyperparameters):
    """`train` in three containers, each with its own /opt/ml; all that was made is gone afterwards."""
    environ = [part for pair in (extra or {}).items() for part in ("--env", "=".join(pair))]
    run = uuid.uuid4().hex[:8]
    names = {name: f"{name}-{run}" for name in NAMES}
    docker("network", "create", run)
    try:
        for name in NAMES:
            paths = write_opt_ml(folder / name, channels(rows), {"distributed": "true", **hyperparameters})
            document = {"current_host": name, "hosts": NAMES, "network_interface_name": "eth0"}
            paths.resource_config.write_text(json.dumps(document))
            options = ("--name", names[name], "--network", run, "--network-alias", name, "--env", "OMP_NUM_THREADS=1")
            volumes = (
                "--volume",
                f"{paths.root}:/opt/ml",
                "--volume",
                f"{ROOT / 'tests/algorithms/slow_tiles.py'}:{SLOW}:ro",
            )
            docker("run", "--detach", *options, *environ, *volumes, image, "train")
        yield Hosts(names)
    finally:
        docker("rm", "--force", *names.values(), check=False)
        docker("network", "rm", run, check=False)


def channels(rows):
    numbers = np.random.default_rng(0).normal(size=(rows + 100, 4))
    numbers[:, 0] = np.sin(numbers[:, 1]) + numbers[:, 2]
    lines = [",".join(map(repr, row)) for row in numbers.tolist()]
    return {"training/a.csv": "\n".join(lines[:rows]), "validation/b.csv": "\n".join(lines[rows:])}


@pytest.fixture
def alone(image, tmp_path):
    """A function that trains on one host, and returns the metrics' lines."""

    def train(rows, **hyperparameters):
        paths = write_opt_ml(tmp_path / "alone", channels(rows), hyperparameters)
        done = docker("run", "--rm", "--volume", f"{paths.root}:/opt/ml", image, "train", check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return values(done.stdout)

    return train


def values(log):
    return {name: float(value) for name, value in (line.rstrip(";").split("=") for line in METRIC.findall(log))}


def test_containers_of_one_network_learn_together_and_lose_workers(image, alone, tmp_path):
    """What one container learns, to its digits, although two workers are killed; and the image serves the model."""
    rows = 4000
    with running(image, tmp_path, rows) as hosts:
        hosts.wait_for("algo-1", "3 hosts are at work")
        for name in ("algo-2", "algo-3"):
            docker("exec", hosts.names[name], "python3", "-c", KILL)
        assert hosts.codes(*NAMES) == [0, 0, 0], [hosts.log(name) for name in NAMES]
        log = hosts.log("algo-1")
        assert "is lost; what it had is computed again" in log
        assert values(log) == pytest.approx(alone(rows), rel=1e-8)
        assert not any(METRIC.search(hosts.log(name)) for name in ("algo-2", "algo-3"))
    model = tmp_path / "algo-1/model"
    assert sorted(path.name for path in model.iterdir()) == ["factor.npy", "model.pkl"]
    ask = (
        "from pathlib import Path; import numpy as np; from gaussian_processes import arc_cosine as g;"
        "from gaussian_processes.algorithm import Query; from gaussian_processes.storage.model_file import load_artifact;"
        "m = g.algorithm.from_state(load_artifact(Path('/opt/ml/model'), g.algorithm).state);"
        "print(g.algorithm.predict(m, np.ones((1, 3)), Query(('std',)))['std'][0] > 0)"
    )
    done = docker("run", "--rm", "--volume", f"{model.parent}:/opt/ml:ro", image, "python3", "-c", ask)
    assert done.stdout == "True\n"


def test_containers_whose_leader_is_killed_fail_with_the_reason(image, tmp_path):
    """Within a minute or so."""
    with running(image, tmp_path, 4000, slow_tiles(SLOW.parent, Path("/opt/ml/progress"), 0.2)) as hosts:
        hosts.wait_for("algo-1", "3 hosts are at work")
        docker("kill", hosts.names["algo-1"])
        begin = time.monotonic()
        assert hosts.codes("algo-2", "algo-3") == [3, 3]
        assert time.monotonic() - begin < 90
        for name in ("algo-2", "algo-3"):
            assert "The leader, algo-1, has not answered for" in hosts.log(name)
            assert (tmp_path / name / "output/failure").read_text().startswith("The leader, algo-1,")


def test_a_follower_that_never_begins_is_named(image, tmp_path):
    """By the leader and by the one that did."""
    extra = slow_tiles(SLOW.parent, Path("/opt/ml/progress"))
    with running(image, tmp_path, 50, extra, arrival_seconds="8") as hosts:
        docker("kill", hosts.names["algo-3"])
        assert hosts.codes("algo-1", "algo-2") == [3, 3]
        for name in ("algo-1", "algo-2"):
            assert "algo-3 did not arrive within 8 s" in (tmp_path / name / "output/failure").read_text()
