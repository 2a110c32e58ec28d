"""The failure file: what counts, in what SageMaker shows of it, and the exit code that goes with it."""

import re
import resource
import subprocess
import sys

import pytest
from processes import NEIGHBOURS, environ_of, run_train, write_opt_ml
from reference import ROOT

from gaussian_processes.errors import AlgorithmError, ConfigurationError, DataError, PlatformError
from gaussian_processes.job.failure import Failure, write_failure


def raised(depth, error):
    """An error that has come through so many calls."""
    if depth:
        raised(depth - 1, error)
    raise error


def failure_of(error, depth=0):
    try:
        raised(depth, error)
    except Exception as caught:  # noqa: BLE001  # it is what a job would catch
        return Failure.of(caught)


CODES = {
    ConfigurationError("q is -1"): 2,
    DataError("no rows"): 2,
    PlatformError("the disk is full"): 3,
    OSError(28, "No space left on device", "/opt/ml/model"): 3,
    MemoryError(): 3,
    AlgorithmError("M is not positive definite"): 4,
    KeyError("alpha"): 1,
}


@pytest.mark.parametrize(("error", "code"), CODES.items(), ids=repr)
def test_the_exit_code_says_whose_failure_it_is(error, code):
    """The user's, the platform's, the algorithm's, the program's."""
    assert failure_of(error).exit_code == code


@pytest.mark.parametrize("depth", [0, 1, 30])
@pytest.mark.parametrize("length", [1, 900, 1023, 1024, 10**5])
@pytest.mark.parametrize("kind", [DataError, ValueError, MemoryError])
@pytest.mark.parametrize("letter", ["x", "é", "\udcff"])
def test_the_reason_has_at_most_1024_characters(kind, length, depth, letter):
    """And they can be written; what was cut off is marked."""
    failure = failure_of(kind(letter * length), depth)
    assert len(failure.reason) <= 1024
    failure.reason.encode()
    printed = (length * letter).encode("utf-8", "backslashreplace").decode()
    assert printed in failure.reason or "…" in failure.reason
    assert printed in failure.log.encode("utf-8", "backslashreplace").decode()


def test_a_fault_of_the_program_shows_its_cause_what_it_is_and_its_innermost_calls():
    """In this order, cut in the middle; the log has all of it."""
    failure = failure_of(ValueError("of course " + 1000 * "x"), depth=30)
    cause, remedy, empty, title, cut, *calls = failure.reason.splitlines()
    assert re.fullmatch("ValueError: of course x+…", cause)
    assert remedy == "This is a fault of the program, not of the input."
    assert (empty, title, cut) == ("", "Traceback (innermost call last):", "…")
    assert calls[-2].endswith("in raised")
    assert calls[-1].strip() == "raise error"
    assert "Traceback (most recent call last)" in failure.log
    assert failure.log.rstrip().endswith(1000 * "x")


def test_too_little_memory_says_where_and_what_to_do():
    """NumPy's own words, the function, the remedy."""
    assert re.fullmatch(
        r"The process ran out of memory in raised \(test_failure.py, line \d+\): Unable to allocate 8 TiB\. "
        r"Use an instance with more memory, or fewer rows\.\n",
        failure_of(MemoryError("Unable to allocate 8 TiB")).reason,
    )


def test_the_first_failure_stays(tmp_path):
    """What went wrong first is what matters."""
    path = tmp_path / "output/failure"
    for error in (DataError("first"), DataError("second")):
        write_failure(path, Failure.of(error))
    assert path.read_text() == "first\n"
    assert [entry.name for entry in path.parent.iterdir()] == ["failure"]


@pytest.fixture
def small_disk():
    """A function that puts a file system of 64 kB at a folder."""
    mounted = []

    def mount(folder):
        folder.mkdir(parents=True)
        command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            pytest.skip("there is no mount command")
        if done.returncode:
            pytest.skip(f"no file system can be mounted: {done.stderr.strip()}")
        mounted.append(folder)

    yield mount
    for folder in mounted:
        subprocess.run(["umount", str(folder)], check=True)


ROWS = "".join(f"{i},{i},{i % 7},{i % 5}\n" for i in range(10_000))


def test_a_full_disk_ends_in_exit_code_3_and_an_empty_folder(tmp_path, small_disk):
    """The failure names the file and the system's reason."""
    paths = write_opt_ml(tmp_path, {"training/a.csv": ROWS})
    small_disk(paths.model)
    done = run_train(paths, NEIGHBOURS)
    assert done.returncode == 3
    assert paths.failure.read_text() == (
        f"The model cannot be written to {paths.model}/model.pkl: No space left on device.\n"
    )
    assert list(paths.model.iterdir()) == []


def test_a_limit_on_the_size_of_files_does_too(tmp_path):
    """What any user can have set, and a quota is like."""
    paths = write_opt_ml(tmp_path, {"training/a.csv": ROWS})
    command = [sys.executable, str(ROOT / "gaussian_processes/train")]

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    done = subprocess.run(
        command, env=environ_of(paths, NEIGHBOURS), preexec_fn=limit, capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 3
    assert paths.failure.read_text() == f"The model cannot be written to {paths.model}/model.pkl: File too large.\n"
    assert list(paths.model.iterdir()) == []


def test_memory_that_runs_out_while_it_fits_is_the_platforms_failure(tmp_path):
    """An array that no machine holds: exit code 3, and no word of a fault of the program."""
    (tmp_path / "greedy.py").write_text(
        "from dataclasses import replace\n"
        "import numpy as np\n"
        "from nearest_neighbours import algorithm\n"
        "def fit(dataset, hyperparameters, reporter):\n"
        "    return np.empty((2**29, 2**28))\n"
        "algorithm = replace(algorithm, fit=fit)\n"
    )
    paths = write_opt_ml(tmp_path / "job", {"training/a.csv": "1,2\n2,3\n"})
    done = run_train(paths, {"ALGORITHM": "greedy", "PYTHONPATH": f"{tmp_path}:{ROOT / 'tests/algorithms'}"})
    assert done.returncode == 3
    assert paths.failure.read_text().startswith(
        "The process ran out of memory in fit (greedy.py, line 5): Unable to allocate 1.00 EiB"
    )
