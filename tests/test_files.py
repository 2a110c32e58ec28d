"""Files appear whole or not at all."""

import contextlib
import errno
import os
import resource
import subprocess
import sys

import pytest
from reference import ROOT
from unnamed import has_unnamed_files, names, refuse_unnamed

from gaussian_processes.storage.atomic import remove_unfinished, write_by_rename


def test_a_file_appears_when_all_of_it_is_written(tmp_path, way):
    """Not before, and with nothing beside it; while it is written, it has no name, or one that is passed over."""
    for text in (b"half and half", b"another"):
        with write_by_rename(tmp_path / "a") as stream:
            stream.write(text[:4])
            stream.flush()
            assert [name for name in names(tmp_path) if name != "a"] == [f".a.{os.getpid()}"] * (way == "named")
            stream.write(text[4:])
        assert (tmp_path / "a").read_bytes() == text
        assert names(tmp_path) == ["a"]


def test_the_name_before_can_end_as_those_who_watch_the_folder_want_it(tmp_path, monkeypatch):
    """Where the system has no files without a name."""
    monkeypatch.setattr(os, "open", refuse_unnamed)
    with write_by_rename(tmp_path / "a", suffix=".unfinished") as stream:
        stream.write(b"whole")
        assert names(tmp_path) == [f".a.{os.getpid()}.unfinished"]
    assert names(tmp_path) == ["a"]


def write_half(path, interruption):
    with write_by_rename(path) as stream:
        stream.write(b"half")
        raise interruption


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("interruption", [OSError("disk full"), SystemExit(143), KeyboardInterrupt()], ids=repr)
def test_an_interruption_leaves_what_was_there(tmp_path, interruption):
    """The old file, or none; and no leftover."""
    for before in (None, b"old"):
        if before is not None:
            (tmp_path / "a").write_bytes(before)
        with pytest.raises(type(interruption)):
            write_half(tmp_path / "a", interruption)
        assert [path.read_bytes() for path in tmp_path.iterdir()] == ([] if before is None else [before])


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("umask", [0o022, 0o077, 0o000], ids=oct)
def test_permissions_are_those_of_any_new_file(tmp_path, umask):
    """As the process's umask says, also where the file takes another's place."""
    before = os.umask(umask)
    try:
        for _ in range(2):
            with write_by_rename(tmp_path / "a") as stream:
                stream.write(b"x")
            assert (tmp_path / "a").stat().st_mode & 0o777 == 0o666 & ~umask
    finally:
        os.umask(before)


@pytest.mark.usefixtures("way")
def test_what_a_dead_process_of_the_same_number_left_is_no_obstacle(tmp_path):
    """In a container every process is number 1."""
    (tmp_path / f".a.{os.getpid()}").write_bytes(b"left")
    for text in (b"new", b"newer"):
        with write_by_rename(tmp_path / "a") as stream:
            stream.write(text)
        assert names(tmp_path) == ["a"]
        assert (tmp_path / "a").read_bytes() == text


@pytest.mark.usefixtures("way")
def test_a_disk_that_is_full_leaves_what_was_there(tmp_path):
    """Told apart by the system's own number for it, here that of a limit on the size of files."""
    (tmp_path / "a").write_bytes(b"old")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large") as caught, write_by_rename(tmp_path / "a") as stream:
            stream.write(bytes(20_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert caught.value.errno == errno.EFBIG
    assert (tmp_path / "a").read_bytes() == b"old"
    assert names(tmp_path) == ["a"]


@pytest.mark.parametrize("before", [[], ["a"]], ids=["new", "replaced"])
def test_not_even_a_killed_process_leaves_a_part(tmp_path, before):
    """SIGKILL in the middle of writing, where the file has no name yet."""
    if not has_unnamed_files(tmp_path):
        pytest.skip(f"the file system of {tmp_path} has no files without a name")
    for name in before:
        (tmp_path / name).write_bytes(b"old")
    code = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from gaussian_processes.storage.atomic import write_by_rename\n"
        "with write_by_rename(Path(sys.argv[1])) as stream:\n"
        "    stream.write(bytes(10**6))\n"
        "    stream.flush()\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "a")], cwd=ROOT, timeout=60, check=False)
    assert done.returncode == -9
    assert names(tmp_path) == before


def test_a_process_that_ends_without_unwinding_can_clear_up(tmp_path, monkeypatch):
    """What has a name already, and is not finished."""
    monkeypatch.setattr(os, "open", refuse_unnamed)
    ending = contextlib.ExitStack()
    ending.enter_context(write_by_rename(tmp_path / "a"))
    assert names(tmp_path) == [f".a.{os.getpid()}"]
    remove_unfinished()
    assert names(tmp_path) == []
    with pytest.raises(FileNotFoundError):
        ending.close()


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize(("path", "error"), [("none/a", FileNotFoundError), ("file/a", NotADirectoryError)])
def test_a_folder_that_is_none_is_named(tmp_path, path, error):
    """In the system's own error."""
    (tmp_path / "file").touch()
    with pytest.raises(error) as caught, write_by_rename(tmp_path / path):
        pass
    assert str(caught.value.filename) == str(tmp_path / path.partition("/")[0])
