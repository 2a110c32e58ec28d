"""`train` as SageMaker runs it: a child process on a folder laid out as /opt/ml."""

import os
import re
import signal
import subprocess
import sys
import threading
from dataclasses import replace

import numpy as np
import pytest
from processes import environ_of, run_train, write_opt_ml
from reference import ROOT, read_reference

from gaussian_processes.algorithm import load_algorithm
from gaussian_processes.data.dataset import Dataset
from gaussian_processes.errors import PlatformError
from gaussian_processes.gaussian_process import Hyperparameters, memory_needed
from gaussian_processes.training import require_memory

REGEX = re.compile(r"validation:RMSE=(.*?);")
GOOD = {"training/a.csv": "1,1,2\n2,2,1\n3,1,1\n", "validation/b.csv": "1,1,2\n2,2,3\n"}


def test_prints_its_metrics_for_the_tuner_and_writes_the_model(example_job):
    """Every metric on a line of its own, RMSE last, and the model where SageMaker takes it from."""
    paths = example_job(q="1", l="0", sigma2="0.1", geometry="homogeneous")
    done = run_train(paths)
    assert (done.returncode, done.stderr) == (0, "")
    names = [line.split("=")[0] for line in done.stdout.splitlines() if re.match(r"(train|validation):\w+=\S+;$", line)]
    assert names == [
        "train:N",
        "train:log_evidence",
        "validation:MAE",
        "validation:R2",
        "validation:NLPD",
        "validation:coverage95",
        "validation:RMSE",
    ]
    settings = ("homogeneous", "0", "1", "0", "0.1")
    (gpflow,) = [row for row in read_reference("gpflow_example_evidence.csv") if tuple(row.values())[:5] == settings]
    assert float(REGEX.findall(done.stdout)[-1]) == pytest.approx(float(gpflow["rmse"]), rel=1e-9)
    assert "\t" not in done.stdout
    assert [path.name for path in paths.model.iterdir()] == ["model.pkl"]
    assert not paths.failure.exists()


def test_the_channel_may_be_called_train(example_job):
    """As SageMaker's own algorithms call it."""
    paths = example_job()
    (paths.data / "training").rename(paths.data / "train")
    assert run_train(paths).returncode == 0


def test_without_validation_it_trains_and_says_what_is_missing(tmp_path):
    """The training metrics are printed; the others cannot be."""
    done = run_train(write_opt_ml(tmp_path, {"training/a.csv": GOOD["training/a.csv"]}))
    assert done.returncode == 0
    assert "no validation channel" in done.stdout
    assert "train:log_evidence=" in done.stdout
    assert "validation:" not in done.stdout


def test_the_objective_of_the_tuning_job_is_printed_last(example_job):
    """Whichever metric that is."""
    done = run_train(example_job(_tuning_objective_metric="validation:MAE"))
    assert done.stdout.splitlines()[-1].startswith("validation:MAE=")


def test_a_constant_validation_target_costs_r2_alone(tmp_path):
    """Said in words; the objective is still there."""
    done = run_train(write_opt_ml(tmp_path, {**GOOD, "validation/b.csv": "1,1,2\n"}))
    assert done.returncode == 0
    assert "validation:R2 has no finite value" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("validation:RMSE=")


BAD = {
    "missing channel": (
        {"test/a.csv": "1,2\n"},
        {},
        "The job has no channel named 'training' or 'train'; found in {data}: test. Name one",
    ),
    "no channel at all": (
        {},
        {},
        "The job has no channel named 'training' or 'train'; found in {data}: none. Name one",
    ),
    "two training channels": (
        {**GOOD, "train/a.csv": "1,1,2\n"},
        {},
        "The job has a channel 'training' and a channel 'train'",
    ),
    "empty channel": ({"training/.hidden": "x"}, {}, "Channel 'training' holds no file with rows in it"),
    "empty validation": ({**GOOD, "validation/b.csv": ""}, {}, "Channel 'validation' holds no file with rows in it"),
    "ragged": (
        {**GOOD, "training/a.csv": "1,1,2\n1,2\n"},
        {},
        "training/a.csv: line 2 has another number of columns than line 1: 2 and not 3",
    ),
    "text": ({**GOOD, "training/a.csv": "1,1,2\n1,x,2\n"}, {}, "training/a.csv: line 2, column 2: found 'x'"),
    "names": (
        {"training/a.csv": "y,a,b\n1,1,2\n2,1,3\n", "validation/b.csv": "y,b,a\n1,1,2\n"},
        {},
        "Channel 'validation': column 2 is named 'b' where it is 'a' in training/a.csv",
    ),
    "NaN": ({**GOOD, "training/a.csv": "1,1,2\n1,nan,2\n"}, {}, "training/a.csv: line 2, column 2: found 'nan'"),
    "infinity": ({**GOOD, "validation/b.csv": "1,1,inf\n"}, {}, "validation/b.csv: line 1, column 3: found 'inf'"),
    "one row": ({**GOOD, "training/a.csv": "1,1,2\n"}, {}, "Channel 'training' holds one row (training/a.csv, row 1)"),
    "no features": ({**GOOD, "training/a.csv": "1\n2\n"}, {}, "training/a.csv has one column"),
    "widths": ({**GOOD, "validation/b.csv": "1,2\n"}, {}, "validation/b.csv has 2 columns where training/a.csv has 3"),
    "zero row": (
        {**GOOD, "training/b.csv": "1,1,2\n1,0,0\n"},
        {},
        "1 of 5 rows cannot be used: training/b.csv, row 2 has length zero, and so no direction on the sphere",
    ),
    "zero row to validate": (
        {**GOOD, "validation/b.csv": "1,0,0\n"},
        {},
        "1 of 1 rows cannot be used: validation/b.csv, row 1 has length zero",
    ),
    "hyperparameters": (
        {**GOOD},
        {"q": "-1", "sigma": "1"},
        "2 hyperparameters are wrong: 'sigma' is not one (did you mean",
    ),
    "malformed document": ({**GOOD}, '{"q": 1', "hyperparameters.json is not JSON"),
    "unknown objective": (
        {**GOOD},
        {"_tuning_objective_metric": "rmse"},
        "The tuning objective rmse is not printed by",
    ),
    "objective without its channel": (
        {"training/a.csv": GOOD["training/a.csv"]},
        {"_tuning_objective_metric": "validation:RMSE"},
        "The tuning objective validation:RMSE needs a channel named 'validation'",
    ),
}


