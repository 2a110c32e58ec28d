"""Checkpoints: a job that is interrupted goes on, a file is whole at every moment, and nobody's work is written over."""

import contextlib
import hashlib
import json
import os
import pickle
import pickletools
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import counting
import numpy as np
import pytest
from oddities import NO_FILES
from processes import environ_of, run_train, write_opt_ml
from reference import ROOT
from reporting import Lines, metrics_in
from unnamed import names

from gaussian_processes import __version__
from gaussian_processes.errors import ConfigurationError, PlatformError
from gaussian_processes.job.checkpoint import file as module
from gaussian_processes.job.checkpoint.file import checkpoint_file, open_checkpoint
from gaussian_processes.job.checkpoint.identity import Identity
from gaussian_processes.job.contract.paths import OptMl
from gaussian_processes.job.log import Log
from gaussian_processes.job.reporter import JobReporter
from gaussian_processes.storage.model_file import load_artifact
from gaussian_processes.storage.sealed_pickle import packed, write_document

COUNTING = {"ALGORITHM": "counting", "PYTHONPATH": str(ROOT / "tests/algorithms")}
CHANNELS = {"training/a.csv": "1,2\n2,3\n3,5\n", "validation/b.csv": "1,2\n"}
IDENTITY = Identity("counting", {"steps": 10, "rate": 0.3, "kind": "slow"}, {"training": "sha256:a"})
NOON = datetime(2026, 11, 26, 12, tzinfo=UTC).timestamp()


def keep(path, identity=IDENTITY, seconds=NOON, **state):
    """Leave a checkpoint, as a job of this identity does."""
    checkpoint = replace(open_checkpoint(path, identity, pytest.fail), clock=lambda: seconds)
    checkpoint.keep({"step": 3, **state})
    return path


def opened(path, identity=IDENTITY):
    """The checkpoint of a job that starts, and the lines that it adds to the log."""
    lines = Lines()
    return open_checkpoint(path, identity, lines.log), lines


def document(**parts):
    return {
        "format": 1,
        "version": __version__,
        "algorithm": IDENTITY.algorithm,
        "hyperparameters": json.dumps(IDENTITY.hyperparameters),
        "data": dict(IDENTITY.data),
        "seconds": NOON,
        "state": {"step": 3},
    } | parts


def write(path, **parts):
    """A checkpoint whose seal is right, whatever it holds."""
    with path.open("wb") as stream:
        write_document(packed(document(**parts)), stream)
    return path


# What a job finds.


def test_what_an_interrupted_run_kept_is_found_again(tmp_path):
    """Numbers, words and arrays, the last state alone; when it was kept is in the log."""
    path = tmp_path / "checkpoints/job.checkpoint.pkl"
    first, lines = opened(path)
    assert first.found is None
    assert first.start == (
        f"training starts from the beginning: {path.parent} holds no checkpoint of these data and hyperparameters."
    )
    assert not path.parent.exists()
    for step in (1, 2):
        keep(path, step=step, trace=np.arange(step + 1.0), text="half", nothing=None, nested={"a": [1, True]})
    second, lines = opened(path)
    assert second.start == f"training goes on from {path}, kept on 2026-11-26 at 12:00:00 UTC."
    assert lines == []
    trace = second.found["trace"]
    assert (trace.dtype, trace.tolist()) == (np.float64, [0.0, 1.0, 2.0])
    assert {name: second.found[name] for name in ("step", "text", "nothing", "nested")} == {
        "step": 2,
        "text": "half",
        "nothing": None,
        "nested": {"a": [1, True]},
    }
    assert names(path.parent) == [path.name]


