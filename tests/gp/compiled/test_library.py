"""The library built ahead of time, for images without Numba, against Numba."""

import json
import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from reference import ROOT

from gaussian_processes.gp.compiled.library import Library

# The package in a folder, set up as its executables do.
PACKAGE = """
import os, sys
sys.path.insert(0, sys.argv[1])
from gaussian_processes.process.environment import prepare_libraries
prepare_libraries(os.environ)
"""
# Whether the compiled passes import Numba.
NUMBA = """
import gaussian_processes.gp.compiled.passes
print("numba" in sys.modules)
"""
# Digests of all results of the compiled passes, and whether Numba was imported.
WORK = """
import hashlib, json
import numpy as np
from gaussian_processes.gp import ArcCosine, TrainedGPModel
from gaussian_processes.gp.solvers.direct import Direct
from gaussian_processes.gp.solvers.refinement import Mixed
X = np.random.default_rng(0).normal(size=(300, 5))
found = {}
for q, l, geometry in (0, 0, "sphere"), (0, 3, "homogeneous"), (1, 1, "sphere"), (4, 2, "homogeneous"), (60, 0, "sphere"):
    kernel = ArcCosine(q, l, geometry, bias=0.5)
    found[f"gram {q} {l}"] = kernel.gram(X)
    found[f"cross {q} {l}"] = kernel.cross(X, X[:7])
    for precision, solver in (("double", Direct()), ("mixed", Mixed())):
        model = TrainedGPModel(X, X[:, 0], kernel, 0.1, solver)
        found[f"std {q} {l} {precision}"] = np.array(model.predict(X[:9] + 1.0, return_std=True))
        found[f"mean {q} {l} {precision}"] = model.predict(X[:9] + 1.0)
print(json.dumps({key: hashlib.sha256(value.tobytes()).hexdigest() for key, value in found.items()}))
print("numba" in sys.modules)
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """A copy of the package with a library."""
    if shutil.which("ld") is None:
        pytest.skip("there is no linker (ld, of binutils) on this machine")
    folder = tmp_path_factory.mktemp("library")
    ignored = shutil.ignore_patterns("*.so", "__pycache__")
    shutil.copytree(ROOT / "gaussian_processes", folder / "gaussian_processes", ignore=ignored)
    made = subprocess.run(
        [sys.executable, folder / "gaussian_processes/precompile", "--library"],
        env=environ(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    return folder


def environ():
    return {key: value for key, value in os.environ.items() if not key.startswith("NUMBA_")}


def lines(folder, program):
    """The output of a program that uses the package in a folder."""
    command = [sys.executable, "-c", PACKAGE + program, str(folder)]
    done = subprocess.run(command, env=environ(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def work(folder):
    results, numba = lines(folder, WORK)
    return json.loads(results), json.loads(numba.lower())


def needs_numba(folder):
    (numba,) = lines(folder, NUMBA)
    return json.loads(numba.lower())


def test_the_library_computes_what_numba_does_to_the_bit(package, tmp_path):
    """For all orders, geometries and precisions, and without importing Numba."""
    plain = tmp_path / "gaussian_processes"
    shutil.copytree(package / "gaussian_processes", plain, ignore=shutil.ignore_patterns("*.so"))
    with_library, numba = work(package)
    assert not numba
    without, numba = work(tmp_path)
    assert numba
    assert with_library == without


def test_a_library_of_another_source_is_not_used(package, tmp_path):
    """Numba compiles the changed source."""
    shutil.copytree(package / "gaussian_processes", tmp_path / "gaussian_processes")
    assert not needs_numba(tmp_path)
    with (tmp_path / "gaussian_processes/gp/compiled/passes.py").open("a") as source:
        source.write("# changed\n")
    assert needs_numba(tmp_path)


def test_a_library_for_another_processor_is_not_used(package, tmp_path):
    """A generic one is, if there is none for this processor."""
    shutil.copytree(package / "gaussian_processes", tmp_path / "gaussian_processes")
    (made,) = (tmp_path / "gaussian_processes/gp/compiled").glob("passes-*.so")
    digest = re.search(r"-([0-9a-f]+)\.so$", made.name)[1]
    made.rename(made.with_name(f"passes-z80-{digest}.so"))
    assert needs_numba(tmp_path)
    made.with_name(f"passes-z80-{digest}.so").rename(made.with_name(f"passes-generic-{digest}.so"))
    assert not needs_numba(tmp_path)


def test_arguments_of_other_types_are_refused(package):
    """Types without a compiled function, and arrays that are not contiguous, before anything is computed."""
    (made,) = (package / "gaussian_processes/gp/compiled").glob("passes-*.so")

    def mirror(*_):
        raise AssertionError

    call = Library(made).compiled("contract")(mirror)
    K = np.arange(9.0).reshape(3, 3)
    with pytest.raises(TypeError, match="the library has no function mirror_f2ii"):
        call(K.astype(np.float32), 0, 3)
    with pytest.raises(ValueError, match="is not contiguous"):
        call(K.T, 0, 3)
    call(K, 0, 3)
    assert np.array_equal(K, K.T)
