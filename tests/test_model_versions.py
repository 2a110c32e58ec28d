"""A model file passes between versions of Python and NumPy, and predicts the same there as here."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from reference import ROOT

from gaussian_processes.algorithm import Query
from gaussian_processes.arc_cosine import algorithm
from gaussian_processes.storage.model_file import load_artifact

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gaussian-processes-tests"
LOCKED = dict(
    pin.split("==") for pin in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
)
NEEDED = ("numpy", "scipy", "numba", "pydantic", "threadpoolctl")  # to load a model and predict

# Versions of Python and NumPy; the other packages, as locked, know all of them.
VERSIONS = [("3.11", "1.26.4"), ("3.12", "1.26.4"), ("3.12", "2.1.3"), ("3.13", LOCKED["numpy"])]

# Runs here and there alike: learn, save, load, predict.
PROGRAM = """
import json, sys
from pathlib import Path
import numpy as np
from gaussian_processes.algorithm import Query
from gaussian_processes.storage.model_file import Artifact, load_artifact, save_artifact
from gaussian_processes.data.dataset import Dataset, Source
from gaussian_processes.arc_cosine import algorithm
from gaussian_processes.self_test import SelfTest

given, made, X, y, X_star = json.loads(sys.argv[1])

def predictions(folder):
    artifact = load_artifact(Path(folder), algorithm)
    model = algorithm.from_state(artifact.state)
    artifact.self_test.check(algorithm, model)
    columns = algorithm.predict(model, np.array(X_star), Query(("mean", "std")))
    return {name: column.tolist() for name, column in columns.items()}

class Silent:
    def log(self, message):
        pass

    def progress(self, phase, fraction):
        pass

    def kept(self):
        return None

    def keep(self, state):
        pass

X, y = np.array(X), np.array(y)
settings = algorithm.hyperparameters(q=1, l=1, bias=1.0, feature_scaling="standard", target_scaling="standard")
dataset = Dataset(X, y, (Source("a.csv", len(y)),))
model = algorithm.fit(dataset, settings, Silent())
test = SelfTest.of(algorithm, model, dataset)
save_artifact(Artifact(algorithm.name, X.shape[1], settings.model_dump(), algorithm.state(model), test), Path(made))
print(json.dumps([np.__version__, given and predictions(given), predictions(made)]))
"""


def interpreter(version):
    """The path of a Python of this version that runs; the test is skipped where there is none."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    on_path = shutil.which(f"python{version}")
    for path in [*([on_path] if on_path else []), *sorted(pyenv.glob(f"{version}.*/bin/python"), reverse=True)]:
        done = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
        if done.returncode == 0 and done.stdout.startswith(f"Python {version}."):
            return path
    pytest.skip(f"there is no Python {version} on PATH or in {pyenv}")


def run_or_skip(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"{' '.join(map(str, command[1:4]))}: {(done.stderr + done.stdout).strip().splitlines()[-1]}")


def environment(version, numpy):
    """A folder with a virtual environment and a copy of this project, kept from run to run with what Numba compiles."""
    python = interpreter(version)
    pins = [f"{name}=={(LOCKED | {'numpy': numpy})[name]}" for name in NEEDED]
    home = CACHE / "-".join([version, *pins]).replace("==", "-")
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (home / "complete").exists():
            run_or_skip(python, "-m", "venv", "--clear", home / "venv")
            run_or_skip(home / "venv/bin/python", "-m", "pip", "install", "--quiet", "--only-binary", ":all:", *pins)
            (home / "complete").touch()
        for stale in home.glob("gaussian_processes/**/*.py"):
            stale.unlink()
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "gaussian_processes", home / "gaussian_processes", ignore=ignored, dirs_exist_ok=True)
    return home


def run_program(python, folder, *arguments):
    """What PROGRAM prints, run by a Python on the copy of the project in a folder."""
    command = [python, "-W", "error", "-c", PROGRAM, json.dumps(arguments)]
    environ = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(folder)}
    done = subprocess.run(command, env=environ, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def trained_here(tmp_path_factory):
    """Rows to learn from and to predict, a model's folder, and what it predicts."""
    generator = np.random.default_rng(11)
    X, X_star = generator.normal(size=(60, 3)), generator.normal(size=(40, 3))
    rows = X.tolist(), (X @ [1.5, 5.2, -1.0]).tolist(), X_star.tolist()
    folder = str(tmp_path_factory.mktemp("here"))
    version, _, wanted = run_program(sys.executable, ROOT, None, folder, *rows)
    assert version == np.__version__
    return rows, folder, wanted


@pytest.mark.parametrize(("version", "numpy"), VERSIONS)
def test_a_model_predicts_the_same_wherever_it_was_trained(tmp_path, trained_here, version, numpy):
    """Trained here and loaded there; trained there and loaded here: mean and standard deviation to 1e-12, self-tests hold."""
    rows, here, wanted = trained_here
    home = environment(version, numpy)
    found_numpy, found, own = run_program(home / "venv/bin/python", home, here, str(tmp_path), *rows)
    assert found_numpy == numpy
    artifact = load_artifact(tmp_path, algorithm)
    model = algorithm.from_state(artifact.state)
    artifact.self_test.check(algorithm, model)
    loaded = algorithm.predict(model, np.array(rows[2]), Query(("mean", "std")))
    for name in ("mean", "std"):
        np.testing.assert_allclose(found[name], wanted[name], rtol=1e-12)
        np.testing.assert_allclose(loaded[name], own[name], rtol=1e-12)