def test_the_reporter_keeps_and_finds(tmp_path):
    """And says lines as the log does; without checkpoints, keeping does nothing at all."""
    path = tmp_path / "job.checkpoint.pkl"
    with (tmp_path / "log").open("w") as stream:
        reporter = JobReporter(Log(stream), opened(path)[0])
        assert reporter.kept() is None
        reporter.keep({"step": 1})
        assert JobReporter(Log(stream), opened(path)[0]).kept() == {"step": 1}
        without = JobReporter(Log(stream))
        without.keep({"step": object()})
        assert without.kept() is None
        without.log("said")
        without.progress("phase", 0.5)
    assert (tmp_path / "log").read_text() == "said\n"
    assert names(tmp_path) == ["job.checkpoint.pkl", "log"]


def test_a_new_job_goes_on_from_the_latest_of_the_same_kind(tmp_path):
    """Where it has no file of its own: whoever asks for the same S3 prefix goes on. The others stay as they are."""
    for number, name in enumerate(("b", "a", "c")):
        keep(tmp_path / f"{name}.checkpoint.pkl", seconds=NOON - abs(number - 1), step=number)
    checkpoint, lines = opened(tmp_path / "new.checkpoint.pkl")
    assert checkpoint.found == {"step": 1}
    assert (
        checkpoint.start
        == f"training goes on from {tmp_path / 'a.checkpoint.pkl'}, kept on 2026-11-26 at 12:00:00 UTC."
    )
    assert lines == []
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    checkpoint.keep({"step": 4})
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()}.items() >= before.items()
    own, _ = opened(tmp_path / "new.checkpoint.pkl")
    assert own.found == {"step": 4}


OTHERS = {
    "one hyperparameter": (
        replace(IDENTITY, hyperparameters={"steps": 10, "rate": 0.5, "kind": "slow"}),
        "rate is 0.5 there and 0.3 here",
    ),
    "several hyperparameters": (
        replace(IDENTITY, hyperparameters={"steps": 11, "rate": 0.3, "kind": "fast"}),
        'steps is 11 there and 10 here; kind is "fast" there and "slow" here',
    ),
    "a hyperparameter that is not set": (
        replace(IDENTITY, hyperparameters={"steps": 10, "kind": "slow", "more": None}),
        "rate is not set there and 0.3 here; more is null there and not set here",
    ),
    "many hyperparameters": (
        replace(IDENTITY, hyperparameters={**IDENTITY.hyperparameters, **{f"x{i}": "long" * 99 for i in range(9)}}),
        'x4 is "longlonglonglonglonglonglonglonglonglon there and not set here; and 4 more',
    ),
    "data": (replace(IDENTITY, data={"training": "sha256:b"}), "channel 'training' holds other data"),
    "a channel": (
        replace(IDENTITY, data={"training": "sha256:a", "validation": "sha256:c"}),
        "there is no channel 'validation' here",
    ),
    "no channel": (replace(IDENTITY, data={}), "there is no channel 'training' there"),
    "the algorithm": (
        Identity("another", {"k": 1}, {"training": "sha256:a"}),
        "the algorithm is 'another' there and 'counting' here",
    ),
}


@pytest.mark.parametrize(("identity", "difference"), OTHERS.values(), ids=OTHERS)
def test_the_jobs_own_file_of_another_training_is_refused(tmp_path, identity, difference):
    """Before it would be written over: by its name, with what differs and what to do."""
    path = keep(tmp_path / "job.checkpoint.pkl", identity)
    with pytest.raises(ConfigurationError) as caught:
        opened(path)
    message = str(caught.value)
    assert message.startswith(f"{path} was kept by another training, and this one would write over it: ")
    assert f"{difference}. Give CheckpointConfig another S3Uri, or the job another name, or remove" in message
    assert len(message) < 1024


@pytest.mark.parametrize("identity", [identity for identity, _ in OTHERS.values()], ids=OTHERS)
def test_another_jobs_file_of_another_training_is_left_alone(tmp_path, identity):
    """A tuning job's jobs share a folder: nothing is said of it."""
    path = keep(tmp_path / "sibling.checkpoint.pkl", identity)
    before = path.read_bytes()
    checkpoint, lines = opened(tmp_path / "job.checkpoint.pkl")
    assert (checkpoint.found, lines) == (None, [])
    checkpoint.keep({"step": 1})
    assert path.read_bytes() == before


