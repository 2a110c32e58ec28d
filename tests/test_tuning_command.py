"""The search from the command line, with the real `train`."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from processes import run_train
from reference import DATA, ROOT
from reporting import metrics_in
from tuning import document

REQUESTS = ("tuning_job.json", "tuning_job_diabetes.json")


@pytest.fixture
def data(tmp_path):
    """The example's channels."""
    for channel, name in (("training", "example_train.csv"), ("validation", "example_validation.csv")):
        (tmp_path / "data" / channel).mkdir(parents=True)
        (tmp_path / "data" / channel / name).write_bytes((DATA / name).read_bytes())
    return tmp_path / "data"


def command(tmp_path, data, *more, request=None):
    path = tmp_path / "request.json"
    path.write_text(json.dumps(request or document()))
    tuning = [sys.executable, "-W", "error", "-m", "gaussian_processes.tuning", str(path)]
    return [*tuning, "--data", str(data), "--results", str(tmp_path / "results"), *more]


def run(tmp_path, data, *more, request=None):
    arguments = command(tmp_path, data, *more, request=request)
    return subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)


def few(jobs, parallel=2, **changes):
    return document(ResourceLimits={"MaxNumberOfTrainingJobs": jobs, "MaxParallelTrainingJobs": parallel}, **changes)


def test_the_table_agrees_with_training_by_hand(tmp_path, data, example_job):
    """Each job as it ends, then all from the best to the worst; and what is left: table, plots, the best job's model."""
    done = run(tmp_path, data, request=few(3))
    assert (done.returncode, done.stderr) == (0, "")
    assert len(re.findall(r"^job +[123]  q=\d  l=\d  \d\.\d+$", done.stdout, re.MULTILINE)) == 3
    table = done.stdout.partition("Minimize validation:RMSE, the best first:\n")[2].splitlines()[:3]
    values = [float(line.split()[-1]) for line in table]
    assert values == sorted(values)
    results = tmp_path / "results"
    header, *rows = (line.split(",") for line in (results / "results.csv").read_text().splitlines())
    for index, row in enumerate(rows):
        chosen = dict(zip(header[5:], row[5:], strict=True))
        by_hand = run_train(example_job(f"job{index}", sigma2="0.1", **chosen))
        assert metrics_in(by_hand.stdout)["validation:RMSE"] == float(row[2])
    assert (results / "best/model/model.pkl").stat().st_size > 0
    assert "validation:RMSE" in (results / "tuning.html").read_text()


def test_a_wrong_regex_fails_before_any_job_with_the_right_one_to_paste(tmp_path, data):
    """The popular one that cannot read an exponent or a sign, and one that finds nothing."""
    for regex in (r"validation:RMSE=([0-9\.]+) ", "RMSE: (.*?);"):
        request = few(3)
        specification = request["TrainingJobDefinition"]["AlgorithmSpecification"]
        specification["MetricDefinitions"] = [{"Name": "validation:RMSE", "Regex": regex}]
        done = run(tmp_path, data, request=request)
        assert done.returncode == 2
        assert 'Paste {"Name": "validation:RMSE", "Regex": "validation:RMSE=(.*?);"}.' in done.stderr
        assert not (tmp_path / "results").exists()


def test_a_folder_with_results_is_not_written_over(tmp_path, data):
    """Nor is a search gone on with that is not there, or is another."""
    (tmp_path / "results").mkdir()
    (tmp_path / "results/mine").touch()
    done = run(tmp_path, data)
    assert done.returncode == 2
    assert "is not empty; name a new one, or go on with the search in it by --resume" in done.stderr
    assert "There is no search in" in run(tmp_path, data, "--resume").stderr
    (tmp_path / "results/request.json").write_text(json.dumps(few(1)))
    assert "was of another request" in run(tmp_path, data, "--resume").stderr


