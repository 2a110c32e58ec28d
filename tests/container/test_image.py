"""The image on a real engine: built from the unmodified Dockerfile, run as SageMaker runs it."""

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request

import pytest
from processes import docker, run_train
from reference import DATA, ROOT

from gaussian_processes import __version__
from gaussian_processes.arc_cosine import Hyperparameters

HARDENED = ["--network", "none", "--read-only", "--tmpfs", "/tmp"]


def train(image, paths, *options, command=("train",)):
    return docker("run", "--rm", *options, "-v", f"{paths.root}:/opt/ml", image, *command, check=False)


def test_trains_as_the_child_process_does(image, opt_ml, example_job):
    """The same metrics, digit for digit up to the last few, from the same files, read-only as FastFile mounts them."""
    inside = train(image, opt_ml, *HARDENED, "-v", f"{opt_ml.data}:/opt/ml/input/data:ro")
    assert inside.returncode == 0, inside.stderr
    assert (opt_ml.model / "model.pkl").exists()
    outside = run_train(example_job("outside"))
    found, wanted = (
        {line.partition("=")[0]: float(line.partition("=")[2][:-1]) for line in text.splitlines() if line.endswith(";")}
        for text in (inside.stdout, outside.stdout)
    )
    assert len(wanted) == 7
    assert found == pytest.approx(wanted, rel=1e-9)


def test_trains_as_any_user_on_a_read_only_root(image, opt_ml):
    """Nothing but /opt/ml is written."""
    for path in (opt_ml.model, opt_ml.root / "output"):
        path.chmod(0o777)
    for folder in opt_ml.root.parents[0], opt_ml.root.parents[1]:
        folder.chmod(0o755)
    done = train(image, opt_ml, *HARDENED, "--user", "4242:4242")
    assert done.returncode == 0, done.stderr
    assert (opt_ml.model / "model.pkl").stat().st_uid == 4242


@pytest.mark.parametrize("way", [{"precision": "double"}, {"precision": "mixed"}, {"solver": "cg"}], ids=str)
@pytest.mark.parametrize("q", ["0", "1", "60"])
def test_every_kind_of_kernel_works_without_a_compiler(image, opt_ml, way, q):
    """Read-only, under another user, in both precisions; there is neither Numba nor LLVM that could compile anything."""
    settings = {"q": q, "l": "2", "geometry": "homogeneous", "degree": "1", **way}
    opt_ml.hyperparameters.write_text(json.dumps(settings))
    for path in (opt_ml.model, opt_ml.root / "output"):
        path.chmod(0o777)
    for folder in opt_ml.root.parents[0], opt_ml.root.parents[1]:
        folder.chmod(0o755)
    done = train(image, opt_ml, *HARDENED, "--user", "4242:4242")
    assert done.returncode == 0, done.stderr
    for package in ("numba", "llvmlite"):
        assert docker("run", "--rm", image, "python3", "-c", f"import {package}", check=False).returncode == 1


@pytest.mark.parametrize("criterion", ["evidence", "loo"])
def test_learns_without_a_compiler(image, opt_ml, criterion):
    """Order 0, orders with polynomials and one above them, in both geometries, all hyperparameters, with a checkpoint."""
    settings = {"q": "0,1,60", "geometry": "auto", "bias": "1", "degree": "1", "optimize": "all", "finalists": "6"}
    opt_ml.hyperparameters.write_text(json.dumps({**settings, "criterion": criterion, "iterations": "2"}))
    (opt_ml.root / "checkpoints").mkdir()
    done = train(image, opt_ml)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("learned q=") == 8
    assert (opt_ml.root / "checkpoints/training.checkpoint.pkl").exists()


def test_an_older_processor_has_its_library(image, opt_ml):
    """The one for any processor computes the same, to rounding."""
    results = []
    for processor in (), ("-e", "NUMBA_CPU_NAME=generic"):
        assert train(image, opt_ml, *processor).returncode == 0
        results.append(json.loads((opt_ml.root / "output/data/metrics.json").read_text())["metrics"])
    assert results[0] == pytest.approx(results[1], rel=1e-9)


def test_a_job_that_does_not_fit_into_the_containers_memory_is_refused(image, opt_ml):
    """Before it starts, with the number of rows that would fit; without swap it would be killed."""
    table = "".join(f"{i % 7},{i % 11 + 1},{i % 13}\n" for i in range(12000))
    (opt_ml.data / "training" / "many.csv").write_text(table)
    done = train(image, opt_ml, "--memory", "700m", "--memory-swap", "700m")
    if "cannot be limited" in done.stderr or "does not support memory limit" in done.stderr:
        pytest.skip(f"this engine cannot limit memory: {done.stderr.strip()}")
    assert done.returncode == 3, done.stderr
    assert "rows would fit" in (opt_ml.root / "output" / "failure").read_text()
    assert "1 x ml.m5.12xlarge: memory: " in done.stdout


