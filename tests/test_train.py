"""`train` as SageMaker runs it: a child process on a folder laid out as /opt/ml."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import numpy as np
import pytest
from arro3.core import Array, RecordBatch
from arro3.io import write_parquet
from processes import environ_of, run_train, write_opt_ml
from reference import ROOT, read_reference
from reporting import metrics_in

from gaussian_processes.algorithm import Size
from gaussian_processes.arc_cosine import Hyperparameters, needs
from gaussian_processes.gp import ArcCosine, TrainedGPModel

REGEX = re.compile(r"validation:RMSE=(.*?);")
GOOD = {"training/a.csv": "1,1,2\n2,2,1\n3,1,1\n", "validation/b.csv": "1,1,2\n2,2,3\n"}


@pytest.mark.last_digits
def test_prints_its_metrics_for_the_tuner_and_writes_the_model(example_job):
    """Every metric on a line of its own, RMSE last, and the model where SageMaker takes it from."""
    paths = example_job(q="1", l="0", sigma2="0.1", geometry="homogeneous")
    done = run_train(paths)
    assert (done.returncode, done.stderr) == (0, "")
    assert list(metrics_in(done.stdout)) == [
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


def test_channels_that_are_not_read_are_named_in_the_log(tmp_path):
    """In one line, with what to call one of them; and where the tuner's objective misses it, in the reason."""
    channels = {"training/a.csv": GOOD["training/a.csv"], "test/b.csv": "?", "eval/c.csv": "?"}
    done = run_train(write_opt_ml(tmp_path / "job", channels))
    assert done.returncode == 0
    named = (
        "Channels left alone: 'eval', 'test'; only 'training' and 'validation' are read. Name a channel 'validation' to"
    )
    assert [line.startswith(named) for line in done.stdout.splitlines() if "left alone" in line] == [True]
    tuned = run_train(write_opt_ml(tmp_path / "tuned", channels, {"_tuning_objective_metric": "validation:RMSE"}))
    assert tuned.returncode == 2
    assert "InputDataConfig, or give this name to 'eval', or give this name to 'test'." in tuned.stderr


def test_the_objective_of_the_tuning_job_is_printed_last(example_job):
    """Whichever metric that is."""
    done = run_train(example_job(_tuning_objective_metric="validation:MAE"))
    assert list(metrics_in(done.stdout))[-1] == "validation:MAE"