def test_an_interrupted_search_goes_on(tmp_path, data):
    """Ctrl-C: exit 130, no job left running, results and plots of what had ended; --resume does the rest."""
    arguments = command(tmp_path, data, request=few(6))
    process = subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with process:
        while not (tmp_path / "results/results.json").exists():
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130, out + err
    assert "Go on with --resume" in err
    before = len(json.loads((tmp_path / "results/results.json").read_text())["TrainingJobSummaries"])
    assert 1 <= before < 6
    assert (tmp_path / "results/tuning.html").exists()
    done = run(tmp_path, data, "--resume", request=few(6))
    assert done.returncode == 0, done.stderr
    assert len(re.findall(r"^job ", done.stdout, re.MULTILINE)) == 6 - before
    assert len(done.stdout.partition("the best first:\n")[2].split("\n\n")[0].splitlines()) == 6


def loaded(process, _results):
    """Python imports what the search needs."""
    return "_multiarray_umath" in Path(f"/proc/{process.pid}/maps").read_text()


def with_results(_process, results):
    """A job has ended."""
    return (results / "results.json").exists()


MOMENTS = {
    "Ctrl-C while it is imported": (signal.SIGINT, loaded),
    "Ctrl-C when the folder is made": (signal.SIGINT, lambda _, results: results.exists()),
    "Ctrl-C when a job begins": (signal.SIGINT, lambda _, results: any(results.glob("*/input/config/*"))),
    "Ctrl-C when a job prints": (
        signal.SIGINT,
        lambda _, results: any(log.stat().st_size for log in results.glob("*/log.txt")),
    ),
    "Ctrl-C when a job has ended": (signal.SIGINT, with_results),
    "SIGTERM when a job has ended": (signal.SIGTERM, with_results),
}


def children(results):
    """Jobs that run in a folder of results."""
    wanted, found = f"SAGEMAKER_BASE_DIR={results}/".encode(), []
    for environ in Path("/proc").glob("[0-9]*/environ"):
        try:
            if any(one.startswith(wanted) for one in environ.read_bytes().split(b"\0")):
                found.append(environ.parent.name)
        except OSError:
            continue
    return found


@pytest.mark.parametrize(("kind", "moment"), MOMENTS.values(), ids=MOMENTS)
def test_an_interruption_at_any_moment_leaves_one_line_and_no_job(tmp_path, data, kind, moment):
    """And nothing is lost: what has ended is kept, and the search goes on, or begins."""
    results = tmp_path / "results"
    arguments = command(tmp_path, data, request=few(3))
    with subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        while not moment(process, results):
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(kind)
        _, err = process.communicate(timeout=120)
    assert process.returncode == 128 + kind
    assert re.fullmatch(
        r"(Stopped before any job began|The jobs that ran were stopped; .* Go on with --resume)\.\n", err
    )
    assert not children(results)
    more = ["--resume"] if (results / "request.json").exists() else []
    done = run(tmp_path, data, *more, request=few(3))
    assert (done.returncode, done.stderr) == (0, "")
    assert len(json.loads((results / "results.json").read_text())["TrainingJobSummaries"]) == 3


def test_two_searches_do_not_share_a_folder(tmp_path, data):
    """The second is refused in one line; one that was killed blocks nobody, and its jobs end."""
    results = tmp_path / "results"
    arguments = command(tmp_path, data, request=few(3))
    with subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        while not (results / "results.json").exists():
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGSTOP)  # it holds the folder for as long as the others take
        for more, words in (("--resume", "Another search runs in"), ("--surrogate=gp", "is not empty")):
            second = run(tmp_path, data, more, request=few(3))
            assert second.returncode == 2
            assert words in second.stderr
            assert second.stderr.count("\n") == 1
        process.kill()
    before = {path.name for path in results.iterdir()}
    done = run(tmp_path, data, "--resume", request=few(3))
    assert (done.returncode, done.stderr) == (0, "")
    assert before <= {path.name for path in results.iterdir()}
    assert len(json.loads((results / "results.json").read_text())["TrainingJobSummaries"]) == 3


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda results: results.with_name("results").write_text("mine"), "is a file; name a folder with --results"),
        (lambda results: (results / "sub").write_text(""), "is not empty"),
    ],
    ids=["a file", "something else"],
)
def test_a_place_that_is_taken_is_refused_before_any_job(tmp_path, data, damage, words):
    """In one line, with nothing left there."""
    results = tmp_path / "results"
    if words != "is a file; name a folder with --results":
        results.mkdir()
    damage(results)
    before = sorted(tmp_path.rglob("*"))
    done = run(tmp_path, data)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert words in done.stderr
    assert set(tmp_path.rglob("*")) - set(before) <= {tmp_path / "request.json"}


