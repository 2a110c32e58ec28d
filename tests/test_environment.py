"""What libraries read when they are imported: set where the user has not, before they are."""

import os
import subprocess
import sys

import pytest
from reference import ROOT

from gaussian_processes.process.environment import portable_processor, prepare_libraries


@pytest.mark.parametrize(
    ("flags", "processor"),
    [
        ("fpu avx avx2 bmi1 bmi2 fma movbe", "x86-64-v3"),
        ("fpu avx avx2 bmi1 bmi2 fma movbe avx512f", "x86-64-v3"),
        ("fpu sse sse2 avx", "generic"),
        (None, "generic"),
    ],
)
def test_code_is_compiled_for_many_machines(tmp_path, monkeypatch, flags, processor):
    """For what ten years of processors have, or for any."""
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    cpuinfo = tmp_path / "cpuinfo"
    if flags is not None:
        cpuinfo.write_text(f"processor\t: 0\nflags\t\t: {flags}\n")
    assert portable_processor(cpuinfo) == processor
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    assert portable_processor(cpuinfo) == "generic"


def test_what_the_user_has_set_stays():
    """Settings are defaults."""
    environ = {"NUMBA_CPU_NAME": "skylake", "OPENBLAS_THREAD_TIMEOUT": "26"}
    prepare_libraries(environ)
    assert (environ["NUMBA_CPU_NAME"], environ["OPENBLAS_THREAD_TIMEOUT"]) == ("skylake", "26")


def test_precompiled_functions_are_found_and_not_compiled_again(tmp_path):
    """A second process, in which compiling is an error, runs everything from the cache."""
    package = tmp_path / "gaussian_processes"
    subprocess.run(["cp", "-r", str(ROOT / "gaussian_processes"), str(package)], check=True)
    for stale in package.rglob("*.nb[ci]"):
        stale.unlink()
    environ = {key: value for key, value in os.environ.items() if not key.startswith("NUMBA_")}
    subprocess.run([sys.executable, package / "precompile"], check=True, env=environ)
    code = (
        "import os, sys; sys.path.insert(0, sys.argv[1])\n"
        "from gaussian_processes.process.environment import prepare_libraries; prepare_libraries(os.environ)\n"
        "from numba.core import event\n"
        "class Compilations(event.Listener):\n"
        "    def on_start(self, found): sys.exit('compiled: ' + str(found.data))\n"
        "    def on_end(self, found): pass\n"
        "event.register('numba:compile', Compilations())\n"
        "from gaussian_processes.gp.build.precompilation import precompile; precompile(); print('found')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, env=environ, check=False
    )
    assert (done.returncode, done.stdout) == (0, "found\n"), done.stderr


def test_a_folder_that_cannot_be_written_to_costs_the_cache_alone(tmp_path):
    """In place of __pycache__ stands a file: functions are compiled for this process."""
    package = tmp_path / "gaussian_processes"
    subprocess.run(["cp", "-r", str(ROOT / "gaussian_processes"), str(package)], check=True)
    cache = package / "gp/compiled/__pycache__"
    subprocess.run(["rm", "-rf", str(cache)], check=True)
    cache.write_text("")
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import numpy as np\n"
        "from gaussian_processes.gp import ArcCosine\n"
        "print(ArcCosine(1, 0).gram(np.eye(2))[0, 0])\n"
    )
    environ = {**os.environ, "HOME": str(cache), "XDG_CACHE_HOME": str(cache), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, env=environ, check=False
    )
    assert (done.returncode, done.stdout) == (0, "1.0\n"), done.stderr