def test_a_constant_validation_target_costs_r2_alone(tmp_path):
    """Said in words; the objective is still there."""
    done = run_train(write_opt_ml(tmp_path, {**GOOD, "validation/b.csv": "1,1,2\n"}))
    assert done.returncode == 0
    assert "validation:R2 has no finite value" in done.stdout
    assert list(metrics_in(done.stdout))[-1] == "validation:RMSE"


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
    "a model to go on from": (
        {**GOOD, "model/model.tar.gz": "x"},
        {},
        "Channel 'model' brings a model, for incremental training.",
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
    "a header line alone": (
        {**GOOD, "training/a.csv": "y,a,b\n"},
        {},
        "Channel 'training' holds no file with rows in it",
    ),
    "a header line alone, to validate": (
        {**GOOD, "validation/b.csv": "y,a,b\n"},
        {},
        "Channel 'validation' holds no file with rows in it",
    ),
    "no row, for means alone": (
        {**GOOD, "training/a.csv": "y,a,b\n"},
        {"solver": "cg"},
        "Channel 'training' holds no file with rows in it",
    ),
    "a header line alone, to learn from": (
        {**GOOD, "training/a.csv": "y,a,b\n"},
        {"q": "auto", "optimize": "all"},
        "Channel 'training' holds no file with rows in it",
    ),
    "words": ({**GOOD}, {"q": "abc,def"}, "1 hyperparameter is wrong: q is 'abc,def', a valid integer or a valid list"),
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


def test_a_job_in_pipe_mode_learns_what_one_in_file_mode_does(example_job):
    """The channels come through pipes, which a process of SageMaker's makes and fills."""
    by_file = run_train(example_job("file"))
    paths = example_job("pipe")
    paths.input_data_config.write_text(
        json.dumps({name: {"TrainingInputMode": "Pipe"} for name in ("training", "validation")})
    )
    files = sorted(paths.data.glob("*/*.csv"))
    contents = [path.read_bytes() for path in files]
    for path in files:
        path.unlink()
        path.parent.rmdir()

    def deliver():
        for path, content in zip(files, contents, strict=True):
            pipe = paths.data / f"{path.parent.name}_0"
            os.mkfifo(pipe)
            pipe.write_bytes(content)

    with ThreadPoolExecutor() as pool:
        delivered = pool.submit(deliver)
        by_pipe = run_train(paths)
        delivered.result(timeout=60)
    assert (by_pipe.returncode, by_pipe.stderr) == (0, "")
    assert metrics_in(by_pipe.stdout) == metrics_in(by_file.stdout)
    assert "training: rows are counted as they come; validation: rows are counted" in by_pipe.stdout
    assert "training: 100 rows, 2 features; validation: 50 rows; memory:" in by_pipe.stdout


def test_a_failure_file_is_of_this_job(tmp_path):
    """An earlier job's is gone when this one fails, and when it does not; a dry run leaves it where it is."""
    for channels, arguments, code, left in (
        ({}, [], 2, "The job has no channel named"),
        (GOOD, [], 0, ""),
        (GOOD, ["--dry-run"], 0, "an earlier one's"),
    ):
        paths = write_opt_ml(tmp_path / f"{code}{len(arguments)}", channels)
        paths.failure.parent.mkdir(parents=True)
        paths.failure.write_text("an earlier one's")
        assert run_train(paths, arguments=arguments).returncode == code
        assert (paths.failure.read_text() if paths.failure.exists() else "").startswith(left)
        assert paths.failure.exists() == bool(left)


def parquet_of(*names):
    """A file of as many columns, each 1 and 2."""
    stream = BytesIO()
    write_parquet(RecordBatch({name: Array.from_numpy(np.array([1.0, 2.0])) for name in names}), stream)
    return stream.getvalue()


# What would be a line of the log that the tuner reads.
LINE = "a\nvalidation:RMSE=0;\nb"
CONFIG = "input/config"
FORGED = {
    "hyperparameter": ({}, {LINE: "1"}, {}, {}),
    "value": ({}, {"q": LINE, "geometry": LINE}, {}, {}),
    "objective": ({}, {"_tuning_objective_metric": LINE}, {}, {}),
    "channel": ({f"tr{LINE}/a.csv": "1,2"}, {}, {}, {}),
    "channel in the configuration": ({}, {}, {"inputdataconfig": {LINE: {}}}, {}),
    "content type": ({}, {}, {"inputdataconfig": {"training": {"ContentType": f"text/csv{LINE}"}}}, {}),
    "mode": ({}, {}, {"inputdataconfig": {"training": {"TrainingInputMode": LINE}}}, {}),
    "file": ({f"training/{LINE}.csv": "1,x\n"}, {}, {}, {}),
    "file with a header line": ({f"training/{LINE}.csv": "y,a\n1,1\n2,2\n"}, {"bias": "1"}, {}, {}),
    "column": ({"training/a.parquet": parquet_of("y", LINE)}, {"bias": "1"}, {}, {}),
    "columns that differ": (
        {"training/a.parquet": parquet_of("y", LINE), "validation/a.parquet": parquet_of("y", "a")},
        {"bias": "1"},
        {},
        {},
    ),
    "regex": ({}, {}, {"metric-definition-regex": [{"Name": LINE, "Regex": f"({LINE}"}]}, {}),
    "host": (
        {},
        {"distributed": "false"},
        {"resourceconfig": {"current_host": f"b{LINE}", "hosts": [LINE, f"b{LINE}"]}},
        {},
    ),
    "checkpoint": ({}, {}, {"checkpointconfig": {"LocalPath": LINE}}, {}),
    "job": ({}, {}, {"checkpointconfig": {}}, {"TRAINING_JOB_NAME": LINE}),
    "threads": ({}, {}, {}, {"OMP_NUM_THREADS": LINE}),
    "algorithm": ({}, {}, {}, {"ALGORITHM": LINE}),
}


@pytest.mark.parametrize(("channels", "hyperparameters", "config", "environ"), FORGED.values(), ids=FORGED)
def test_no_name_forges_a_line_of_the_log(tmp_path, channels, hyperparameters, config, environ):
    """With a line of its own in it, a name is quoted on the line of the message: the tuner finds no metric of it."""
    paths = write_opt_ml(tmp_path, channels, hyperparameters)
    for name, document in config.items():
        (paths.root / CONFIG / f"{name}.json").write_text(json.dumps(document))
    done = run_train(paths, environ)
    failure = paths.failure.read_text() if paths.failure.exists() else ""
    for text in (done.stdout, done.stderr, failure):
        assert "validation:RMSE=0;" not in text.splitlines()
    assert "\\nvalidation:RMSE=0" in done.stdout + done.stderr
    assert done.returncode in (0, 2)


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
    done = run_train(paths, {"ALGORITHM": "buggy", "PYTHONPATH": f"{tmp_path}:{ROOT / 'tests/algorithms'}"})
    assert done.returncode == 1
    failure = paths.failure.read_text()
    assert failure.startswith("ZeroDivisionError: of course\n")
    assert failure.endswith("in fit\n    raise ZeroDivisionError('of course')\n")
    assert "Traceback (most recent call last)" in done.stderr


def test_a_model_folder_that_cannot_be_written_is_the_platforms_failure(example_job):
    """Exit code 3, and the path."""
    paths = example_job()
    paths.model.write_text("a file where the folder should be")
    done = run_train(paths)
    assert done.returncode == 3
    assert "cannot be written" in paths.failure.read_text()


def test_a_failed_job_leaves_no_model(tmp_path):
    """An objective without a finite value: nothing is saved, and nothing is printed for the tuner."""
    channels = {**GOOD, "validation/b.csv": "1e200,1,2\n"}
    paths = write_opt_ml(tmp_path, channels, {"_tuning_objective_metric": "validation:RMSE"})
    done = run_train(paths)
    assert done.returncode == 4
    assert paths.failure.read_text().startswith("The tuning objective validation:RMSE is inf")
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


def test_a_job_that_does_not_fit_is_refused_before_it_starts(tmp_path):
    """By an estimate of a large file's rows already: exit code 3 and the rows that would fit, in the failure file."""
    paths = write_opt_ml(tmp_path, {"training/a.csv": "1.5,2.5,3.5\n" * 3_000_000}, {"bias": "1"})
    done = run_train(paths)
    assert done.returncode == 3
    assert re.search(r"needs \d{5}\.\d\d GB of memory, and .* are free: \d+ rows would fit", paths.failure.read_text())
    assert re.search(r"training: about [\d,]+ rows, 2 features", done.stdout)
    assert len(done.stdout.splitlines()) == 1


@pytest.mark.parametrize("free", [0.0, 2e7, 128e6])
def test_less_memory_than_a_job_of_no_rows_takes_is_the_platforms_failure(tmp_path, free):
    """With what is needed and what there is; beside a validation channel too."""
    paths = write_opt_ml(tmp_path, GOOD)
    code = (
        "import os, sys; sys.path.insert(0, sys.argv[1])\n"
        "from gaussian_processes.job import preparation\n"
        f"preparation.available_memory = lambda: {free}\n"
        "from gaussian_processes.training import main\n"
        "sys.exit(main([], os.environ, sys.stdout))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(ROOT)], env=environ_of(paths), capture_output=True, text=True, check=False
    )
    assert done.returncode == 3
    wanted = {0.0: "0 B", 2e7: "20.00 MB", 128e6: "0.13 GB"}[free]
    assert re.match(
        rf"Training on 3 rows of 2 features needs 0\.13 GB of memory, and {wanted} are free: 0 rows would fit\. ",
        paths.failure.read_text(),
    )


def test_the_first_line_says_what_will_be_done_and_what_it_takes(example_job):
    """Version, hyperparameters, rows, columns, threads, memory, time."""
    done = run_train(example_job(q="2"), {"OMP_NUM_THREADS": "1"})
    assert re.match(
        r"arc-cosine-gaussian-process \d+\.\d+\.\d+: q=2 l=1 sigma2=0\.1 .*; training: 100 rows, 2 features; "
        r"validation: 50 rows, 2 features; 1 thread; memory: \d\.\d\d GB of \d+\.\d\d GB; time: less than 1 s\n",
        done.stdout,
    )


@pytest.mark.parametrize(("q", "l"), [("100000", "1"), ("1", "1000000"), ("1,100000", "0,1")])
def test_the_first_line_names_an_order_or_a_depth_that_takes_long(example_job, q, l):
    """With how many times as long an entry takes, as part of a time that is no second."""
    done = run_train(example_job(q=q, l=l), arguments=["--dry-run"])
    found = re.search(
        r"time: about \d+ (s|min|h) \(an entry of the matrix takes about \de\+0\d times as long at q=(\d+), l=(\d+) as at "
        r"q=1, l=1\)\n",
        done.stdout,
    )
    assert found.groups()[1:] == (q.split(",")[-1], l.split(",")[-1])


def test_the_mistakes_of_a_job_are_reported_together(tmp_path):
    """Five of them: two hyperparameters, a channel's name, a regex that drops the sign, a number of threads."""
    paths = write_opt_ml(
        tmp_path,
        {"trian/a.csv": GOOD["training/a.csv"], "validation/b.csv": GOOD["validation/b.csv"]},
        {"sigma": "1", "q": "-1", "_tuning_objective_metric": "validation:NLPD"},
    )
    definitions = [{"Name": "validation:NLPD", "Regex": r"validation:NLPD=([0-9\.]+);"}]
    (paths.root / "input/config/metric-definition-regex.json").write_text(json.dumps(definitions))
    done = run_train(paths, {"OMP_NUM_THREADS": "many"})
    assert done.returncode == 2
    failure = paths.failure.read_text()
    for cause in (
        "4 parts of this job are wrong: (1) 2 hyperparameters are wrong: 'sigma' is not one (did you mean 'sigma2'?)",
        "q is '-1'",
        "no channel named 'training' or 'train'",
        "validation:NLPD=(.*?);",
        "OMP_NUM_THREADS is 'many'",
    ):
        assert cause in failure
    assert len(failure) <= 1024


def test_a_dry_run_checks_everything_and_trains_nothing(example_job):
    """The plan, its cost, and an untouched /opt/ml."""
    paths = example_job()
    done = run_train(paths, arguments=["--dry-run"])
    assert (done.returncode, done.stderr) == (0, "")
    assert "plan: fit 100 rows of 2 features, evaluate on 50 rows" in done.stdout
    assert re.search(
        r"plan: memory: .*; time: less than 1 s; disk: .*; cost: \S+ core-seconds on 1 thread\n", done.stdout
    )
    assert "nothing is trained" in done.stdout
    assert not REGEX.search(done.stdout)
    assert {path.name for path in paths.root.iterdir()} == {"input"}


def test_a_file_whose_first_lines_are_short_is_not_refused_for_an_estimate(tmp_path):
    """Sparse rows first, long ones later: many more rows are expected than there are, and the job goes on."""
    rows = ["0,0,1"] * 12000 + [f"{1 + i / 7!r},{i / 11!r},{i / 13!r}" for i in range(8000)]
    paths = write_opt_ml(tmp_path, {"training/a.csv": "\n".join(rows)}, {"bias": "1"})
    done = run_train(paths, arguments=["--dry-run"])
    assert (done.returncode, done.stderr) == (0, "")
    expected, found = re.search(r"about ([\d,]+) rows", done.stdout), re.search(r"plan: fit (\d+) rows", done.stdout)
    assert int(expected.group(1).replace(",", "")) > 2 * int(found.group(1)) == 2 * 20000


def test_a_model_folder_that_cannot_be_written_is_found_before_training(example_job):
    """By a dry run too."""
    paths = example_job()
    paths.model.symlink_to(paths.root / "nowhere")
    for arguments in (["--dry-run"], []):
        done = run_train(paths, arguments=arguments)
        assert done.returncode == 3
        assert f"{paths.model} cannot be written to: {paths.model} is no folder" in done.stderr
        assert done.stdout == ""


def test_a_log_in_another_encoding_is_no_reason_to_fail(tmp_path):
    """Names of columns are anybody's."""
    paths = write_opt_ml(tmp_path, {"training/a.csv": "größe,b\n1,2\n2,3\n"}, {"bias": "1"})
    done = run_train(paths, {"PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stderr) == (0, "")
    assert "training: the target is 'gr\\xf6\\xdfe', the features are b" in done.stdout
    assert "training: the first line is a header line in training/a.csv" in done.stdout


def test_a_dry_run_finds_what_training_would(tmp_path):
    """A bad cell; and no failure file, which the next run would not overwrite."""
    paths = write_opt_ml(tmp_path, {**GOOD, "training/a.csv": "1,1,2\n1,x,2\n"})
    done = run_train(paths, arguments=["--dry-run"])
    assert done.returncode == 2
    assert "training/a.csv: line 2, column 2: found 'x'" in done.stderr
    assert not paths.failure.exists()


def test_an_argument_that_is_not_known_is_refused(example_job):
    """In the failure file, since a job's ContainerArguments can hold one."""
    for argument in ("--dryrun", "--dry-run=1", "--help"):
        paths = example_job(argument)
        assert run_train(paths, arguments=[argument]).returncode == 2
        assert paths.failure.read_text().startswith(f"train does not know '{argument}'")


def test_of_several_hosts_the_first_trains_and_the_others_do_nothing(example_job):
    """They say so, exit 0, print no metric, and write nothing, whatever their channels hold."""
    for current in ("algo-1", "algo-2"):
        paths = example_job(current, distributed="false")
        document = {"current_host": current, "hosts": ["algo-2", "algo-1"]}
        (paths.root / "input/config/resourceconfig.json").write_text(json.dumps(document))
        if current == "algo-2":
            shutil.rmtree(paths.data)
        done = run_train(paths)
        assert (done.returncode, done.stderr) == (0, "")
        assert bool(REGEX.search(done.stdout)) == (current == "algo-1")
    assert done.stdout == "Host algo-2 of 2: algo-1 trains, alone; nothing is left to do here.\n"
    assert {path.name for path in paths.root.iterdir()} == {"input"}


def test_a_leader_whose_group_has_no_channel_says_so(tmp_path):
    """Of a heterogeneous cluster, by the name of its group."""
    paths = write_opt_ml(tmp_path, {})
    groups = [
        {"instance_group_name": name, "instance_type": "ml.m5.large", "hosts": [host]}
        for name, host in (("light", "algo-1"), ("heavy", "algo-2"))
    ]
    document = {"current_host": "algo-1", "hosts": ["algo-1", "algo-2"], "current_group_name": "light"}
    paths.resource_config.write_text(json.dumps({**document, "instance_groups": groups}))
    done = run_train(paths)
    assert done.returncode == 2
    wanted = "This host leads: its instance group, 'light', must be in the channel's InstanceGroupNames."
    assert wanted in paths.failure.read_text()


def test_a_sharded_channel_is_not_learnt_from_in_part(example_job):
    """One host alone would see its share only."""
    paths = example_job(distributed="false")
    (paths.root / "input/config/resourceconfig.json").write_text(
        json.dumps({"current_host": "algo-1", "hosts": ["algo-1", "algo-2"]})
    )
    (paths.input_data_config).write_text(json.dumps({"training": {"S3DistributionType": "ShardedByS3Key"}}))
    assert run_train(paths).returncode == 2
    failure = paths.failure.read_text()
    assert failure.startswith("Channel 'training' is ShardedByS3Key over 2 hosts")
    assert "FullyReplicated" in failure


@pytest.mark.last_digits
def test_leave_one_out_stands_in_for_a_validation_channel(example, tmp_path):
    """Printed, the objective last, and as N trainings without one row each have it."""
    X, y, _, _ = example
    rows = [f"{target},{a},{b}" for target, (a, b) in zip(y[:20].tolist(), X[:20].tolist(), strict=True)]
    hyperparameters = {"_tuning_objective_metric": "train:LOO_RMSE", "geometry": "homogeneous", "l": "0"}
    done = run_train(write_opt_ml(tmp_path, {"training/a.csv": "\n".join(rows)}, hyperparameters))
    assert (done.returncode, done.stderr) == (0, "")
    residuals = []
    for i in range(20):
        keep = np.arange(20) != i
        model = TrainedGPModel(X[:20][keep], y[:20][keep], ArcCosine(1, 0, "homogeneous"), 0.1)
        residuals.append(y[i] - model.predict(X[i : i + 1])[0])
    (found,) = re.findall(r"^train:LOO_RMSE=(.*?);$", done.stdout, re.MULTILINE)
    assert float(found) == pytest.approx(np.sqrt(np.mean(np.square(residuals))), rel=1e-9)
    assert "train:LOO_NLPD=" in done.stdout
    assert "validation:" not in done.stdout.partition("\n")[2]


def test_leave_one_out_can_be_the_objective_beside_a_validation_channel(example_job):
    """Then it is computed too, and printed last."""
    done = run_train(example_job(_tuning_objective_metric="train:LOO_NLPD"))
    names = list(metrics_in(done.stdout))
    assert names[-1] == "train:LOO_NLPD"
    assert "validation:RMSE" in names
    assert "LOO" not in run_train(example_job("other")).stdout


def test_an_objective_that_a_constant_target_leaves_undefined_fails_before_training(tmp_path):
    """R2, where there is nothing to explain."""
    channels = {**GOOD, "validation/b.csv": "1,1,2\n1,2,3\n"}
    paths = write_opt_ml(tmp_path, channels, {"_tuning_objective_metric": "validation:R2"})
    done = run_train(paths)
    assert done.returncode == 2
    assert "validation:R2" in paths.failure.read_text()
    assert "constant" in paths.failure.read_text()
    assert not paths.root.joinpath("model").exists()


def test_what_was_paid_for_is_not_lost_to_a_report_that_cannot_be_written(example_job):
    """The model is whole, the metrics are printed, the exit code is 0, and the log says what is missing."""
    paths = example_job()
    paths.output_data.parent.mkdir(parents=True)
    paths.output_data.write_text("a file where the folder should be")
    done = run_train(paths)
    assert done.returncode == 0
    assert REGEX.search(done.stdout)
    assert (paths.model / "model.pkl").exists()
    assert "The report is missing" in done.stdout


def test_the_report_and_the_numbers_are_left_in_the_output(example_job):
    """Metrics as printed, hyperparameters, seconds by phase, memory, versions, and which data they were."""
    paths = example_job(q="2")
    done = run_train(paths)
    numbers = json.loads((paths.output_data / "metrics.json").read_text())
    assert numbers["metrics"]["validation:RMSE"] == float(REGEX.findall(done.stdout)[-1])
    assert numbers["hyperparameters"]["q"] == 2
    assert list(numbers["timings"]) == ["reading", "fit", "evaluation", "saving"]
    assert numbers["peak_memory"] > 2**20
    assert numbers["versions"]["numpy"] == np.__version__
    assert numbers["channels"]["training"]["rows"] == 100
    assert (paths.output_data / "report.html").exists()
    again = example_job("again")
    run_train(again)
    other = json.loads((again.output_data / "metrics.json").read_text())
    assert other["channels"] == numbers["channels"]


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
            "assert main([], os.environ, sys.stdout) == 0\n"
            "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, str(ROOT)], env=environ_of(paths), capture_output=True, text=True, check=True
        )
        assert ("single precision" in done.stdout) == (precision == "mixed")
        peaks[N] = int(done.stdout.splitlines()[-1])
    announced = needs(Size(6000, 3), Hyperparameters(precision=precision)).memory
    assert peaks[6000] - peaks[10] < announced
    assert announced < 2 * 8 * 6000**2


def test_a_number_of_threads_that_is_none_is_the_users_error(example_job):
    """Named, and in the failure file."""
    paths = example_job()
    done = run_train(paths, {"OMP_NUM_THREADS": "many"})
    assert done.returncode == 2
    assert "OMP_NUM_THREADS is 'many'" in paths.failure.read_text()