@pytest.mark.parametrize("name", ["request.json", "results.json"])
def test_what_a_search_has_left_may_be_damaged(tmp_path, data, name):
    """It is refused in one line, with nothing removed; put back, or without the results, the search goes on."""
    assert run(tmp_path, data, request=few(2)).returncode == 0
    results = tmp_path / "results"
    was, before = (results / name).read_bytes(), sorted(results.rglob("*"))
    (results / name).write_bytes(was[:100])
    done = run(tmp_path, data, "--resume", request=few(2))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert name in done.stderr
    assert sorted(results.rglob("*")) == before
    (results / name).write_bytes(was)
    assert run(tmp_path, data, "--resume", request=few(2)).returncode == 0


def test_nothing_is_made_where_there_is_no_data(tmp_path):
    """The folder for the results neither."""
    done = run(tmp_path, tmp_path / "nowhere")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "There is no data folder" in done.stderr
    assert not (tmp_path / "results").exists()


def test_a_warm_start_learns_from_a_search_beside_it(tmp_path, data):
    """By its name; one that is not there is named."""
    assert run(tmp_path, data, request=few(2)).returncode == 0
    parents = [{"HyperParameterTuningJobName": "arc-cosine-q-l"}]
    warm = few(1, Strategy="Bayesian")
    warm |= {
        "HyperParameterTuningJobName": "warm",
        "WarmStartConfig": {
            "ParentHyperParameterTuningJobs": parents,
            "WarmStartType": "IdenticalDataAndAlgorithm",
        },
    }
    done = run(tmp_path, data, "--results", str(tmp_path / "warm"), request=warm)
    assert done.returncode == 0, done.stderr
    parents[0]["HyperParameterTuningJobName"] = "nobody"
    done = run(tmp_path, data, "--results", str(tmp_path / "other"), request=warm)
    assert done.returncode == 2
    assert "WarmStartConfig names nobody, and no folder in" in done.stderr


def test_on_a_terminal_there_is_a_table_with_a_bar(tmp_path, data):
    """What runs, what has ended, and how much is left."""
    theirs, ours = pty.openpty()
    environ = {**os.environ, "TERM": "xterm", "COLUMNS": "120", "LINES": "40"}
    arguments = command(tmp_path, data, request=few(2))
    with subprocess.Popen(
        arguments, cwd=ROOT, stdout=ours, stderr=ours, stdin=subprocess.DEVNULL, env=environ
    ) as process:
        os.close(ours)
        shown = b""
        while True:
            try:
                block = os.read(theirs, 65536)
            except OSError:  # the other end is closed
                break
            shown += block
    os.close(theirs)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode())
    assert process.returncode == 0, text
    assert re.search(r"job\W+q\W+l\W+validation:RMSE\W+seconds", text)
    assert "runs" in text
    assert "0/2 jobs" in text
    assert "2/2 jobs" in text
    assert "no. 1" in text


@pytest.mark.parametrize("name", REQUESTS)
def test_the_committed_requests_can_be_run(name):
    """They pass every check, and search what `train` knows."""
    from gaussian_processes.arc_cosine import Hyperparameters
    from gaussian_processes.tuning.request import read_request

    request = read_request(ROOT / "local_test" / name)
    ranges = request.hyper_parameter_tuning_job_config.parameter_ranges.all
    ends = [{one.name: one.at(end) for one in ranges} for end in (0, 1)]
    for chosen in ends:
        Hyperparameters.model_validate(request.training_job_definition.static_hyper_parameters | chosen)