def test_a_number_that_is_none_is_the_same_as_itself(tmp_path):
    """NaN, where an algorithm allows it; and 1 is 1.0."""
    path = keep(tmp_path / "job.checkpoint.pkl", replace(IDENTITY, hyperparameters={"a": float("nan"), "b": 1}))
    assert opened(path, replace(IDENTITY, hyperparameters={"b": 1.0, "a": float("nan")}))[0].found == {"step": 3}


def cut(body):
    return body[:-1]


def flipped(body):
    return bytes([*body[:200], body[200] ^ 0x10, *body[201:]])


DAMAGED = "is damaged, cut short, or no checkpoint: its bytes do not match the checksum at its end."
DAMAGES = {
    "cut": (cut, DAMAGED),
    "cut in half": (lambda body: body[: len(body) // 2], DAMAGED),
    "flipped": (flipped, DAMAGED),
    "empty": (lambda _: b"", DAMAGED),
    "text": (lambda _: b"step=3\n" * 99, DAMAGED),
}
# A pickle that is a call, sealed as it should be.
CODE = b"cos\nsystem\n(S'touch owned'\ntR."
SEALED = CODE + pickle.dumps(hashlib.sha256(CODE).hexdigest(), protocol=5)
FORGED = {
    "a later format": ({"format": 2}, f"it is of format 2, and version {__version__} reads format 1"),
    "no time": ({"seconds": float("nan")}, "it lacks what a checkpoint holds"),
    "a time that is none": ({"seconds": 1e300}, "it lacks what a checkpoint holds"),
    "no state": ({"state": [1]}, "it lacks what a checkpoint holds"),
    "no hyperparameters": ({"hyperparameters": "[]"}, "it lacks what a checkpoint holds"),
    "hyperparameters that are no JSON": ({"hyperparameters": "{"}, "Expecting property name"),
    "no fingerprints": ({"data": {"training": 1}}, "it lacks what a checkpoint holds"),
}


def damage(path, case):
    """Make a checkpoint unusable; the reason that is given for it."""
    if case in DAMAGES:
        change, reason = DAMAGES[case]
        path.write_bytes(change(keep(path).read_bytes()))
        return f"{path} {reason}"
    if case == "code":
        path.write_bytes(SEALED)
        return f"{path} cannot be used as a checkpoint: it asks for GLOBAL, and a pickle of plain values names no code"
    parts, reason = FORGED[case]
    write(path, **parts)
    return f"{path} cannot be used as a checkpoint: {reason}"


def test_the_forged_files_of_these_tests_are_checkpoints_but_for_what_is_wrong_with_them(tmp_path):
    """With nothing wrong they are gone on from."""
    assert opened(write(tmp_path / "job.checkpoint.pkl"))[0].found == {"step": 3}


@pytest.mark.parametrize("case", [*DAMAGES, *FORGED, "code"])
def test_a_file_that_cannot_be_used_costs_what_was_kept_and_not_the_job(tmp_path, monkeypatch, case):
    """The reason is said; training starts from the beginning, and what it keeps takes the file's place."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "job.checkpoint.pkl"
    reason = damage(path, case)
    checkpoint, _ = opened(path)
    assert checkpoint.found is None
    assert checkpoint.start.startswith(f"training starts from the beginning: {reason}")
    assert names(tmp_path) == [path.name]
    checkpoint.keep({"step": 1})
    assert opened(path)[0].found == {"step": 1}


@pytest.mark.parametrize("case", [*DAMAGES, *FORGED, "code"])
def test_another_jobs_file_that_cannot_be_used_is_left_alone(tmp_path, case):
    """With a line in the log: it may be the one that was meant. Others are gone on from all the same."""
    path = tmp_path / "a.checkpoint.pkl"
    reason = damage(path, case)
    before = path.read_bytes()
    for found in (None, {"step": 3}):
        checkpoint, lines = opened(tmp_path / "job.checkpoint.pkl")
        assert checkpoint.found == found
        (line,) = lines
        assert line.startswith(f"another job's checkpoint is left alone: {reason}")
        write(tmp_path / "b.checkpoint.pkl")
    assert path.read_bytes() == before


def test_another_version_starts_from_the_beginning(tmp_path):
    """It may compute otherwise. What it finds of another training, it still does not write over."""
    reason = f"was kept by version 0.0.9, and this is version {__version__}."
    path = write(tmp_path / "old.checkpoint.pkl", version="0.0.9")
    own, lines = opened(path)
    assert (own.found, own.start) == (None, f"training starts from the beginning: {path} {reason}")
    assert lines == []
    new, lines = opened(tmp_path / "new.checkpoint.pkl")
    assert new.found is None
    assert lines == [f"another job's checkpoint is left alone: {path} {reason}"]
    write(path, version="0.0.9", algorithm="another")
    with pytest.raises(ConfigurationError, match="the algorithm is 'another' there"):
        opened(path)


def test_files_of_the_synchronisation_are_no_checkpoints(tmp_path):
    """By what their names end in; a folder is none either."""
    for suffix in (".sagemaker-uploading", ".sagemaker-uploaded", ".sagemaker-ignore"):
        for name in ("job.checkpoint.pkl", ".job.checkpoint.pkl.7"):
            write(tmp_path / f"{name}{suffix}")
    (tmp_path / "folder.checkpoint.pkl").mkdir()
    checkpoint, lines = opened(tmp_path / "job.checkpoint.pkl")
    assert (checkpoint.found, lines) == (None, [])


def test_a_file_of_its_own_that_cannot_be_opened_stops_the_job(tmp_path, monkeypatch):
    """It may be whole, and would be written over. Nor is there a way to go on where it does not fit into memory."""
    path = tmp_path / "job.checkpoint.pkl"
    path.mkdir()
    with pytest.raises(PlatformError, match=rf"{path}: Is a directory\."):
        opened(path)
    path.rmdir()
    keep(path, array=np.zeros(1000))

    def refuse(*_):
        raise MemoryError

    monkeypatch.setattr(np, "empty", refuse)
    with pytest.raises(PlatformError, match=rf"{path} does not fit into memory\."):
        opened(path)


# How it is written.


def test_what_is_not_whole_is_never_copied_to_s3(tmp_path, monkeypatch, way):
    """While it is written, and when it takes the earlier one's place: any other name ends as SageMaker wants it."""
    path = keep(tmp_path / "job.checkpoint.pkl")
    seen = []

    def watched(function):
        def watching(*arguments, **named):
            seen.append(sorted(set(names(tmp_path)) - {path.name}))
            return function(*arguments, **named)

        return watching

    for owner, name in ((module, "write_document"), (os, "link"), (Path, "replace")):
        monkeypatch.setattr(owner, name, watched(getattr(owner, name)))
    keep(path, step=4)
    temporary = [f".job.checkpoint.pkl.{os.getpid()}.sagemaker-ignore"]
    # Written, and then linked to the file's own name, which is taken, to another, and that renamed.
    assert seen == ([[], [], [], temporary] if way == "unnamed" else [temporary, temporary])
    assert names(tmp_path) == [path.name]


@pytest.mark.usefixtures("way")
def test_a_checkpoint_that_cannot_be_written_leaves_the_one_before(tmp_path):
    """A full disk, and what cannot be stored; the folder's other files are all as they were."""
    path = keep(tmp_path / "job.checkpoint.pkl")
    (tmp_path / "notes.txt").write_text("mine")
    before = path.read_bytes()
    checkpoint, _ = opened(path)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
    try:
        with pytest.raises(PlatformError, match=rf"cannot be written to {path}: File too large\. What was kept before"):
            checkpoint.keep({"large": np.zeros(10_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    with pytest.raises(TypeError, match=r"a state holds plain values, .* found object"):
        checkpoint.keep({"a": object()})
    assert path.read_bytes() == before
    assert names(tmp_path) == ["job.checkpoint.pkl", "notes.txt"]


LOOP = """
import os, random, signal, sys, time
from pathlib import Path
import numpy as np
from gaussian_processes.job.checkpoint.file import open_checkpoint
from gaussian_processes.job.checkpoint.identity import Identity
from unnamed import refuse_unnamed

path, identity = Path(sys.argv[1]), Identity("loop", {}, {})
if sys.argv[2] == "named":
    os.open = refuse_unnamed

def keep_for_ever(number):
    checkpoint = open_checkpoint(path, identity, print)
    while True:
        number += 1
        checkpoint.keep({"number": number, "array": np.full(20_000 + number % 7, number)})

def wait_for_another(seen):
    while not path.exists() or path.stat().st_mtime_ns == seen:
        time.sleep(0.0002)
    return path.stat().st_mtime_ns

last, seen = 0, None
for seed in range(20):
    child = os.fork()
    if not child:
        keep_for_ever(last)
    moment = random.Random(seed)
    for _ in range(moment.randint(1, 4)):
        seen = wait_for_another(seen)
    time.sleep(moment.uniform(0, 0.02))
    os.kill(child, signal.SIGKILL)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    checkpoint = open_checkpoint(path, identity, print)
    number, array = checkpoint.found["number"], checkpoint.found["array"]
    assert number > last and array.shape == (20_000 + number % 7,) and (array == number).all()
    last, seen = number, path.stat().st_mtime_ns
    strays = [name for name in os.listdir(path.parent) if name != path.name]
    assert all(name.endswith(".sagemaker-ignore") for name in strays), strays
print(last)
"""


@pytest.mark.parametrize("way", ["unnamed", "named"])
def test_a_process_killed_at_any_moment_leaves_a_whole_checkpoint(tmp_path, way):
    """Twenty times while it keeps state upon state: the last or the last but one, and no part that would be copied."""
    command = [sys.executable, "-c", LOOP, str(tmp_path / "job.checkpoint.pkl"), way]
    environ = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests/support'}", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert int(done.stdout) >= 20


@pytest.mark.parametrize(("make", "reason"), NO_FILES.values(), ids=NO_FILES)
def test_a_checkpoint_that_is_no_file_costs_what_was_kept_and_not_the_job(tmp_path, make, reason):
    """The reason is said, nothing is waited for, and what the job keeps takes its place."""
    path = keep(tmp_path / "job.checkpoint.pkl")
    make(path)
    checkpoint, _ = opened(path)
    assert checkpoint.found is None
    assert checkpoint.start.startswith(f"training starts from the beginning: {path} ")
    assert reason in checkpoint.start
    checkpoint.keep({"step": 1})
    assert opened(path)[0].found == {"step": 1}


@pytest.mark.parametrize(("make", "reason"), NO_FILES.values(), ids=NO_FILES)
def test_another_jobs_checkpoint_that_is_no_file_is_left_alone(tmp_path, make, reason):
    """With a line in the log."""
    path = keep(tmp_path / "a.checkpoint.pkl")
    make(path)
    checkpoint, (line,) = opened(tmp_path / "job.checkpoint.pkl")
    assert checkpoint.found is None
    assert line.startswith(f"another job's checkpoint is left alone: {path} ")
    assert reason in line


# Where it is.

FOLDER = {
    "a folder": ({"LocalPath": "/mnt/kept", "S3Uri": "s3://bucket/prefix"}, "/mnt/kept"),
    "the usual folder": ({"LocalPath": "/opt/ml/checkpoints"}, "{root}/checkpoints"),
    "a folder of the root": ({"LocalPath": "/opt/ml/kept/here"}, "{root}/kept/here"),
    "no folder": ({"S3Uri": "s3://bucket/prefix"}, "{root}/checkpoints"),
    "none": ({"LocalPath": None}, "{root}/checkpoints"),
}


@pytest.mark.parametrize(("config", "folder"), FOLDER.values(), ids=FOLDER)
def test_the_request_says_where(tmp_path, config, folder):
    """/opt/ml in it is the root, wherever that is; a job has a file by its own name."""
    paths = write_opt_ml(tmp_path, {})
    paths.checkpoint_config.write_text(json.dumps(config))
    folder = Path(folder.format(root=tmp_path))
    assert checkpoint_file(paths, "job-7") == folder / "job-7.checkpoint.pkl"
    assert checkpoint_file(paths, None) == folder / "training.checkpoint.pkl"


def test_without_the_document_a_folder_that_is_there_counts(tmp_path):
    """And nothing is kept where there is neither."""
    paths = write_opt_ml(tmp_path, {})
    assert checkpoint_file(paths, "a/b") is None
    paths.checkpoints.mkdir()
    assert checkpoint_file(paths, None) == paths.checkpoints / "training.checkpoint.pkl"
    assert OptMl.from_environ({}).checkpoints == Path("/opt/ml/checkpoints")


MALFORMED = {
    "no JSON": ("{", None, "checkpointconfig.json is not JSON"),
    "a list": ("[]", None, "checkpointconfig.json holds a JSON list; an object is wanted"),
    "a number": ('{"LocalPath": 7}', None, "checkpointconfig.json: LocalPath is '7'; an absolute path is wanted"),
    "a relative path": ('{"LocalPath": "a"}', None, "LocalPath is 'a'; an absolute path is wanted"),
    "a null": ('{"LocalPath": "/a\\u0000"}', None, "an absolute path is wanted"),
    "half a character": ('{"LocalPath": "/a\\ud800"}', None, "an absolute path is wanted"),
    "a name with a folder": ("{}", "a/b", "TRAINING_JOB_NAME is 'a/b', and a checkpoint's file is named by it"),
    "a hidden name": ("{}", ".a", "TRAINING_JOB_NAME is '.a'"),
}


@pytest.mark.parametrize(("config", "name", "reason"), MALFORMED.values(), ids=MALFORMED)
def test_what_says_no_place_is_refused(tmp_path, config, name, reason):
    """In words."""
    paths = write_opt_ml(tmp_path, {})
    paths.checkpoint_config.write_text(config)
    with pytest.raises(ConfigurationError, match=re.escape(reason)):
        checkpoint_file(paths, name)


# Whole jobs.


def counting_job(root, hyperparameters=None, channels=CHANNELS):
    """A job that keeps checkpoints."""
    paths = write_opt_ml(root, channels, hyperparameters)
    paths.checkpoint_config.write_text(json.dumps({"LocalPath": "/opt/ml/checkpoints", "S3Uri": "s3://bucket/prefix"}))
    return paths


def restarted(paths, root):
    """The job in a new container: what SageMaker copied to S3, and nothing else of what the last one left."""
    shutil.copytree(paths.root / "input", root / "input")
    if paths.checkpoints.exists():
        shutil.copytree(paths.checkpoints, root / "checkpoints", ignore=shutil.ignore_patterns("*.sagemaker-ignore"))
    return OptMl(root)


def steps_taken(path):
    return [int(line) for line in path.read_text().splitlines()] if path.exists() else []


def killed(paths, extra, steps, moment):
    """Run `train`, and kill it so many seconds after so many steps; whether it came to its end before."""
    command = [sys.executable, "-W", "error", str(ROOT / "gaussian_processes/train")]
    log = paths.root / "log"
    with log.open("wb") as stream:
        process = subprocess.Popen(command, env=environ_of(paths, extra), stdout=stream, stderr=subprocess.STDOUT)
    try:
        while process.poll() is None and len(steps_taken(Path(extra[counting.STEPS_TAKEN]))) < steps:
            time.sleep(0.001)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=moment)
    finally:
        process.kill()
        code = process.wait()
    assert code in (0, -signal.SIGKILL), log.read_text()
    return code == 0


def test_a_job_killed_again_and_again_goes_on_and_ends_as_if_it_had_not_been(tmp_path):
    """Each time in a new container: the same result, and no step but that in which it was killed is taken twice."""
    hyperparameters = {"steps": "30", "pause": "0.01"}
    whole = counting_job(tmp_path / "whole", hyperparameters)
    done = run_train(whole, COUNTING)
    assert (done.returncode, done.stderr) == (0, "")
    generator = random.Random(7)
    paths, runs = counting_job(tmp_path / "0", hyperparameters), []
    while True:
        taken = paths.root / "steps"
        extra = {**COUNTING, counting.STEPS_TAKEN: str(taken), "TRAINING_JOB_NAME": "spot-job"}
        ended = killed(paths, extra, generator.randint(1, 12), generator.uniform(0, 0.02))
        runs.append(steps_taken(taken))
        if ended:
            break
        assert len(runs) < 40
        paths = restarted(paths, tmp_path / str(len(runs)))
    assert len(runs) >= 3
    last = -1
    for steps in runs:
        # A step that was not kept is taken again; all may have been kept before the end.
        assert steps == list(range(steps[0], steps[-1] + 1)) if steps else last == 29
        assert not steps or steps[0] in {max(last, 0), last + 1}
        last = max([last, *steps])
    assert last == 29
    assert sum(map(len, runs)) < 30 + len(runs)
    log = (paths.root / "log").read_text()
    assert f"\ntraining goes on from {paths.checkpoints / 'spot-job.checkpoint.pkl'}, kept on " in log
    assert metrics_in(log) == metrics_in(done.stdout)
    assert load_artifact(paths.model, counting.algorithm).state == load_artifact(whole.model, counting.algorithm).state


def test_the_same_settings_in_another_spelling_are_the_same(tmp_path):
    """Quotes, exponents, keys of SageMaker's own, and defaults that are not written out."""
    paths = counting_job(tmp_path / "job", {"steps": "10", "rate": "0.3"})
    assert "training starts from the beginning: " in run_train(paths, COUNTING).stdout
    paths.hyperparameters.write_text(json.dumps({"rate": '"3e-1"', "pause": "0", "sagemaker_region": "x"}))
    (paths.data / "training/a.csv").write_text("y,x\n1.0,2\n2.0,3\n3.0,5e0\n")
    (paths.data / "validation/b.csv").write_text("y,x\n1.0,2\n")
    taken = tmp_path / "steps"
    done = run_train(paths, {**COUNTING, counting.STEPS_TAKEN: str(taken)})
    assert (done.returncode, done.stderr) == (0, "")
    assert "\ntraining goes on from " in done.stdout
    assert steps_taken(taken) == []


def test_a_job_does_not_write_over_another_ones_checkpoint(tmp_path):
    """Exit code 2 and the reason in the failure file, for other hyperparameters and for other data."""
    paths = counting_job(tmp_path / "job")
    assert run_train(paths, COUNTING).returncode == 0
    path = paths.checkpoints / "training.checkpoint.pkl"
    before = path.read_bytes()
    for change, difference in (
        (lambda: paths.hyperparameters.write_text('{"steps": "11"}'), "steps is 10 there and 11 here"),
        (lambda: (paths.data / "validation/b.csv").write_text("1,3\n"), "channel 'validation' holds other data"),
    ):
        change()
        done = run_train(paths, COUNTING)
        assert done.returncode == 2
        failure = paths.failure.read_text()
        paths.failure.unlink()
        assert failure.startswith(f"{path} was kept by another training")
        assert difference in failure
        assert "Give CheckpointConfig another S3Uri, or the job another name, or remove the file." in failure
    assert path.read_bytes() == before
    done = run_train(paths, {**COUNTING, "TRAINING_JOB_NAME": "another"})
    assert (done.returncode, done.stderr) == (0, "")
    assert names(paths.checkpoints) == ["another.checkpoint.pkl", "training.checkpoint.pkl"]


def tree(root):
    """Every file and folder, with what it holds."""
    return {path.relative_to(root): path.is_file() and path.read_bytes() for path in root.rglob("*")}


def test_a_dry_run_says_where_training_would_start_and_writes_nothing(tmp_path):
    """The beginning, the checkpoint, or the refusal."""
    paths = counting_job(tmp_path / "job")
    for start in ("starts from the beginning: ", "goes on from "):
        before = tree(paths.root)
        done = run_train(paths, COUNTING, ["--dry-run"])
        assert (done.returncode, done.stderr) == (0, "")
        assert f"\nplan: training {start}" in done.stdout
        assert tree(paths.root) == before
        run_train(paths, COUNTING)
    paths.hyperparameters.write_text('{"steps": "11"}')
    before = tree(paths.root)
    done = run_train(paths, COUNTING, ["--dry-run"])
    assert done.returncode == 2
    assert "steps is 10 there and 11 here" in done.stderr
    assert tree(paths.root) == before


def test_where_no_checkpoints_are_kept_nothing_is_said_or_written(tmp_path):
    """Whatever the algorithm would keep."""
    paths = write_opt_ml(tmp_path / "job", CHANNELS)
    done = run_train(paths, COUNTING)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\ntraining " not in done.stdout
    assert names(paths.root) == ["input", "model", "output"]


def test_a_malformed_config_is_reported_with_the_other_faults(tmp_path):
    """One message for all of them."""
    paths = counting_job(tmp_path / "job", {"steps": "0"})
    paths.checkpoint_config.write_text('{"LocalPath": "checkpoints"}')
    done = run_train(paths, COUNTING)
    assert done.returncode == 2
    failure = paths.failure.read_text()
    assert failure.startswith("2 parts of this job are wrong: (1) 1 hyperparameter is wrong: steps is '0'")
    assert "(2) checkpointconfig.json: LocalPath is 'checkpoints'; an absolute path is wanted" in failure


def test_a_folder_that_cannot_be_written_is_found_before_training(tmp_path):
    """By a dry run too; the platform's failure."""
    paths = counting_job(tmp_path / "job")
    paths.checkpoints.symlink_to(paths.root / "nowhere")
    for arguments in (["--dry-run"], []):
        done = run_train(paths, COUNTING, arguments)
        assert done.returncode == 3
        assert f"{paths.checkpoints} cannot be written to: {paths.checkpoints} is no folder" in done.stderr
        assert done.stdout == ""


def test_of_several_hosts_the_first_alone_keeps_anything(tmp_path):
    """The others do not even look: what they would find wrong is the first one's to say."""
    for current in ("algo-1", "algo-2"):
        paths = counting_job(tmp_path / current)
        paths.resource_config.write_text(json.dumps({"current_host": current, "hosts": ["algo-1", "algo-2"]}))
        paths.checkpoints.mkdir()
        write(paths.checkpoints / "training.checkpoint.pkl", algorithm="another")
        before = tree(paths.root)
        done = run_train(paths, COUNTING)
        assert done.returncode == (2 if current == "algo-1" else 0)
    assert "nothing is left to do here" in done.stdout
    assert "checkpoint" not in done.stdout
    assert tree(paths.root) == before


def test_the_file_names_no_code(tmp_path):
    """Any Python can read it with the standard library alone, arrays as their bytes."""
    body = keep(tmp_path / "job.checkpoint.pkl", trace=np.ones(1)).read_bytes()
    opcodes = {opcode.name for opcode, _, _ in pickletools.genops(body)}
    assert not opcodes & {"GLOBAL", "STACK_GLOBAL", "REDUCE", "BUILD", "INST", "OBJ", "NEWOBJ", "NEWOBJ_EX"}
    trace = {"dtype": "<f8", "shape": (1,), "order": "C", "data": np.ones(1).tobytes()}
    assert pickle.loads(body) == document(state={"step": 3, "trace": trace})
