"""The README's first command, in a fresh copy of the project."""

import os
import re
import shutil
import subprocess

import pytest
from processes import docker, require_engine
from reference import ROOT


@pytest.fixture(scope="module")
def fresh_copy(tmp_path_factory):
    """What git would put into a clone, with the changes of the working tree."""
    copy = tmp_path_factory.mktemp("clone")
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0"):
        if name and (ROOT / name).exists():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copy / name)
    return copy


def check(text):
    """Both examples trained, five predictions inside their intervals, ten jobs from the best to the worst."""
    assert re.findall(r"^train:N=(\d+);", text, re.MULTILINE) == ["100", "342"]
    assert len(re.findall(r"^validation:RMSE=\d+\.\d+;", text, re.MULTILINE)) == 2
    rows = re.findall(r"^ +(\S+)   from (\S+) to (\S+)$", text, re.MULTILINE)
    assert len(rows) == 5
    assert all(float(low) < float(mean) < float(high) for mean, low, high in rows)
    assert "the server has stopped" in text
    table = text.partition("Minimize validation:RMSE, the best first:\n")[2].partition("\n\n")[0].splitlines()
    values = [float(line.split()[-1]) for line in table]
    assert len(values) == 10
    assert values == sorted(values)


def test_trains_serves_predicts_and_tunes(fresh_copy):
    """With nothing but Python: the packages are installed, and every step prints what it should."""
    done = subprocess.run(
        ["local_test/quickstart"], cwd=fresh_copy, capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    check(done.stdout)


def test_does_the_same_through_the_image(fresh_copy):
    """With --docker, everything but the search's own process runs in containers."""
    require_engine()
    # One that is there, of other files, would be used.
    docker("image", "rm", "--force", "gaussian-processes:quickstart", check=False)
    command = ["local_test/quickstart", "--docker", "gaussian-processes:quickstart"]
    done = subprocess.run(command, cwd=fresh_copy, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    check(done.stdout)


@pytest.mark.parametrize(
    ("python", "message"),
    [
        (None, "Python 3.11 or newer is needed; found none. Install it"),
        (
            "case $2 in *platform*) echo 3.9.2 ;; *) exit 1 ;; esac",
            "Python 3.11 or newer is needed; found 3.9.2. Install it",
        ),
        ("case $2 in *venv*) exit 1 ;; *) exit 0 ;; esac", "python3 has no venv module. Install it"),
    ],
    ids=["no Python", "old Python", "no venv"],
)
def test_a_machine_without_python_is_told_what_to_install(tmp_path, python, message):
    """One sentence."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("bash", "dirname", "cmp", "env"):
        (tools / name).symlink_to(shutil.which(name))
    if python is not None:
        (tools / "python3").write_text(f"#!{shutil.which('bash')}\n{python}\n")
        (tools / "python3").chmod(0o755)
    for name in ("local_test", "requirements"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("model", "output"))
    environ = {**os.environ, "PATH": str(tools)}
    command = [str(tmp_path / "local_test/quickstart")]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0
    assert done.stdout == ""
    assert done.stderr.startswith(message)
    assert done.stderr.count("\n") == 1