@pytest.mark.parametrize(("channels", "hyperparameters", "cause"), BAD.values(), ids=BAD)
def test_bad_input_is_explained_in_the_failure_file(tmp_path, channels, hyperparameters, cause):
    """Cause first, no traceback, exit code 2, no model, and no metric for the tuner to mistake for a result."""
    paths = write_opt_ml(tmp_path, channels, hyperparameters)
    done = run_train(paths)
    assert done.returncode == 2
    failure = paths.failure.read_text()
    assert failure.startswith(cause.format(data=paths.data))
    assert "Traceback" not in failure + done.stdout + done.stderr
    assert failure.strip() in done.stderr
    assert not list(paths.root.glob("model/*"))
    assert not REGEX.search(done.stdout)
    assert len(failure) < 1024


def test_a_channel_may_come_as_a_pipe(tmp_path):
    """Which is there before the job, or while it waits for it."""
    paths = write_opt_ml(tmp_path, {}, config={"training": {"TrainingInputMode": "Pipe"}})
    paths.data.mkdir(parents=True)
    pipe = paths.data / "training_0"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=[GOOD["training/a.csv"]])
    writer.start()
    done = run_train(paths)
    writer.join()
    assert (done.returncode, "train:N=3;" in done.stdout) == (0, True)


def test_an_earlier_failure_is_not_overwritten(tmp_path):
    """What went wrong first is what matters."""
    paths = write_opt_ml(tmp_path, {})
    paths.failure.parent.mkdir(parents=True)
    paths.failure.write_text("first")
    assert run_train(paths).returncode == 2
    assert paths.failure.read_text() == "first"


def test_a_fault_of_the_program_puts_the_cause_before_the_traceback(example_job, tmp_path):
    """An algorithm with a bug: exit code 1, its message in the first line, the traceback below."""
    (tmp_path / "buggy.py").write_text(
        "from dataclasses import replace\n"
        "from nearest_neighbours import algorithm\n"
        "def fit(dataset, hyperparameters, reporter):\n"
        "    raise ZeroDivisionError('of course')\n"
        "algorithm = replace(algorithm, fit=fit)\n"
    )
    paths = example_job()
    done = run_train(paths, {"ALGORITHM": "buggy", "PYTHONPATH": f"{tmp_path}:{ROOT / 'tests'}"})
    assert done.returncode == 1
    failure = paths.failure.read_text()
    assert failure.startswith("ZeroDivisionError: of course\n")
    assert "Traceback" in failure


def test_a_model_folder_that_cannot_be_written_is_the_platforms_failure(example_job):
    """Exit code 3, and the path."""
    paths = example_job()
    paths.model.write_text("a file where the folder should be")
    done = run_train(paths)
    assert done.returncode == 3
    assert "cannot be written" in paths.failure.read_text()


def test_a_failed_job_leaves_no_model(tmp_path):
    """An objective without a finite value: nothing is saved, and nothing is printed for the tuner."""
    paths = write_opt_ml(
        tmp_path, {**GOOD, "validation/b.csv": "1,1,2\n"}, {"_tuning_objective_metric": "validation:R2"}
    )
    done = run_train(paths)
    assert done.returncode == 1
    assert paths.failure.read_text().startswith("The tuning objective validation:R2 is nan")
    assert not list(paths.root.glob("model/*"))
    assert not REGEX.search(done.stdout)


