"""The image under SageMaker's Python SDK in local mode, which drives it as a user does: fit, deploy, predict, transform."""

import json
import os
import re
import shutil
import subprocess
import tarfile
from statistics import NormalDist

import numpy as np
import pytest
from processes import docker, require_aws_clients, require_engine
from reference import ROOT

from gaussian_processes.gp import ArcCosine, TrainedGPModel

# Of the table that the example prints.
COLUMNS = ("CSV", "NumPy", "mean", "std", "low", "high", "MultiRecord", "SingleRecord")
# A job of the example's, with some of its settings changed.
FIT = """
import json, sys
from pathlib import Path
from sdk_local_mode import CHANNELS, estimator, tidy

image, folder, changes = sys.argv[1], Path(sys.argv[2]), json.loads(sys.argv[3])
folder.mkdir()
try:
    estimator(image, folder, **changes).fit(CHANNELS)
finally:
    tidy(image, folder)
"""


@pytest.fixture(scope="module")
def sdk():
    """The Python that has the SDK; tests are skipped where it, or what it drives, is missing."""
    require_engine()
    # As the SDK looks for it: any other version of `docker compose` is none.
    if "v2" not in docker("compose", "version", check=False).stdout and shutil.which("docker-compose") is None:
        pytest.skip("there is neither docker-compose nor version 2 of docker compose on this machine")
    return require_aws_clients() / "bin/python"


@pytest.fixture
def scripts(tmp_path):
    """A copy of local_test: the checkout may lie where local mode reads nothing."""
    return copy_of_scripts(tmp_path)


def copy_of_scripts(folder):
    left = shutil.ignore_patterns("model", "output", "results", "__pycache__")
    return shutil.copytree(ROOT / "local_test", folder / "local_test", ignore=left)


def run(sdk, scripts, *arguments):
    """A child process of the SDK's, without anybody's account."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environ |= {"PYTHONPATH": str(scripts), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sdk, *arguments], env=environ, capture_output=True, text=True, timeout=300, check=False, cwd=scripts
    )


def fit(sdk, image, scripts, **changes):
    """What it prints, and the folder that it writes to."""
    folder = scripts.parent / "jobs"
    return run(sdk, scripts, "-c", FIT, image, str(folder), json.dumps(changes)), folder


def containers(folder):
    """Those of the jobs that write there."""
    return docker("ps", "--all", "--quiet", "--filter", f"label=gaussian-processes.sdk-local-mode={folder}").stdout


def names(archive):
    with tarfile.open(archive) as tar:
        return tar.getnames()


@pytest.fixture(scope="module")
def example_run(sdk, image, tmp_path_factory):
    """The example, run once: what it printed, and the folder that it was given, outside of which it leaves nothing."""
    folder = tmp_path_factory.mktemp("sdk")
    scripts = copy_of_scripts(folder)
    before = sorted(scripts.rglob("*"))
    done = run(sdk, scripts, "sdk_local_mode.py", image, str(folder / "jobs"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert sorted(scripts.rglob("*")) == before
    return done.stdout, folder / "jobs"


@pytest.fixture(scope="module")
def table(example_run):
    """The example's columns: a row of numbers for each record of the payload."""
    lines = re.findall(r"^\d +\S.*$", example_run[0], re.MULTILINE)
    columns = np.array([re.findall(r"-?\d+\.\d+", line) for line in lines], float).T
    return dict(zip(COLUMNS, columns, strict=True))


@pytest.fixture(scope="module")
def expected():
    """The same columns by the mathematics alone, with the example's settings."""
    data = np.loadtxt(ROOT / "local_test/test_dir/diabetes/input/data/training/diabetes.csv", delimiter=",")
    shift, scale = data.mean(axis=0), data.std(axis=0)
    y, X = np.split((data - shift) / scale, [1], axis=1)
    X_star = (np.loadtxt(ROOT / "local_test/payload.csv", delimiter=",") - shift[1:]) / scale[1:]
    model = TrainedGPModel(X, y[:, 0], ArcCosine(q=1, l=0, bias=1.0), sigma2=0.5)
    mean, std = model.predict(X_star, return_std=True)
    half = NormalDist().inv_cdf(0.975) * np.sqrt(std**2 + model.sigma2)
    means = dict.fromkeys(("CSV", "NumPy", "mean", "MultiRecord", "SingleRecord"), mean * scale[0] + shift[0])
    bounds = {"low": mean - half, "high": mean + half}
    return means | {"std": std * scale[0]} | {name: bound * scale[0] + shift[0] for name, bound in bounds.items()}


