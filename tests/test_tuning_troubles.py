"""Whatever a job does, the search records it, and goes on with the others."""

import json
import math
import os
import re
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from reference import ROOT
from tuning import Quiet, document, place, pretended

from gaussian_processes.errors import ConfigurationError
from gaussian_processes.tuning.job import GRACE, Place
from gaussian_processes.tuning.request import parse_request
from gaussian_processes.tuning.results import best, hold, read_results
from gaussian_processes.tuning.search import search, unfinished_removed

REGEX = re.compile("validation:RMSE=(.*?);")


def run(tmp_path, trouble, regex=None, **more):
    """Two jobs, one of which has a trouble; that one, and the other."""
    ranges = {"CategoricalParameterRanges": [{"Name": "trouble", "Values": [trouble, "none"]}]}
    request = document(
        ParameterRanges=ranges, ResourceLimits={"MaxNumberOfTrainingJobs": 2, "MaxParallelTrainingJobs": 1}
    )
    request["TrainingJobDefinition"]["StaticHyperParameters"] = {"x": "0.8"} | more
    if regex:
        request["TrainingJobDefinition"]["AlgorithmSpecification"]["MetricDefinitions"][0]["Regex"] = regex
    request = parse_request(request, "request.json")
    where = place(tmp_path)
    trials = {trial.combination["trouble"]: trial for trial in search(request, where, Quiet())}
    kept = {trial.combination["trouble"]: trial for trial in read_results(where.results, request.objective_regex)}
    assert {name: (one.status, one.objective) for name, one in kept.items()} == {
        name: (one.status, one.objective) for name, one in trials.items()
    }
    return trials[trouble], trials["none"], best(request, list(trials.values()))


FAILED = {
    "failure is a folder": "the last words",
    "failure is a pipe": "exit code 2",
    "failure is no text": "\ufffd\ufffd caf\ufffd",
    "failure is long": "x" * 1024,
    "log is gone": "exit code 7",
    "without a model": r"exit code 0, and left no model in .*/model\.$",
}


@pytest.mark.parametrize(("trouble", "reason"), FAILED.items(), ids=FAILED)
def test_a_job_that_fails_in_its_own_way_is_recorded_with_a_reason(tmp_path, trouble, reason):
    """A folder, a pipe, bytes or megabytes for its failure file, no log, no model; the other one is the best."""
    job, other, winner = run(tmp_path, trouble)
    assert job.status == "Failed"
    assert re.search(reason, job.reason)
    assert len(job.reason) <= 1024
    assert other.status == "Completed"
    assert winner is other
    assert (tmp_path / "results/best").resolve() == other.directory


PRINTED = ["log is no text", "a long line", "carriage returns", "an end without a newline"]


@pytest.mark.parametrize("trouble", PRINTED)
def test_the_objective_is_read_beside_whatever_else_is_printed(tmp_path, trouble):
    """Bytes, fifty megabytes in a line, a bar of progress; the last line needs no end."""
    job, other, _ = run(tmp_path, trouble)
    assert (job.status, other.status) == ("Completed", "Completed")
    assert job.values[0] == 0.25
    assert 99 not in job.values


def test_numbers_that_are_none_are_no_objective(tmp_path):
    """NaN and infinity, of a job that prints nothing else."""
    job, other, winner = run(tmp_path, "no number", steps="0")
    assert (job.status, job.values) == ("Failed", ())
    assert "finds no number" in job.reason
    assert (other.status, winner) == ("Failed", None)


@pytest.mark.parametrize("regex", [r"((a+)+);|validation:RMSE=(.*?);", r"(a?){60}b|(a|a)*=()"], ids=str)
def test_a_regex_that_would_read_for_years_fails_the_job(tmp_path, regex):
    """In the second line of its log; nothing hangs, and reading the log again does not either."""
    job, _, _ = run(tmp_path, "a line that takes years", regex)
    assert job.status == "Failed"
    assert re.search(r"takes more than 1 s for a line of the log, 'aaaa", job.reason)
    assert job.ended - job.began < 50


def processes_of(directory):
    """Those that a job has started, by the environment that it gave them."""
    wanted = f"SAGEMAKER_BASE_DIR={directory}".encode()
    found = []
    for environ in Path("/proc").glob("[0-9]*/environ"):
        try:
            if wanted in environ.read_bytes().split(b"\0"):
                found.append(int(environ.parent.name))
        except OSError:
            continue
    return found


@contextmanager
def in_another_process(imports, statement, path):
    """A process that does something, and is killed without a word."""
    script = f"{imports}; import pathlib, sys; path = pathlib.Path(sys.argv[1]); {statement}"
    environ = dict(os.environ, PYTHONPATH=f"{ROOT}:{ROOT / 'tests/support'}")
    command = [sys.executable, "-c", script, str(path)]
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def until(condition, seconds=60):
    """Wait for what has to come."""
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.02)


@pytest.mark.parametrize("trouble", ["someone who stays", "someone who prints for ever"])
def test_what_a_job_leaves_behind_ends_with_it(tmp_path, trouble):
    """As in a container, whoever still holds its output open."""
    job, other, _ = run(tmp_path, trouble)
    assert (job.status, other.status) == ("Completed", "Completed")
    until(lambda: not processes_of(job.directory))


def test_a_job_that_does_not_hear_is_killed_by_a_second_interruption(tmp_path):
    """The first one asks it to end."""
    request = pretended(static={"trouble": "deaf"}, jobs=2, parallel=2)
    where, watcher = place(tmp_path), Quiet()

    def interruptions():
        # The first when both have printed; the second when they were asked.
        return 0 if len(watcher.values) < 2 else next(counted)

    counted, began = iter([1, 1, 1, *[2] * 10_000]), time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        search(request, where, watcher, interruptions=interruptions)
    assert time.monotonic() - began < GRACE
    assert not any(processes_of(directory) for directory in where.results.iterdir())