def test_names_that_are_not_text_do_not_cost_the_failure_file(tmp_path):
    """A file name that is not UTF-8, a key that no encoding holds."""
    paths = write_opt_ml(tmp_path / "file", {"training/a.csv": "x,1,2\n"})
    (paths.data / "training/a.csv").rename(paths.data / "training/\udcff.csv")
    assert run_train(paths).returncode == 2
    assert "line 1, column 1: found 'x'" in paths.failure.read_text()
    paths = write_opt_ml(tmp_path / "key", GOOD, '{"\\ud800": "1"}')
    assert run_train(paths).returncode == 2
    assert paths.failure.read_text().startswith("1 hyperparameter is wrong: '\\ud800' is not one")


def test_numbers_that_overflow_are_explained_without_warnings_as_errors(tmp_path):
    """As in production, where a warning is a warning: no model of NaN, exit code 2, nothing on the side."""
    paths = write_opt_ml(tmp_path, GOOD, {"geometry": "homogeneous", "degree": "1000"})
    command = [sys.executable, str(ROOT / "gaussian_processes/train")]
    done = subprocess.run(command, env=environ_of(paths), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert paths.failure.read_text() == done.stderr
    assert "row 1 is so long that its length to the power 2000 overflows" in done.stderr
    assert not list(paths.root.glob("model/*"))


def test_sigterm_ends_it_without_a_model(tmp_path):
    """Stopped while it computes: exit code 143, and an empty model folder."""
    rows = "".join(f"{i % 7},{i},{i * i % 101},1\n" for i in range(1, 4001))
    paths = write_opt_ml(tmp_path, {"training/a.csv": rows})
    command = [sys.executable, str(ROOT / "gaussian_processes/train")]
    with subprocess.Popen(command, env=environ_of(paths), stdout=subprocess.PIPE, text=True) as process:
        for _ in range(2):
            process.stdout.readline()  # the settings, the rows: now it computes
        process.send_signal(signal.SIGTERM)
        process.stdout.read()
        assert process.wait(timeout=60) == 128 + signal.SIGTERM
    assert not list(paths.root.glob("model/*"))


@pytest.mark.parametrize("executable", ["train", "serve"])
def test_sigterm_is_heard_before_the_long_imports(tmp_path, executable):
    """As process 1 it would otherwise be ignored: here it comes while NumPy is imported."""
    (tmp_path / "numpy.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGTERM)\n")
    program = ROOT / "gaussian_processes" / executable
    environ = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run([sys.executable, str(program)], env=environ, capture_output=True, timeout=60, check=False)
    assert done.returncode == 128 + signal.SIGTERM


def test_training_that_does_not_fit_is_refused_before_it_starts():
    """With what the rows need, what there is, and how many rows would fit."""
    rows = np.ones((1000, 3))
    dataset = Dataset(rows, np.ones(1000), ())
    algorithm = replace(load_algorithm({}), memory=lambda count, features, _: 8 * count**2 + features)
    with pytest.raises(PlatformError) as caught:
        require_memory(algorithm, dataset, Hyperparameters(), 8 * 400**2 + 5.0)
    assert str(caught.value) == (
        "Training on 1000 rows of 3 features needs 0.01 GB of memory, and 0.00 GB are free: 400 rows would fit. "
        "Use an instance with more memory, or fewer rows."
    )
    require_memory(algorithm, dataset, Hyperparameters(), 8e6 + 3)
    require_memory(replace(algorithm, memory=None), dataset, Hyperparameters(), 0.0)


@pytest.mark.parametrize("precision", ["double", "mixed"])
def test_the_memory_that_is_announced_is_what_a_job_takes(tmp_path, precision):
    """The process's peak beyond that of a job of no size is no more, and the factor's half matrix is most of it."""
    peaks = {}
    for N in (10, 6000):
        table = np.random.default_rng(0).normal(size=(N, 4))
        text = "\n".join(",".join(map(str, row)) for row in table.tolist())
        paths = write_opt_ml(tmp_path / str(N), {"training/a.csv": text}, {"precision": precision, "bias": "1"})
        code = (
            "import os, resource, sys; sys.path.insert(0, sys.argv[1])\n"
            "from gaussian_processes.training import main\n"
            "assert main(os.environ, sys.stdout) == 0\n"
            "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, str(ROOT)], env=environ_of(paths), capture_output=True, text=True, check=True
        )
        assert ("single precision" in done.stdout) == (precision == "mixed")
        peaks[N] = int(done.stdout.splitlines()[-1])
    announced = memory_needed(6000, 3, Hyperparameters(precision=precision))
    assert peaks[6000] - peaks[10] < announced
    assert announced < 2 * 8 * 6000**2


def test_a_number_of_threads_that_is_none_is_the_users_error(example_job):
    """Named, and in the failure file."""
    paths = example_job()
    done = run_train(paths, {"OMP_NUM_THREADS": "many"})
    assert done.returncode == 2
    assert "OMP_NUM_THREADS is 'many'" in paths.failure.read_text()