def test_train_is_the_default_command(image, opt_ml):
    """SageMaker's local mode gives none."""
    assert "validation:RMSE=" in train(image, opt_ml, command=()).stdout


def test_a_failed_job_leaves_its_reason(image, opt_ml):
    """In the failure file on the mount, with the exit code of a user's error."""
    opt_ml.hyperparameters.write_text(json.dumps({"depth": "3"}))
    assert train(image, opt_ml).returncode == 2
    assert opt_ml.failure.read_text().startswith("1 hyperparameter is wrong: 'depth' is not one")


def test_serves_a_model_that_is_mounted_read_only(image, opt_ml):
    """Ping, a prediction, and exit 0 on `docker stop` well within its 30 s."""
    assert train(image, opt_ml, "--user", f"{os.getuid()}:{os.getgid()}").returncode == 0
    volume = f"{opt_ml.model}:/opt/ml/model:ro"
    options = ["--read-only", "--tmpfs", "/tmp", "--publish", "127.0.0.1::8080", "-v", volume]
    container = docker("run", "--detach", *options, image, "serve").stdout.strip()
    try:
        address = docker("port", container, "8080").stdout.split()[0]
        deadline = time.monotonic() + 30
        while True:
            try:
                with urllib.request.urlopen(f"http://{address}/ping", timeout=5) as response:
                    assert response.status == 200
                break
            except OSError:
                assert time.monotonic() < deadline, docker("logs", container).stderr
                time.sleep(0.05)
        request = urllib.request.Request(
            f"http://{address}/invocations", data=b"1,2\n", headers={"Content-Type": "text/csv"}
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            assert float(response.read()) == pytest.approx(5.905175, abs=1e-5)
        started = time.monotonic()
        docker("stop", "--time", "30", container)
        assert time.monotonic() - started < 25
        assert docker("inspect", container, "--format", "{{.State.ExitCode}}").stdout.strip() == "0"
        assert "Traceback" not in docker("logs", container).stderr
    finally:
        docker("rm", "--force", container)


@pytest.mark.parametrize("front", ["gunicorn", "nginx"])
def test_serves_under_any_user_with_nothing_writable_but_tmp(image, opt_ml, front):
    """A read-only root, no shared memory, another user's number: with and without nginx."""
    assert train(image, opt_ml, "--user", f"{os.getuid()}:{os.getgid()}").returncode == 0
    for folder in (opt_ml.root, opt_ml.root.parents[0], opt_ml.root.parents[1]):
        folder.chmod(0o755)
    hardened = ["--read-only", "--tmpfs", "/tmp", "--ipc", "none", "--user", "4242:4242"]
    options = [*hardened, "-e", f"MODEL_SERVER_FRONT={front}", "-v", f"{opt_ml.model}:/opt/ml/model:ro"]
    container = docker("run", "--detach", *options, image, "serve").stdout.strip()
    ask = "import urllib.request as u; print(u.urlopen(u.Request('http://127.0.0.1:8080/{}', {})).read().decode())"
    try:
        deadline = time.monotonic() + 30
        while docker("exec", container, "python3", "-c", ask.format("ping", None), check=False).returncode:
            assert time.monotonic() < deadline, docker("logs", container).stderr
            time.sleep(0.05)
        body = "b'1,2', {'Content-Type': 'text/csv'}"
        answer = docker("exec", container, "python3", "-c", ask.format("invocations", body)).stdout
        assert float(answer) == pytest.approx(5.905175, abs=1e-5)
        parquet = f"{(DATA / 'parquet/two_rows.parquet').read_bytes()!r}, {{'Content-Type': 'application/x-parquet'}}"
        answer = docker("exec", container, "python3", "-c", ask.format("invocations", parquet)).stdout
        assert float(answer.split()[0]) == pytest.approx(5.905175, abs=1e-5)
        assert (
            "model_server_predicted_rows_total 3.0"
            in docker("exec", container, "python3", "-c", ask.format("metrics", None)).stdout
        )
        docker("stop", "--time", "30", container)
        assert docker("inspect", container, "--format", "{{.State.ExitCode}}").stdout.strip() == "0"
        assert "Traceback" not in docker("logs", container).stderr
    finally:
        docker("rm", "--force", container)


def test_a_quota_of_one_core_means_one_thread_and_one_worker(image, opt_ml):
    """However many cores the machine has."""
    trained = train(image, opt_ml, "--cpus", "1", "--user", f"{os.getuid()}:{os.getgid()}")
    assert trained.returncode == 0
    assert "; 1 thread;" in trained.stdout
    options = ["--cpus", "1", "-v", f"{opt_ml.model}:/opt/ml/model:ro"]
    container = docker("run", "--detach", *options, image, "serve").stdout.strip()
    try:
        deadline = time.monotonic() + 30
        while "Booting worker" not in docker("logs", container).stderr:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        docker("stop", container)
        assert docker("logs", container).stderr.count("Booting worker") == 1
    finally:
        docker("rm", "--force", container)


def test_stops_when_docker_stops_a_training_job(image, opt_ml):
    """As process 1, `train` still hears SIGTERM; no half-written model is left."""
    rows = "".join(f"{i % 7},{i},{i * i % 101},1\n" for i in range(1, 6001))
    (opt_ml.data / "training/train.csv").write_text(rows)
    shutil.rmtree(opt_ml.data / "validation")
    container = docker("run", "--detach", "-v", f"{opt_ml.root}:/opt/ml", image, "train").stdout.strip()
    try:
        deadline = time.monotonic() + 60
        while "training: 6000 rows" not in docker("logs", container).stdout:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        docker("stop", "--time", "120", container)
        assert docker("inspect", container, "--format", "{{.State.ExitCode}}").stdout.strip() == "143"
    finally:
        docker("rm", "--force", container)
    assert not list(opt_ml.model.iterdir())


def test_the_image_describes_itself(image):
    """Requests for it can be made from what it prints, on a read-only root and without a network."""
    done = docker("run", "--rm", *HARDENED, image, "describe", "123456789012.dkr.ecr.eu-west-1.amazonaws.com/gp:1")
    specification = json.loads(done.stdout)["TrainingSpecification"]
    assert specification["TrainingImage"].endswith("/gp:1")
    assert [one["Name"] for one in specification["SupportedHyperParameters"]] == list(Hyperparameters.model_fields)


def test_other_commands_run_as_they_are(image):
    """SageMaker's own tools start images with commands of theirs."""
    assert docker("run", "--rm", image, "chmod", "--version").stdout.startswith("chmod")
    assert docker("run", "--rm", image, "/bin/bash", "-c", "echo $BASH_VERSION").stdout.strip()
    unknown = docker("run", "--rm", image, "no-such-command", check=False)
    assert unknown.returncode == 127
    assert "no-such-command" in unknown.stderr


def test_the_image_says_what_it_is(image):
    """Labels, command, user; and neither pip, its cache, the packages' lists nor a compiler on board."""
    config = json.loads(docker("image", "inspect", image).stdout)[0]["Config"]
    assert config["Labels"]["org.opencontainers.image.revision"] == "abc123"
    assert config["Labels"]["org.opencontainers.image.version"] == __version__
    for capability in ("accept-bind-to-port", "multi-models"):
        assert config["Labels"][f"com.amazonaws.sagemaker.capabilities.{capability}"] == "true"
    assert config["Cmd"] == ["train"]
    assert not config["Entrypoint"]
    assert config["User"] in ("", "root")
    for tool in ("pip", "gcc"):
        assert docker("run", "--rm", image, "bash", "-c", f"command -v {tool}", check=False).returncode == 1
    left = "find /root/.cache /var/lib/apt/lists /var/cache/apt /opt/venv/lib/python3*/site-packages/pip* -type f 2>&-"
    assert docker("run", "--rm", image, "bash", "-c", left, check=False).stdout == ""


def test_the_same_files_make_the_same_layers(image, tmp_path):
    """Packages and program are the same to the byte from a checkout of another date and umask, built anew."""
    checkout = tmp_path / "checkout"
    for path in ("Dockerfile", ".dockerignore", "requirements/image.txt"):
        (checkout / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, checkout / path)
    shutil.copytree(
        ROOT / "gaussian_processes",
        checkout / "gaussian_processes",
        copy_function=shutil.copyfile,
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    for program in ("train", "serve", "describe", "precompile"):
        (checkout / "gaussian_processes" / program).chmod(0o775)
    name = "gaussian-processes:again"
    built = docker("build", "--no-cache", "--build-arg", "COMMIT=another", "--tag", name, str(checkout)).stdout
    # The base and Debian's packages come first.
    first, again = (
        json.loads(docker("image", "inspect", one).stdout)[0]["RootFS"]["Layers"][2:] for one in (image, name)
    )
    # Its stages go with it: an engine without BuildKit, which prints what they are, would take them for the latest to build on.
    without_a_name = docker("image", "ls", "--quiet", "--filter", "dangling=true").stdout.split()
    docker("image", "rm", name, *(one for one in without_a_name if one in built))
    assert len(first) >= 2
    assert first == again


def test_the_search_runs_in_the_image(image, opt_ml, tmp_path):
    """Each job in a container of its own, with the same results as in child processes."""
    command = [
        str(ROOT / "local_test/tuning_job.json"),
        "--data",
        str(opt_ml.data),
        "--results",
        str(tmp_path / "jobs"),
    ]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    search = [sys.executable, "-m", "gaussian_processes.tuning", *command, "--image", image]
    done = subprocess.run(search, env=environ, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "  1  q=0  l=3  2.68928" in done.stdout
    assert len(list((tmp_path / "jobs").glob("arc-cosine-q-l-*/model/model.pkl"))) == 10