@pytest.mark.parametrize("column", COLUMNS)
def test_every_way_to_ask_gets_what_the_model_predicts(table, expected, column):
    """An endpoint's answers to the SDK's serializers for CSV, NumPy and JSON, and those of batch jobs."""
    assert table[column] == pytest.approx(expected[column], abs=1e-6)


@pytest.mark.parametrize("strategy", ["MultiRecord", "SingleRecord"])
def test_a_batch_has_one_line_for_each_record(example_run, expected, strategy):
    """In its place, with all digits; local mode's empty lines apart."""
    lines = (example_run[1] / strategy / "payload.csv.out").read_text().split()
    assert [float(line) for line in lines] == pytest.approx(expected[strategy], rel=1e-9)


def test_the_example_leaves_no_container_and_nothing_of_roots(example_run):
    """Who ran it can remove what it wrote."""
    folder = example_run[1]
    assert not containers(folder)
    assert {path.stat().st_uid for path in folder.rglob("*")} == {os.getuid()}
    assert names(folder / "output/model.tar.gz") == ["model.pkl"]
    assert "data/report.html" in names(folder / "output/output.tar.gz")


@pytest.mark.parametrize("script_mode", [False, True], ids=["str", "json"])
def test_hyperparameters_are_understood_however_the_sdk_encodes_them(sdk, image, scripts, script_mode):
    """By str() in an estimator of an image; in JSON, with settings of the SDK's own, in one with a script."""
    settings = {"q": 2, "l": 3, "sigma2": 2.5e-1, "geometry": "homogeneous", "degree": 1, "include_variance": False}
    changes = {"hyperparameters": settings}
    if script_mode:
        (scripts / "script.py").touch()
        changes |= {"entry_point": "script.py", "source_dir": str(scripts)}
    done, _ = fit(sdk, image, scripts, **changes)
    assert done.returncode == 0, done.stdout + done.stderr
    said = "q=2 l=3 sigma2=0.25 geometry=homogeneous bias=0.0 degree=1.0 variance=1.0 feature_scaling=none"
    assert said in done.stdout
    assert " include_variance=False;" in done.stdout


def test_of_two_instances_the_first_trains(sdk, image, scripts):
    """Compose stops every container when one of them ends: the other must not end the job before it has a model."""
    # As many as keep the first busy until the other has spoken.
    rows = np.random.default_rng(0).normal(size=(3000, 11))
    np.savetxt(scripts / "test_dir/diabetes/input/data/training/diabetes.csv", rows, delimiter=",")
    done, folder = fit(sdk, image, scripts, instance_count=2)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"Host algo-2-\w+ of 2: algo-1-\w+ trains, alone", done.stdout)
    assert len(re.findall(r"algo-1-\w+ \|.*train:N=3000;", done.stdout)) == done.stdout.count("train:N=") == 1
    assert names(folder / "output/model.tar.gz") == ["model.pkl"]


def test_two_instances_learn_together(sdk, image, scripts):
    """The second one's container is stopped with the first: it must have its model by then, and its factor."""
    done, folder = fit(sdk, image, scripts, instance_count=2, hyperparameters={"distributed": "true"})
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"2 hosts are at work: algo-1-\w+, algo-2-\w+;", done.stdout)
    assert done.stdout.count("train:N=") == 1
    assert sorted(names(folder / "output/model.tar.gz")) == ["factor.npy", "model.pkl"]


def test_an_endpoint_whose_answers_cannot_be_read_is_deleted_all_the_same(sdk, image, scripts):
    """Here the records have too few features, and what says so is no array."""
    (scripts / "payload.csv").write_text("75,1,30.1\n")
    done = run(sdk, scripts, "sdk_local_mode.py", image, str(scripts.parent / "jobs"))
    assert done.returncode == 1
    assert '"status": 400' in done.stdout
    assert not containers(scripts.parent / "jobs")


def test_a_failed_job_is_an_error_under_its_reason(sdk, image, scripts):
    """The SDK raises the exit code; the reason stands in the log above it, and in the job's output."""
    done, folder = fit(sdk, image, scripts, hyperparameters={"sigma": 0.5})
    reason = "1 hyperparameter is wrong: 'sigma' is not one (did you mean 'sigma2'?)"
    assert done.returncode == 1
    assert reason in done.stdout
    assert re.search(r"RuntimeError: .*Process exited with code: 2\b", " ".join((done.stdout + done.stderr).split()))
    with tarfile.open(folder / "output/output.tar.gz") as tar:
        assert tar.extractfile("failure").read().decode().startswith(reason)