ENGINE = """#!/bin/sh
# A container engine: `run` takes a while until its container is there, which `kill` then finds.
cd "$(dirname "$0")"
case $1 in
  run) touch asked; while [ ! -e early ]; do sleep 0.02; done; echo $$ >container; exec sleep 1000 ;;
  kill) echo "$3 $4" >>killed; if [ -e container ]; then kill -s "${3#SIG}" "$(cat container)"; else touch early; exit 1; fi ;;
esac
"""


def test_a_container_that_is_about_to_begin_is_stopped_too(tmp_path, monkeypatch):
    """The engine does not know it yet when it is asked to end it, and is asked again."""
    (tmp_path / "engine").mkdir()
    (tmp_path / "engine/docker").write_text(ENGINE)
    (tmp_path / "engine/docker").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'engine'}:{os.environ['PATH']}")
    where = place(tmp_path)
    where = Place(where.data, where.results, "an-image", 1)
    with pytest.raises(KeyboardInterrupt):
        search(pretended(jobs=1), where, Quiet(), interruptions=(tmp_path / "engine/asked").exists)
    killed = (tmp_path / "engine/killed").read_text().splitlines()
    assert len(killed) > 1
    assert set(killed) == {"SIGTERM arc-cosine-q-l-001"}


def test_jobs_of_a_search_that_was_killed_end_before_they_run_again(tmp_path):
    """They would write into the same folders; those that are done stay."""
    request = pretended(static={"trouble": "deaf"}, jobs=2, parallel=2)
    where, directory = place(tmp_path), place(tmp_path).results / "arc-cosine-q-l-001"
    with in_another_process(
        "from tuning import Quiet, place, pretended; from gaussian_processes.tuning.search import search",
        "search(pretended(static={'trouble': 'deaf'}, jobs=2, parallel=2), place(path), Quiet())",
        tmp_path,
    ):
        until(lambda: processes_of(directory) and (directory / "log.txt").read_text())
    assert processes_of(directory)
    unfinished_removed(where.results, request, [])
    until(lambda: not processes_of(directory))
    assert not list(where.results.iterdir())


def test_a_folder_is_held_by_one_search(tmp_path):
    """Against another process, and not for longer than the one that holds it lives."""
    with in_another_process(
        "import time; from gaussian_processes.tuning.results import hold",
        "hold(path / 'results'); print('held', flush=True); time.sleep(1000)",
        tmp_path,
    ) as process:
        assert process.stdout.readline() == "held\n"
        with pytest.raises(ConfigurationError, match=r"Another search runs in .*results; wait until it has ended"):
            hold(tmp_path / "results")
    hold(tmp_path / "results")


def test_a_file_is_no_folder_for_results(tmp_path):
    """Nor is one below a file."""
    (tmp_path / "file").touch()
    for results in ("file", "file/results"):
        with pytest.raises(ConfigurationError, match="is a file; name a folder with --results"):
            hold(tmp_path / results)


SUMMARY = {
    "TrainingJobName": "a-001",
    "TrainingJobArn": "arn:aws:sagemaker:local:000000000000:training-job/a-001",
    "CreationTime": "2026-01-01T00:00:00+00:00",
    "TrainingJobStatus": "Completed",
    "TunedHyperParameters": {"x": "1"},
    "TrainingStartTime": "2026-01-01T00:00:00+00:00",
    "TrainingEndTime": "2026-01-01T00:00:01+00:00",
}


@pytest.mark.parametrize(
    "change",
    [
        {"TrainingJobName": "../../a-001"},
        {"TrainingJobName": "a"},
        {"TrainingJobName": 3},
        {"TrainingJobStatus": "Winning"},
        {"TunedHyperParameters": 3},
        {"TunedHyperParameters": {"x": 1}},
        {"TrainingStartTime": "yesterday"},
        {"TrainingEndTime": None},
        {"TrainingEndTime": 3},
        {"FinalHyperParameterTuningJobObjectiveMetric": {"MetricName": "a", "Value": "many"}},
        {"FinalHyperParameterTuningJobObjectiveMetric": {"MetricName": "a", "Value": math.nan}},
        {"FinalHyperParameterTuningJobObjectiveMetric": []},
    ],
    ids=json.dumps,
)
def test_results_that_were_damaged_are_refused_with_what_to_do(tmp_path, change):
    """Whatever of them it is; as they were, they are read."""
    (tmp_path / "results.json").write_text(json.dumps({"TrainingJobSummaries": [SUMMARY]}))
    (trial,) = read_results(tmp_path, REGEX)
    assert (trial.number, trial.status, trial.objective) == (1, "Completed", None)
    (tmp_path / "results.json").write_text(json.dumps({"TrainingJobSummaries": [SUMMARY | change]}))
    with pytest.raises(
        ConfigurationError, match=r"are not as a search leaves them: .* or remove the file: its jobs run"
    ):
        read_results(tmp_path, REGEX)


@pytest.mark.parametrize(
    "content", [b"[" * 100_000, b"[]", b"3", b"null", b"\xff", b'{"TrainingJobSummaries": 3}'], ids=repr
)
def test_what_holds_no_results_is_refused(tmp_path, content):
    """By the same words."""
    (tmp_path / "results.json").write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"results.json are not as a search leaves them"):
        read_results(tmp_path, REGEX)
