"""What a checkout gives, on Windows too: programs that a Linux container can start."""

import subprocess

import pytest
from reference import ROOT


def git(*arguments, folder=ROOT):
    return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def programs():
    """The files in git that begin with #!, by their path, with their mode."""
    if subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, check=False).returncode:
        pytest.skip("this is not a git checkout")
    listed = (line.split(maxsplit=3) for line in git("ls-files", "--stage").splitlines())
    return {path: mode for mode, _, _, path in listed if (ROOT / path).read_bytes()[:2] == b"#!"}


def test_programs_have_their_exec_bit_in_git(programs):
    """Wherever they are checked out, and on whatever file system they were edited."""
    assert {"gaussian_processes/train", "gaussian_processes/serve", "build_and_push.sh", "tests/run"} <= set(programs)
    assert {path for path, mode in programs.items() if mode != "100755"} == set()


def test_programs_keep_their_line_feeds_under_the_settings_of_windows(programs, tmp_path):
    """With core.autocrlf as Git for Windows sets it, which turns line feeds into carriage returns elsewhere."""
    git("-c", "core.autocrlf=true", "-c", "core.eol=crlf", "clone", "--quiet", str(ROOT), str(tmp_path / "clone"))
    for path in [*programs, "local_test/environment.sh", "Dockerfile", "requirements/image.txt"]:
        assert b"\r" not in (tmp_path / "clone" / path).read_bytes(), path
